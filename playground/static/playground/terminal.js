"use strict";

// What a terminal shows for a program's output. It knows colours, lines that are written over (\r, \b and the movements
// of the cursor) and cleared screens; other control sequences show nothing. It has no screen of a fixed size: a row is a
// line of the whole output.
class Terminal {
  static #SEQUENCES = new RegExp(
    [
      "\\x1b\\[(?<parameters>[0-?]*)[ -/]*(?<command>[@-~])", // colours, the cursor
      "\\x1b\\][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)", // a title, a link
      "\\x1b[ -/]*[0-Z\\\\^-~]",
      "(?<control>[\\r\\n\\b])",
      "(?<text>[^\\x00-\\x08\\x0a-\\x1f\\x7f]+)",
    ].join("|"),
    "g",
  );
  static #UNFINISHED = /\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*)?$/;
  static #WIDEST = 1000; // to where a program may move the cursor beyond the end of a line
  static #JOINED = /^[\p{M}\u200d\u{1f3fb}-\u{1f3ff}]/u; // belongs to the character before it

  // Each row is a list of cells, [character, style]. Cells with the same style share the object.
  rows = [[]];
  #row = 0;
  #column = 0;
  #style = {};
  #unfinished = {}; // by kind: the beginning of a sequence

  // Returns the number of the first row that may have changed. `kind` is the stream, and a part of each cell's style.
  write(text, kind) {
    const all = (this.#unfinished[kind] ?? "") + text;
    const rest = all.match(Terminal.#UNFINISHED)?.[0] ?? "";
    this.#unfinished[kind] = rest.length < 1000 ? rest : "";
    let first = this.#row;
    if (this.#style.kind !== kind) this.#style = { ...this.#style, kind };
    for (const { groups } of all.slice(0, all.length - rest.length).matchAll(Terminal.#SEQUENCES)) {
      if (groups.text) this.#put(groups.text);
      else if (groups.control) this.#move(groups.control);
      else if (groups.command) this.#obey(groups.command, groups.parameters);
      first = Math.min(first, this.#row);
    }
    return first;
  }

  #put(text) {
    const row = this.rows[this.#row];
    while (row.length < this.#column) row.push([" ", {}]);
    for (const character of text) {
      const before = row[this.#column - 1];
      if (before && (Terminal.#JOINED.test(character) || before[0].endsWith("\u200d"))) {
        row[this.#column - 1] = [before[0] + character, before[1]];
      } else {
        row[this.#column++] = [character, this.#style];
      }
    }
  }

  #move(control) {
    if (control === "\b") this.#column = Math.max(0, this.#column - 1);
    else this.#column = 0;
    if (control === "\n" && ++this.#row === this.rows.length) this.rows.push([]);
  }

  #obey(command, parameters) {
    const [first = 0, second = 0] = parameters.split(";").map(Number);
    const steps = first || 1;
    const row = this.rows[this.#row];
    if (command === "m") this.#colour(parameters.split(/[;:]/).map(Number));
    if (command === "A" || command === "F") this.#go(this.#row - steps, command === "F" ? 0 : this.#column);
    if (command === "B" || command === "E") this.#go(this.#row + steps, command === "E" ? 0 : this.#column);
    if (command === "C") this.#go(this.#row, this.#column + steps);
    if (command === "D") this.#go(this.#row, this.#column - steps);
    if (command === "G") this.#go(this.#row, steps - 1);
    if (command === "H" || command === "f") this.#go(steps - 1, (second || 1) - 1);
    if (command === "K" && first === 0) row.length = Math.min(row.length, this.#column);
    if (command === "K" && first > 0) row.fill([" ", {}], 0, first === 1 ? this.#column + 1 : row.length);
    if (command === "J" && first === 0) {
      row.length = Math.min(row.length, this.#column);
      this.rows.length = this.#row + 1;
    }
    if (command === "J" && first > 1) {
      this.rows = [[]];
      this.#go(0, 0);
    }
  }

  #go(row, column) {
    this.#row = Math.min(Math.max(0, row), this.rows.length - 1);
    this.#column = Math.min(Math.max(0, column), Terminal.#WIDEST);
  }

  #colour(numbers) {
    const style = { ...this.#style };
    for (let at = 0; at < numbers.length; at++) {
      const number = numbers[at];
      if (number === 0) for (const name of Object.keys(style)) if (name !== "kind") delete style[name];
      if (number === 1) style.bold = true;
      if (number === 2) style.dim = true;
      if (number === 3) style.italic = true;
      if (number === 4) style.underline = true;
      if (number === 7) style.inverse = true;
      if (number === 9) style.strike = true;
      if (number === 22) delete style.bold, delete style.dim;
      if (number === 23) delete style.italic;
      if (number === 24) delete style.underline;
      if (number === 27) delete style.inverse;
      if (number === 29) delete style.strike;
      if (number >= 30 && number <= 37) style.colour = `var(--ansi-${number - 30})`;
      if (number >= 90 && number <= 97) style.colour = `var(--ansi-${number - 82})`;
      if (number >= 40 && number <= 47) style.ground = `var(--ansi-${number - 40})`;
      if (number >= 100 && number <= 107) style.ground = `var(--ansi-${number - 92})`;
      if (number === 39) delete style.colour;
      if (number === 49) delete style.ground;
      if ((number === 38 || number === 48) && numbers[at + 1] === 5) {
        style[number === 38 ? "colour" : "ground"] = ofPalette(numbers[at + 2] ?? 0);
        at += 2;
      } else if ((number === 38 || number === 48) && numbers[at + 1] === 2) {
        style[number === 38 ? "colour" : "ground"] = `rgb(${numbers.slice(at + 2, at + 5).join(" ")})`;
        at += 4;
      }
    }
    this.#style = style;

    // The 256 colours of xterm: 16 of the theme, a cube of 6 × 6 × 6, and 24 greys.
    function ofPalette(index) {
      if (index < 16) return `var(--ansi-${index})`;
      if (index > 231) return `rgb(${Array(3).fill(8 + (index - 232) * 10).join(" ")})`;
      const steps = [Math.floor((index - 16) / 36), Math.floor((index - 16) / 6) % 6, (index - 16) % 6];
      return `rgb(${steps.map((step) => (step ? 55 + step * 40 : 0)).join(" ")})`;
    }
  }
}
