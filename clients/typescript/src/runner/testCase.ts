/** The form for one test case: all fields of the API, of which its kind shows some. */

import type { SentFile, TestCase } from "../types.js";
import { button, element } from "./elements.js";
import { Complaint, Field } from "./fields.js";
import type { FieldOptions, Refused } from "./fields.js";
import { FileList } from "./fileList.js";

type Name = Exclude<keyof TestCase, "doctest" | "files">;

const MATCHES = ["", "exact", "contains", "float", "ignore_case", "tokens", "unordered", "regex", "returns"] as const;
const FIELDS: Record<Name, FieldOptions> = {
  input: { label: "Call or input", placeholder: "add(5, 3)" },
  code: { label: "Test code", placeholder: "print(add(5, 3))" },
  unittest: { label: "unittest suite", placeholder: "class TestAdd(unittest.TestCase): …" },
  uses: { label: "Uses", as: "words", placeholder: "for, def" },
  expected_output: { label: "Expected", placeholder: "8" },
  avoids: { label: "Avoids", as: "words", placeholder: "sum, import os" },
  defines: { label: "Defines", as: "functions", placeholder: "add(2), main" },
  name: { label: "Name", as: "line" },
  group: { label: "Group", as: "line" },
  points: { label: "Points", as: "number" },
  match: { label: "Match", as: "choice", choices: MATCHES },
  tolerance: { label: "Tolerance", as: "number" },
  relative_tolerance: { label: "Relative tolerance", as: "number" },
  on_pass: { label: "Say if it passes" },
  on_fail: { label: "Say if it fails" },
  stdin: { label: "Stdin" },
  hidden: { label: "Hidden", as: "check" },
  exact_types: { label: "Exact types", as: "check" },
};
const SHOWN_CHARACTERS = 40; // of a value that no control shows
const NAMES = Object.keys(FIELDS) as Name[];

const COMPARED: Name[] = ["expected_output", "match", "tolerance", "relative_tolerance", "stdin"];
const KINDS: Record<string, Name[]> = {
  "Call or input": ["input", ...COMPARED, "exact_types"],
  "Test code": ["code", ...COMPARED],
  "Rules on the text": ["uses", "avoids", "defines"],
  unittest: ["unittest", "stdin"],
  doctest: ["stdin"],
};
const ALWAYS: Name[] = ["name", "group", "points", "on_pass", "on_fail", "hidden"];
const IN_SIGHT: Name[] = ["input", "code", "unittest", "uses", "expected_output", "avoids", "defines"];

function kindOf({ unittest, doctest, uses, avoids, defines, code }: TestCase): string {
  if (unittest) return "unittest";
  if (doctest) return "doctest";
  if (uses ?? avoids ?? defines) return "Rules on the text";
  return code ? "Test code" : "Call or input";
}

/** One item of the list. */
export class TestCaseForm {
  readonly part = element("li");
  readonly #fields = new Map(NAMES.map((name) => [name, new Field(FIELDS[name])]));
  readonly #kind = new Field({ label: "Kind", as: "choice", choices: Object.keys(KINDS) });
  readonly #files: FileList;
  readonly #complaint = new Complaint(this.part);
  readonly #remove: HTMLButtonElement;
  readonly #examples = element("p", "quiet", "The examples in the program's docstrings");
  readonly #set = element("span", "quiet");
  #others: Record<string, unknown> = {}; // what the controls cannot show, such as a misspelt field
  #number = 0;

  /** `onFileRemove` gets the test's files as they were before one was removed. */
  constructor(
    hasAllKinds: boolean,
    onChange: () => void,
    onRemove: () => void,
    onFileRemove: (before: SentFile[]) => void,
  ) {
    this.#files = new FileList(onChange, onFileRemove);
    this.#remove = button("remove", "×", onRemove);
    const inSight = IN_SIGHT.map((name) => this.#part(name));
    this.part.append(this.#examples, ...inSight, this.#remove, this.#complaint.part);
    if (hasAllKinds) this.part.append(this.#more());
    for (const [name, { control }] of this.#fields) {
      control.addEventListener("input", () => Reflect.deleteProperty(this.#others, name));
    }
    this.#kind.control.addEventListener("input", () => {
      this.#others = {};
      this.#show();
    });
    this.part.addEventListener("input", () => this.#list());
  }

  get test(): TestCase {
    const kind = this.#kind.control.value;
    const shown = NAMES.filter((name) => this.#isShown(name)).map((name) => [name, this.#fields.get(name)?.value]);
    const files = kind === "Rules on the text" ? [] : this.#files.all;
    return {
      ...Object.fromEntries(shown.filter(([, value]) => value !== undefined)),
      ...(kind === "doctest" && { doctest: true }),
      ...(files.length && { files }),
      ...this.#others,
    };
  }

  set test(test: TestCase) {
    this.#kind.value = kindOf(test);
    for (const [name, field] of this.#fields) field.value = test[name];
    this.#files.all = Array.isArray(test.files) ? test.files : [];
    this.#others = {};
    const read: Record<string, unknown> = { ...this.test };
    const isShown = (name: string, value: unknown): boolean =>
      name === "files" ? Array.isArray(value) : JSON.stringify(read[name]) === JSON.stringify(value);
    const given = Object.entries(test).filter(([, value]) => value !== null); // which means the same as leaving it out
    this.#others = Object.fromEntries(given.filter(([name, value]) => !isShown(name, value)));
    this.#show();
    this.#list();
  }

  /** The first control. */
  get first(): HTMLElement {
    const name = IN_SIGHT.find((each) => this.#isShown(each));
    return (name && this.#fields.get(name)?.control) ?? this.#remove;
  }

  set number(number: number) {
    this.#number = number;
    for (const field of [this.#kind, ...this.#fields.values()]) field.name = `Test ${number}: ${lowered(field.label)}`;
    this.#files.owner = `Test ${number}`;
    this.#remove.ariaLabel = `Remove test ${number}`;
  }

  /** Show the service's sentence against a field such as `tolerance`, `uses[1]` or `files[0].name`. */
  refuse(path: string, sentence: string): Refused {
    const [name = ""] = /^\w+/.exec(path) ?? [];
    if (name === "files") return this.#files.refuse(path.slice(name.length), sentence);
    const field = this.#fields.get(name as Name);
    if (field && this.#isShown(name as Name)) return { label: field.name, control: field.refuse(sentence) };
    const label = name ? `Test ${this.#number}: ${name}` : `Test ${this.#number}`;
    this.#complaint.make(name ? `${name}: ${sentence}` : sentence);
    return { label, control: this.first };
  }

  accept(): void {
    this.#complaint.withdraw();
    this.#files.accept();
    for (const field of this.#fields.values()) field.accept();
  }

  #more(): HTMLElement {
    const more = element("details", "more");
    const summary = element("summary", "", "More");
    summary.append(this.#set);
    const grid = element("div", "grid");
    grid.append(this.#kind.part, ...NAMES.filter((name) => !IN_SIGHT.includes(name)).map((name) => this.#part(name)));
    more.append(summary, grid, this.#files.part);
    return more;
  }

  #part(name: Name): HTMLElement {
    const { part } = this.#fields.get(name) as Field;
    part.dataset.field = name;
    return part;
  }

  #isShown(name: Name): boolean {
    return ALWAYS.includes(name) || (KINDS[this.#kind.control.value] ?? []).includes(name);
  }

  /** Show the controls of the kind. What was written into the others is there again if the kind is chosen again. */
  #show(): void {
    for (const [name, { part }] of this.#fields) part.hidden = !this.#isShown(name);
    this.#files.part.hidden = this.#kind.control.value === "Rules on the text";
    this.#examples.hidden = this.#kind.control.value !== "doctest";
  }

  /** Say what is set although one does not see it. */
  #list(): void {
    const behind = NAMES.filter((name) => !IN_SIGHT.includes(name) && this.#isShown(name));
    const names = behind.filter((name) => this.#fields.get(name)?.value !== undefined);
    const parts = names.map((name) => lowered(FIELDS[name].label));
    if (this.test.files) parts.push("files");
    for (const [name, value] of Object.entries(this.#others)) {
      parts.push(`${name}: ${JSON.stringify(value).slice(0, SHOWN_CHARACTERS)}`);
    }
    this.#set.textContent = parts.join(", ");
  }
}

function lowered(label: string): string {
  return label[0]?.toLowerCase() + label.slice(1);
}
