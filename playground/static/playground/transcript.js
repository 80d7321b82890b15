"use strict";

// Shows the rows of a terminal. Programs write them, so they enter the page only as text.
class Transcript {
  #part;
  #terminal = new Terminal();
  #parts = []; // of each row: plain, traceback or library
  text = ""; // all that was written

  constructor(part) {
    this.#part = part;
  }

  clear() {
    this.#terminal = new Terminal();
    this.#parts = [];
    this.text = "";
    this.#part.replaceChildren();
  }

  write(text, kind) {
    this.text += text;
    this.#show(this.#terminal.write(text, kind));
  }

  // Shows the rows again from `first` on, or from where the folded rows begin that it belongs to.
  #show(first) {
    while (first > 0 && this.#parts[first - 1] === "library") first--;
    const { rows } = this.#terminal;
    for (const old of [...this.#part.children].reverse()) {
      if (Number(old.dataset.row) < first) break;
      old.remove();
    }
    this.#parts.length = Math.min(this.#parts.length, first);
    const made = document.createDocumentFragment();
    let folded = null;
    for (let at = first; at < rows.length; at++) {
      const text = textOf(rows[at]);
      const part = partOfTraceback(this.#parts[at - 1] ?? "plain", text, rows[at].at(-1)?.[1].kind === "stderr");
      this.#parts.push(part);
      const line = lineOf(rows[at], at < rows.length - 1);
      line.classList.add(part);
      line.dataset.row = at;
      if (part !== "library") {
        folded = null;
        made.append(line);
        continue;
      }
      if (!folded) {
        folded = element("details", "frames", "");
        folded.dataset.row = at;
        folded.append(element("summary", "", ""));
        made.append(folded);
      }
      folded.append(line);
      const texts = [...folded.querySelectorAll(".line")].map((each) => each.textContent);
      folded.firstElementChild.textContent = describeFrames(texts);
    }
    this.#part.append(made);
  }
}

const textOf = (row) => row.map(([character]) => character).join("");

function lineOf(row, isWhole) {
  const line = element("span", "line", "");
  for (let from = 0, to; from < row.length; from = to) {
    const style = row[from][1];
    for (to = from; row[to]?.[1] === style; to++);
    const text = textOf(row.slice(from, to));
    line.append(Object.keys(style).every((name) => name === "kind" && style.kind === "stdout") ? text : styled(text, style));
  }
  if (isWhole) line.append("\n");
  return line;
}

function styled(text, style) {
  const made = element("span", style.kind ?? "", text);
  for (const name of ["bold", "dim", "italic", "underline", "strike"]) if (style[name]) made.classList.add(name);
  let { colour = "", ground = "" } = style;
  if (style.inverse) [colour, ground] = [ground || "var(--raised)", colour || "var(--text)"];
  else if (ground) [colour, ground] = [ofTheTerminal(colour) || readableOn(ofTheTerminal(ground)), ofTheTerminal(ground)];
  made.style.color = colour;
  made.style.backgroundColor = ground;
  return made;
}

// A program that colours the ground, too, wants the terminal's own colours, not those of the theme.
const OF_TERMINALS = `0 0 0,170 0 0,0 110 40,170 85 0,0 0 170,150 0 150,0 120 130,200 200 200,
  85 85 85,255 85 85,85 255 85,255 255 85,85 85 255,255 85 255,85 255 255,255 255 255`.split(/,\s*/);

function ofTheTerminal(colour) {
  return colour.replace(/var\(--ansi-(\d+)\)/, (_, index) => `rgb(${OF_TERMINALS[index]})`);
}

function readableOn(ground) {
  const [red, green, blue] = ground.match(/\d+/g).map(Number);
  return red * 0.299 + green * 0.587 + blue * 0.114 > 120 ? "black" : "white";
}
