/** The controls of a form: each holds one field of a request, and shows what the service says against it. */

import { element } from "./elements.js";

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

export interface FieldOptions {
  label: string;
  /** How the value is written; without it, as text of any number of lines. Lists are separated by commas. */
  as?: "line" | "number" | "words" | "functions" | "choice" | "check";
  placeholder?: string;
  choices?: readonly string[];
}

/** A control whose value the service has refused, and its name. */
export interface Refused {
  label: string;
  control: HTMLElement;
}

let complaints = 0;

/** A sentence against a control, or against several. It disappears when one of them changes. */
export class Complaint {
  readonly part = element("p", "complaint");

  constructor(...controls: HTMLElement[]) {
    this.part.id = `complaint-${++complaints}`;
    this.part.hidden = true;
    for (const control of controls) control.addEventListener("input", () => this.withdraw(control));
  }

  make(sentence: string, control?: HTMLElement): void {
    this.part.textContent = sentence;
    this.part.hidden = false;
    control?.setAttribute("aria-describedby", this.part.id);
    control?.setAttribute("aria-invalid", "true");
  }

  withdraw(control?: HTMLElement): void {
    this.part.hidden = true;
    control?.removeAttribute("aria-describedby");
    control?.removeAttribute("aria-invalid");
  }
}

/** A labelled control for one field. */
export class Field {
  readonly part = element("div", "field");
  readonly label: string;
  readonly control: Control;
  readonly #as: FieldOptions["as"];
  readonly #complaint: Complaint;

  constructor(options: FieldOptions) {
    this.label = options.label;
    this.#as = options.as;
    this.control = controlOf(options);
    this.#complaint = new Complaint(this.control);
    this.control.addEventListener("change", () => this.#complaint.withdraw(this.control));
    const label = element("label", options.as === "check" ? "check" : "");
    label.append(element("span", "", this.label), this.control);
    this.part.append(label, this.#complaint.part);
  }

  /** The name for screen readers. */
  get name(): string {
    return this.control.ariaLabel ?? this.label;
  }

  set name(name: string) {
    this.control.ariaLabel = name;
  }

  /** The value as in a request, or undefined if there is none. What is not a number stays text: the service says so. */
  get value(): unknown {
    const text = this.control.value;
    switch (this.#as) {
      case "check":
        return (this.control as HTMLInputElement).checked || undefined;
      case "number":
        return text.trim() ? numberOf(text) : undefined;
      case "words":
        return listOf(text);
      case "functions":
        return listOf(text)?.map(functionOf);
      default:
        return text || undefined;
    }
  }

  /** Show a value of any type: it may come from a stranger's link. */
  set value(value: unknown) {
    const parts = value === undefined || value === null ? [] : [value].flat();
    if (this.#as === "check") (this.control as HTMLInputElement).checked = value === true;
    else this.control.value = parts.map(textOf).join(", ");
    if (this.control instanceof HTMLTextAreaElement) this.control.rows = this.control.value.split("\n").length;
  }

  /** Show the service's sentence. Return the control. */
  refuse(sentence: string): HTMLElement {
    this.#complaint.make(sentence, this.control);
    return this.control;
  }

  accept(): void {
    this.#complaint.withdraw(this.control);
  }
}

function controlOf({ as, placeholder = "", choices = [] }: FieldOptions): Control {
  if (as === "choice") {
    const made = element("select");
    made.append(...choices.map((each) => new Option(each || "default", each)));
    return made;
  }
  const made = element(as === undefined ? "textarea" : "input");
  if (as === "check") return Object.assign(made, { type: "checkbox" });
  if (as === "number") made.inputMode = "decimal";
  return Object.assign(made, { placeholder, spellcheck: false, autocapitalize: "off", autocomplete: "off" });
}

function numberOf(text: string): number | string {
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

function listOf(text: string): string[] | undefined {
  const parts = text.split(",").map((part) => part.trim()).filter(Boolean);
  return parts.length ? parts : undefined;
}

/** Return the function that is written as `add`, or as `add(2)` with the number of its parameters. */
function functionOf(text: string): { name: string; parameters?: number | string } {
  const [, name = text, parameters = ""] = /^([^(]*)\((.*)\)$/.exec(text) ?? [];
  return { name: name.trim(), ...(parameters.trim() && { parameters: numberOf(parameters) }) };
}

function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const { name, parameters } = value as { name?: unknown; parameters?: unknown };
  return parameters === undefined || parameters === null ? String(name) : `${String(name)}(${String(parameters)})`;
}
