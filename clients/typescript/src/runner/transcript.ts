/** Shows the rows of a terminal. */

import { element } from "./elements.js";
import { Terminal } from "./terminal.js";
import type { Cell, Kind, Style } from "./terminal.js";
import { describeFrames, partOfTraceback } from "./traceback.js";
import type { Part } from "./traceback.js";

export class Transcript {
  /** All that was written. */
  text = "";
  readonly #part: HTMLElement;
  #terminal = new Terminal();
  #parts: Part[] = []; // of each row

  constructor(part: HTMLElement) {
    this.#part = part;
  }

  clear(): void {
    this.text = "";
    this.#terminal = new Terminal();
    this.#parts = [];
    this.#part.replaceChildren();
  }

  write(text: string, kind: Kind): void {
    this.text += text;
    this.#show(this.#terminal.write(text, kind));
  }

  /** Show the rows again from `first` on, or from where the folded rows begin that it belongs to. */
  #show(first: number): void {
    while (first > 0 && this.#parts[first - 1] === "library") first--;
    const { rows } = this.#terminal;
    for (const old of ([...this.#part.children] as HTMLElement[]).reverse()) {
      if (Number(old.dataset.row) < first) break;
      old.remove();
    }
    this.#parts.length = Math.min(this.#parts.length, first);
    const made = document.createDocumentFragment();
    let folded: HTMLDetailsElement | null = null;
    for (const [offset, row] of rows.slice(first).entries()) {
      const at = first + offset;
      const part = partOfTraceback(this.#parts[at - 1] ?? "plain", textOf(row), row.at(-1)?.[1].kind === "stderr");
      this.#parts.push(part);
      const line = lineOf(row, at < rows.length - 1);
      line.classList.add(part);
      line.dataset.row = String(at);
      if (part !== "library") {
        folded = null;
        made.append(line);
        continue;
      }
      if (folded === null) {
        folded = element("details", "frames");
        folded.dataset.row = String(at);
        folded.append(element("summary"));
        made.append(folded);
      }
      folded.append(line);
      const texts = Array.from(folded.children, (each) => each.textContent ?? "").slice(1);
      if (folded.firstElementChild) folded.firstElementChild.textContent = describeFrames(texts);
    }
    this.#part.append(made);
  }
}

const textOf = (row: Cell[]): string => row.map(([character]) => character).join("");

function lineOf(row: Cell[], isWhole: boolean): HTMLElement {
  const line = element("span", "line");
  for (let from = 0, to = 0; from < row.length; from = to) {
    const style = row[from]?.[1] ?? {};
    while (to < row.length && row[to]?.[1] === style) to++;
    const text = textOf(row.slice(from, to));
    const isPlain = Object.keys(style).every((name) => name === "kind") && style.kind !== "stderr" && style.kind !== "echo";
    line.append(isPlain ? text : styled(text, style));
  }
  if (isWhole) line.append("\n");
  return line;
}

function styled(text: string, style: Style): HTMLElement {
  const made = element("span", style.kind ?? "", text);
  for (const name of ["bold", "dim", "italic", "underline", "strike"] as const) {
    if (style[name]) made.classList.add(name);
  }
  let { colour = "", ground = "" } = style;
  if (style.inverse) [colour, ground] = [ground || "var(--raised)", colour || "var(--text)"];
  else if (ground) {
    ground = ofTheTerminal(ground);
    colour = ofTheTerminal(colour) || readableOn(ground);
  }
  made.style.color = colour;
  made.style.backgroundColor = ground;
  return made;
}

/** A program that colours the ground, too, wants the terminal's own colours, not those of the theme. */
const OF_TERMINALS = `0 0 0,170 0 0,0 110 40,170 85 0,0 0 170,150 0 150,0 120 130,200 200 200,
  85 85 85,255 85 85,85 255 85,255 255 85,85 85 255,255 85 255,85 255 255,255 255 255`.split(/,\s*/);

function ofTheTerminal(colour: string): string {
  return colour.replace(/var\(--ansi-(\d+)\)/, (_, index) => `rgb(${OF_TERMINALS[index]})`);
}

function readableOn(ground: string): string {
  const [red = 0, green = 0, blue = 0] = (ground.match(/\d+/g) ?? []).map(Number);
  return red * 0.299 + green * 0.587 + blue * 0.114 > 120 ? "black" : "white";
}
