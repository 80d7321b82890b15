/** Steps through the trace of a program, forwards and backwards: its line, call stack, variables and output. */

import type { Step, Trace } from "../types.js";
import { element, finder } from "./elements.js";

const CUTS: Record<string, string> = {
  steps: "The program goes on, but no more steps are shown.",
  size: "The program goes on, but no more steps are shown.",
  timeout: "The time limit was reached here.",
  memory_limit: "The memory limit was reached here.",
  output_limit: "The program printed too much here.",
  not_run: "The program could not run again.",
  lost: "The program exited here.",
};

export class Stepper {
  readonly #parts;
  readonly #onLine: (line: number | null) => void;
  #trace: Trace = { steps: [], cut: null, output: "" };
  #output: string[] = []; // by code points, as the service counts them

  /** `onLine` gets the line of main.py where the program is. */
  constructor(root: ShadowRoot, onLine: (line: number | null) => void) {
    const at = finder(root);
    this.#parts = {
      card: at("stepper"),
      slider: at<HTMLInputElement>("step"),
      said: at("step-said"),
      stack: at("stack"),
      printed: at("printed"),
      back: at<HTMLButtonElement>("step-back"),
      on: at<HTMLButtonElement>("step-on"),
    };
    this.#onLine = onLine;
    const { slider, back, on } = this.#parts;
    slider.addEventListener("input", () => this.#show());
    back.addEventListener("click", () => this.#move(-1));
    on.addEventListener("click", () => this.#move(1));
  }

  show(trace: Trace): void {
    const { card, slider } = this.#parts;
    this.#trace = trace;
    this.#output = [...trace.output];
    slider.max = String(Math.max(0, trace.steps.length - 1));
    slider.value = "0";
    card.hidden = false;
    this.#show();
    slider.focus();
  }

  clear(): void {
    if (this.#parts.card.hidden) return;
    this.#parts.card.hidden = true;
    this.#onLine(null);
  }

  #move(by: number): void {
    const { slider } = this.#parts;
    slider.value = String(Number(slider.value) + by);
    this.#show();
  }

  #show(): void {
    const { slider, said, stack, printed, back, on } = this.#parts;
    const index = Number(slider.value);
    const { steps, cut } = this.#trace;
    const step = steps[index];
    const isLast = index + 1 >= steps.length;
    const end = isLast && cut ? ` ${CUTS[cut] ?? ""}` : "";
    const words = step ? `Step ${index + 1} of ${steps.length}: ${inWords(step)}` : "There are no steps.";
    said.textContent = words + end;
    slider.setAttribute("aria-valuetext", words);
    back.ariaDisabled = String(index === 0);
    on.ariaDisabled = String(isLast);
    stack.replaceChildren(...(step ? [...step.stack].reverse().map(frameOf) : []));
    printed.textContent = this.#output.slice(0, step?.printed ?? 0).join("");
    const inner = step?.stack.at(-1);
    this.#onLine(inner?.file === "main.py" ? inner.line : null);
  }
}

function inWords({ event, line, value, stack }: Step): string {
  const { function: name = "", file = "" } = stack.at(-1) ?? {};
  const where = file === "main.py" ? `line ${line}` : `line ${line} of ${file}`;
  if (event === "call") return `${name} begins on ${where}`;
  if (event === "exception") return `${where} raises ${value ?? ""}`;
  if (event === "return") return name === "<module>" ? `the end, on ${where}` : `${name} returns ${value ?? ""} on ${where}`;
  return `${where} is next`;
}

function frameOf(frame: Step["stack"][number]): HTMLElement {
  const item = element("li");
  item.append(element("strong", "", frame.function === "<module>" ? frame.file : `${frame.function}, line ${frame.line}`));
  const variables = element("dl");
  for (const [name, value] of Object.entries(frame.variables)) {
    variables.append(element("dt", "", name), element("dd", "", value));
  }
  if (variables.childElementCount) item.append(variables);
  return item;
}
