/**
 * What a terminal shows for a program's output.
 *
 * It knows colours, lines that are written over (\r, \b and the movements of the cursor) and cleared screens; other
 * control sequences show nothing. It has no screen of a fixed size: a row is a line of the whole output.
 */

export type Kind = "stdout" | "stderr" | "echo";

/** The looks of a character. Colours are as in CSS; those of the theme are `var(--ansi-0)` to `var(--ansi-15)`. */
export interface Style {
  kind?: Kind;
  colour?: string;
  ground?: string;
  bold?: true;
  dim?: true;
  italic?: true;
  underline?: true;
  strike?: true;
  inverse?: true;
}

/** A character and its style. Cells with the same style share the object. */
export type Cell = [string, Style];

const SEQUENCES = new RegExp(
  [
    "\\x1b\\[(?<parameters>[0-?]*)[ -/]*(?<command>[@-~])", // colours, the cursor
    "\\x1b\\][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)", // a title, a link
    "\\x1b[ -/]*[0-Z\\\\^-~]",
    "(?<control>[\\r\\n\\b])",
    "(?<text>[^\\x00-\\x08\\x0a-\\x1f\\x7f]+)",
  ].join("|"),
  "g",
);
const UNFINISHED = /\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*)?$/;
const LONGEST_UNFINISHED = 1000;
const WIDEST = 1000; // to where a program may move the cursor beyond the end of a line
const JOINED = /^[\p{M}\u200d\u{1f3fb}-\u{1f3ff}]/u; // belongs to the character before it

const ON: Record<number, keyof Style> = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" };
const OFF: Record<number, (keyof Style)[]> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  29: ["strike"],
  39: ["colour"],
  49: ["ground"],
};

export class Terminal {
  rows: Cell[][] = [[]];
  #row = 0;
  #column = 0;
  #style: Style = {};
  #unfinished: Partial<Record<Kind, string>> = {}; // the beginning of a sequence

  /** Write text, and return the number of the first row that may have changed. */
  write(text: string, kind: Kind): number {
    const all = (this.#unfinished[kind] ?? "") + text;
    const rest = UNFINISHED.exec(all)?.[0] ?? "";
    this.#unfinished[kind] = rest.length < LONGEST_UNFINISHED ? rest : "";
    let first = this.#row;
    if (this.#style.kind !== kind) this.#style = { ...this.#style, kind };
    for (const { groups = {} } of all.slice(0, all.length - rest.length).matchAll(SEQUENCES)) {
      if (groups.text) this.#put(groups.text);
      else if (groups.control) this.#move(groups.control);
      else if (groups.command) this.#obey(groups.command, groups.parameters ?? "");
      first = Math.min(first, this.#row);
    }
    return first;
  }

  get #current(): Cell[] {
    return this.rows[this.#row] ?? [];
  }

  #put(text: string): void {
    const row = this.#current;
    while (row.length < this.#column) row.push([" ", {}]);
    for (const character of text) {
      const before = row[this.#column - 1];
      if (before && (JOINED.test(character) || before[0].endsWith("\u200d"))) {
        row[this.#column - 1] = [before[0] + character, before[1]];
      } else {
        row[this.#column++] = [character, this.#style];
      }
    }
  }

  #move(control: string): void {
    if (control === "\b") this.#column = Math.max(0, this.#column - 1);
    else this.#column = 0;
    if (control === "\n" && ++this.#row === this.rows.length) this.rows.push([]);
  }

  #obey(command: string, parameters: string): void {
    const [first = 0, second = 0] = parameters.split(";").map(Number);
    const steps = first || 1;
    switch (command) {
      case "m":
        return this.#restyle(parameters.split(/[;:]/).map(Number));
      case "A":
        return this.#go(this.#row - steps, this.#column);
      case "B":
        return this.#go(this.#row + steps, this.#column);
      case "C":
        return this.#go(this.#row, this.#column + steps);
      case "D":
        return this.#go(this.#row, this.#column - steps);
      case "E":
        return this.#go(this.#row + steps, 0);
      case "F":
        return this.#go(this.#row - steps, 0);
      case "G":
        return this.#go(this.#row, steps - 1);
      case "H":
      case "f":
        return this.#go(steps - 1, (second || 1) - 1);
      case "J":
        return this.#eraseRows(first);
      case "K":
        return this.#eraseCells(first);
    }
  }

  #go(row: number, column: number): void {
    this.#row = Math.min(Math.max(0, row), this.rows.length - 1);
    this.#column = Math.min(Math.max(0, column), WIDEST);
  }

  #eraseCells(which: number): void {
    const row = this.#current;
    if (which === 0) row.length = Math.min(row.length, this.#column);
    if (which > 0) row.fill([" ", {}], 0, which === 1 ? this.#column + 1 : row.length);
  }

  #eraseRows(which: number): void {
    if (which === 0) {
      this.#eraseCells(0);
      this.rows.length = this.#row + 1;
    }
    if (which > 1) {
      this.rows = [[]];
      this.#go(0, 0);
    }
  }

  #restyle(codes: number[]): void {
    let style = { ...this.#style };
    for (let at = 0; at < codes.length; at++) {
      const code = codes[at] ?? 0;
      const on = ON[code];
      const tens = Math.floor(code / 10);
      const which = tens === 4 || tens === 10 ? "ground" : "colour";
      if (code === 0) style = style.kind ? { kind: style.kind } : {};
      else if (on) Object.assign(style, { [on]: true });
      else if (OFF[code]) for (const name of OFF[code]) delete style[name];
      else if (code === 38 || code === 48) {
        const isIndex = codes[at + 1] === 5;
        style[which] = isIndex ? ofPalette(codes[at + 2] ?? 0) : `rgb(${codes.slice(at + 2, at + 5).join(" ")})`;
        at += isIndex ? 2 : 4;
      } else if (code >= 30 && code < 48) style[which] = `var(--ansi-${code % 10})`;
      else if (code >= 90 && code < 108) style[which] = `var(--ansi-${(code % 10) + 8})`;
    }
    this.#style = style;
  }
}

/** Return one of xterm's 256 colours: 16 of the theme, a cube of 6 × 6 × 6, and 24 greys. */
function ofPalette(index: number): string {
  if (index < 16) return `var(--ansi-${index})`;
  const grey = 8 + (index - 232) * 10;
  const cube = [Math.floor((index - 16) / 36), Math.floor((index - 16) / 6) % 6, (index - 16) % 6];
  const parts = index > 231 ? [grey, grey, grey] : cube.map((step) => (step ? 55 + step * 40 : 0));
  return `rgb(${parts.join(" ")})`;
}
