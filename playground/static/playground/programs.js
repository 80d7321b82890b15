"use strict";

const MOST_TESTS = 50;
const MOST_FILES = 20;

// Returns the program in what was parsed: a link, or a request. Throws a sentence if the page could not show it.
// The service decides whether a field's value is valid.
function programOf({ code, stdin, tests, files, collect }) {
  if (typeof code !== "string") throw new Error("code must be a string.");
  const program = { code, stdin: String(stdin ?? ""), tests: tests ?? [], files: files ?? [], collect: collect ?? [] };
  checkObjects("test_cases", program.tests, MOST_TESTS);
  checkObjects("files", program.files, MOST_FILES);
  for (const { files: own } of program.tests) if (Array.isArray(own)) checkObjects("files", own, MOST_FILES);
  if (!Array.isArray(program.collect)) throw new Error("collect must be a list.");
  return program;
}

function checkObjects(name, list, most) {
  const isList = Array.isArray(list) && list.every((each) => typeof each === "object" && each !== null);
  if (!isList) throw new Error(`${name} must be a list of objects.`);
  if (list.length > most) throw new Error(`${name} has ${list.length} items; at most ${most} are allowed.`);
}
