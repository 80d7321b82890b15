"use strict";

const LONGEST_FILE = 1024 * 1024; // the service takes less, but says so itself

function downloadFile(name, text) {
  const link = element("a", "", "");
  link.download = name;
  link.href = URL.createObjectURL(new Blob([text], { type: "text/x-python" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Returns the text of a file, or throws a sentence that says why it cannot be opened.
async function readFile(file) {
  if (file.size > LONGEST_FILE) throw new Error(`${file.name} is too large for a program.`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name} is not a text file in UTF-8.`);
  }
}
