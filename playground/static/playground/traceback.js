"use strict";

// Says of each line of the output whether it belongs to a traceback, and whether to the learner's part of it.
// "plain" lines wrap; the others do not, so that each caret stays below its character. "library" lines are folded.
const FRAME = /^ {2}File "(.*?)", line \d+/;
const OF_LIBRARIES = /^(?:\/usr\/lib\/python[\d.]+\/|\/opt\/site-packages\/|<frozen )/;

function partOfTraceback(before, text, isError) {
  if (!isError) return "plain";
  if (text.endsWith("Traceback (most recent call last):")) return "traceback"; // perhaps after a prompt
  const file = text.match(FRAME)?.[1];
  if (file !== undefined) return OF_LIBRARIES.test(file) ? "library" : "traceback";
  return before !== "plain" && text.startsWith("  ") ? before : "plain";
}

// Describes folded lines, such as "4 calls in json".
function describeFrames(texts) {
  const files = texts.map((text) => text.match(FRAME)?.[1]).filter(Boolean);
  const packages = new Set(files.map((file) => file.replace(OF_LIBRARIES, "").match(/^\w+/)?.[0] ?? "Python"));
  return `${files.length} ${files.length === 1 ? "call" : "calls"} in ${[...packages].join(", ")}`;
}
