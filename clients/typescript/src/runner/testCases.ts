/** The editable list of test cases: calls and inputs, or all kinds that the service knows. */

import type { SentFile, TestCase, WrittenTest } from "../types.js";
import { Complaint } from "./fields.js";
import type { Refused } from "./fields.js";
import { TestCaseForm } from "./testCase.js";

export class TestCases {
  readonly #list: HTMLElement;
  readonly #addButton: HTMLElement;
  readonly #hasAllKinds: boolean;
  readonly #onChange: () => void;
  readonly #onRemove: (before: WrittenTest[]) => void;
  readonly #complaint: Complaint;
  #items: TestCaseForm[] = [];

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

  get #written(): TestCaseForm[] {
    return this.#items.filter(({ test }) => Object.keys(test).length > 0);
  }

  #add(test: TestCase | WrittenTest): TestCaseForm {
    const onFileRemove = (files: SentFile[]): void => {
      const before = this.#items.map((each) => (each === item ? { ...each.test, files } : each.test));
      this.#onRemove(before.map(writtenOf));
    };
    const onRemove = (): void => this.#remove(item);
    const item = new TestCaseForm(this.#hasAllKinds, this.#onChange, onRemove, onFileRemove);
    item.test = testOf(test);
    this.#items.push(item);
    this.#list.append(item.part);
    this.#number();
    return item;
  }

  #remove(item: TestCaseForm): void {
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
