/** The editable list of test cases: calls and inputs, or all kinds that the service knows. */

import type { SentFile, TestCase, WrittenTest } from "../types.js";
import { button, element } from "./elements.js";
import { Complaint, Field } from "./fields.js";
import type { FieldOptions } from "./fields.js";
import { FileList } from "./fileList.js";

type Name = Exclude<keyof TestCase, "doctest" | "files">;

const MATCHES = ["", "exact", "contains", "float", "ignore_case", "tokens", "unordered", "regex", "returns"] as const;
const FIELDS: Record<Name, FieldOptions> = {
  input: { label: "Call or input", placeholder: "add(5, 3)" },
  code: { label: "Test code", placeholder: "print(add(5, 3))" },
  unittest: { label: "Suite of unittest", placeholder: "class TestAdd(unittest.TestCase): …" },
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

interface Refused {
  label: string;
  control: HTMLElement;
}

/** One test case in the list. */
class Item {
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
    const test = this.test as Record<string, unknown>;
    const labels: Record<string, FieldOptions> = FIELDS;
    const names = Object.keys(test).filter((name) => name !== "doctest" && !(IN_SIGHT as string[]).includes(name));
    this.#set.textContent = names.map((name) => lowered(labels[name]?.label ?? name)).join(", ");
  }
}

export class TestCases {
  readonly #list: HTMLElement;
  readonly #addButton: HTMLElement;
  readonly #hasAllKinds: boolean;
  readonly #onChange: () => void;
  readonly #onRemove: (before: WrittenTest[]) => void;
  readonly #complaint: Complaint;
  #items: Item[] = [];

  /** `onRemove` gets the tests as they were before one was removed, or a file of one. */
  constructor(
    list: HTMLElement,
    addButton: HTMLElement,
    hasAllKinds: boolean,
    onChange: () => void,
    onRemove: (before: WrittenTest[]) => void,
  ) {
    this.#list = list;
    this.#addButton = addButton;
    this.#hasAllKinds = hasAllKinds;
    this.#onChange = onChange;
    this.#onRemove = onRemove;
    this.#complaint = new Complaint(list);
    list.after(this.#complaint.part);
    addButton.addEventListener("click", () => this.#add({}).first.focus());
  }

  get all(): WrittenTest[] {
    return this.#items.map(({ test }) => writtenOf(test));
  }

  set all(tests: (TestCase | WrittenTest)[]) {
    this.#items = [];
    this.#list.replaceChildren();
    for (const test of tests) this.#add(test);
  }

  /** The tests in the API's format, without those that are still empty. */
  get asked(): TestCase[] {
    return this.#written.map(({ test }) => test);
  }

  /** Show the service's sentence against `[0].points` of those asked, or against the list as a whole. */
  refuse(path: string, sentence: string): Refused {
    const [start = "", index] = /^\[(\d+)\]\.?/.exec(path) ?? [];
    const item = this.#written[Number(index)];
    if (item) return item.refuse(path.slice(start.length), sentence);
    this.#complaint.make(sentence);
    return { label: "Tests", control: this.#addButton };
  }

  accept(): void {
    this.#complaint.withdraw();
    for (const item of this.#items) item.accept();
  }

  get #written(): Item[] {
    return this.#items.filter(({ test }) => Object.keys(test).length > 0);
  }

  #add(test: TestCase | WrittenTest): Item {
    const onFileRemove = (files: SentFile[]): void => {
      const before = this.#items.map((each) => (each === item ? { ...each.test, files } : each.test));
      this.#onRemove(before.map(writtenOf));
    };
    const item: Item = new Item(this.#hasAllKinds, this.#onChange, () => this.#remove(item), onFileRemove);
    item.test = testOf(test);
    this.#items.push(item);
    this.#list.append(item.part);
    this.#number();
    return item;
  }

  #remove(item: Item): void {
    const before = this.all;
    this.#items = this.#items.filter((each) => each !== item);
    item.part.remove();
    this.#complaint.withdraw();
    this.#number();
    (this.#items.at(-1)?.first ?? this.#addButton).focus();
    this.#onRemove(before);
  }

  #number(): void {
    for (const [index, item] of this.#items.entries()) item.number = index + 1;
  }
}

/** Return a test in the API's format. */
function testOf({ input, expected, ...others }: TestCase & { expected?: string }): TestCase {
  return { ...(input && { input }), ...(expected && { expected_output: expected }), ...others };
}

function writtenOf({ input, expected_output: expected, ...others }: TestCase): WrittenTest {
  const nothing = expected === "" && { expected_output: "" }; // which is not the same as no expectation
  return { input: input ?? "", expected: expected ?? "", ...nothing, ...others };
}

function lowered(label: string): string {
  return label[0]?.toLowerCase() + label.slice(1);
}
