/** Says of each line of the output whether it belongs to a traceback, and whether to the learner's part of it. */

/** Plain lines wrap; the others do not, so that each caret stays below its character. Those of libraries are folded. */
export type Part = "plain" | "traceback" | "library";

const FRAME = /^ {2}File "(.*?)", line \d+/;
const OF_LIBRARIES = /^(?:\/usr\/lib\/python[\d.]+\/|\/opt\/site-packages\/|<frozen )/;

export function partOfTraceback(before: Part, text: string, isError: boolean): Part {
  if (!isError) return "plain";
  if (text.endsWith("Traceback (most recent call last):")) return "traceback"; // perhaps after a prompt
  const file = FRAME.exec(text)?.[1];
  if (file !== undefined) return OF_LIBRARIES.test(file) ? "library" : "traceback";
  return before !== "plain" && text.startsWith("  ") ? before : "plain";
}

/** Describe folded lines, such as "4 calls in json". */
export function describeFrames(texts: string[]): string {
  const files = texts.flatMap((text) => FRAME.exec(text)?.[1] ?? []);
  const packages = new Set(files.map((file) => /^\w+/.exec(file.replace(OF_LIBRARIES, ""))?.[0] ?? "Python"));
  return `${files.length} ${files.length === 1 ? "call" : "calls"} in ${[...packages].join(", ")}`;
}
