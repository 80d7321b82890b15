import { expect, test } from "vitest";
import { Terminal } from "../../src/runner/terminal.js";
import { describeFrames, partOfTraceback } from "../../src/runner/traceback.js";
import type { Part } from "../../src/runner/traceback.js";

const ESC = "\x1b[";

function rows(...parts: string[]): string[] {
  const terminal = new Terminal();
  for (const part of parts) terminal.write(part, "stdout");
  return terminal.rows.map((row) => row.map(([character]) => character).join(""));
}

test.each<[string[], string[]]>([
  [["a\nb"], ["a", "b"]],
  [["50%\r100%"], ["100%"]],
  [["abc\rx"], ["xbc"]],
  [["abc\b\bx"], ["axc"]],
  [["\b\bx"], ["x"]],
  [["a\r\nb\n"], ["a", "b", ""]],
  [["a\tb\0\x07c"], ["a\tbc"]],
  [["a", "b\r", "c"], ["cb"]],
  [[`abc\r${ESC}K`], [""]],
  [[`abc${ESC}2D${ESC}1K`], ["  c"]],
  [[`abc${ESC}2K\rx`], ["x  "]],
  [[`one\ntwo${ESC}1A\rx\n${ESC}3Cy`], ["xne", "twoy"]],
  [[`a${ESC}5Gb`], ["a   b"]],
  [[`a\nb${ESC}2J${ESC}Hc`], ["c"]],
  [[`a\nb\nc${ESC}1;1H${ESC}Jx`], ["x"]],
  [[`a${ESC}9999Bb`], ["ab"]],
  [["a\x1b", "[31", "mb"], ["ab"]],
  [["\x1b]0;a title\x07x\x1b]8;;http://a\x1b\\y"], ["xy"]],
  [[`${ESC}?25lx${ESC}?25h\x1b(By`], ["xy"]],
  [["e\u0301👍🏽👩\u200d🚀\rx"], ["x👍🏽👩\u200d🚀"]],
  [["a\x1b"], ["a"]],
])("%j is shown as %j", (parts, shown) => {
  expect(rows(...parts)).toEqual(shown);
});

test("a cursor far to the right takes no memory", () => {
  expect(rows(`a${ESC}999999999Cb`)[0]?.length).toBeLessThan(2000);
});

test("an unfinished sequence takes no memory, and hides no later text for good", () => {
  expect(rows(`\x1b]${"x".repeat(5000)}`, "a")).toEqual(["a"]);
});

test("each stream may be in the middle of a sequence", () => {
  const terminal = new Terminal();
  terminal.write("\x1b[3", "stdout");
  terminal.write("b", "stderr");
  terminal.write("1ma", "stdout");
  expect(terminal.rows).toEqual([[["b", { kind: "stderr" }], ["a", { kind: "stdout", colour: "var(--ansi-1)" }]]]);
});

test.each<[string, object]>([
  ["31", { colour: "var(--ansi-1)" }],
  ["97", { colour: "var(--ansi-15)" }],
  ["42;1", { ground: "var(--ansi-2)", bold: true }],
  ["100", { ground: "var(--ansi-8)" }],
  ["38;5;9", { colour: "var(--ansi-9)" }],
  ["38;5;208", { colour: "rgb(255 135 0)" }],
  ["48;5;232", { ground: "rgb(8 8 8)" }],
  ["38;2;1;2;3;4", { colour: "rgb(1 2 3)", underline: true }],
  ["2;3;7;9", { dim: true, italic: true, inverse: true, strike: true }],
  ["1;2;22;31;39;41;49", {}],
  ["1;31;", {}],
  ["", {}],
])("%j is a style", (codes, style) => {
  const terminal = new Terminal();
  terminal.write(`${ESC}${codes}mx`, "stdout");
  expect(terminal.rows).toEqual([[["x", { kind: "stdout", ...style }]]]);
});

function parts(text: string, isError = true): Part[] {
  const found: Part[] = [];
  for (const line of text.split("\n")) found.push(partOfTraceback(found.at(-1) ?? "plain", line, isError));
  return found;
}

const TRACEBACK = `Name? Traceback (most recent call last):
  File "main.py", line 2, in <module>
    json.loads(text)
    ^^^^^^^^^^^^^^^^
  File "/usr/lib/python3.13/json/__init__.py", line 346, in loads
    return decode(s)
  File "/opt/site-packages/numpy/core.py", line 1, in decode
    raise ValueError
  File "/tmp/helper.py", line 1, in raise
ValueError: no
after`;

test("only the calls in libraries are folded", () => {
  const [t, l, p]: Part[] = ["traceback", "library", "plain"];
  expect(parts(TRACEBACK)).toEqual([t, t, t, t, l, l, l, l, t, p, p]);
  expect(parts(TRACEBACK, false)).toEqual(Array(11).fill("plain"));
  expect(parts('  File "main.py", line 1\n    x = (\n        ^\nSyntaxError: never closed')).toEqual([t, t, t, p]);
});

test("folded lines are described", () => {
  expect(describeFrames(TRACEBACK.split("\n").slice(4, 8))).toBe("2 calls in json, numpy");
  expect(describeFrames(['  File "<frozen importlib._bootstrap>", line 1, in f'])).toBe("1 call in importlib");
});
