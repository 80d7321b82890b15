/** The editable list of test cases: input and expected output. */

import type { TestCase, WrittenTest } from "../types.js";
import { button, element } from "./elements.js";

export class TestCases {
  readonly #list: HTMLElement;
  readonly #addButton: HTMLElement;
  readonly #onRemove: (before: WrittenTest[]) => void;

  /** `onRemove` gets the tests as they were before one was removed. */
  constructor(list: HTMLElement, addButton: HTMLElement, onRemove: (before: WrittenTest[]) => void) {
    this.#list = list;
    this.#addButton = addButton;
    this.#onRemove = onRemove;
    addButton.addEventListener("click", () => this.#add({ input: "", expected: "" }).focus());
  }

  get all(): WrittenTest[] {
    return Array.from(this.#list.children, (item) => {
      const [call, wanted] = item.querySelectorAll("textarea");
      return { input: call?.value ?? "", expected: wanted?.value ?? "" };
    });
  }

  set all(tests: WrittenTest[]) {
    this.#list.replaceChildren();
    for (const test of tests) this.#add(test);
  }

  /** The tests in the API's format, without those that are still empty. */
  get asked(): TestCase[] {
    const written = this.all.filter(({ input, expected }) => input || expected);
    return written.map(({ input, expected }) => ({
      ...(input && { input }),
      ...(expected && { expected_output: expected }),
    }));
  }

  #add({ input, expected }: WrittenTest): HTMLTextAreaElement {
    const item = element("li");
    const call = field(input, "add(5, 3)");
    item.append(labelled("Call or input", call), labelled("Expected", field(expected, "8")));
    item.append(button("remove", "×", () => this.#remove(item)));
    this.#list.append(item);
    this.#number();
    return call;
  }

  #remove(item: HTMLElement): void {
    const before = this.all;
    item.remove();
    this.#number();
    (this.#list.querySelector<HTMLElement>("li:last-child textarea") ?? this.#addButton).focus();
    this.#onRemove(before);
  }

  #number(): void {
    for (const [index, item] of Array.from(this.#list.children).entries()) {
      const [call, wanted] = item.querySelectorAll("textarea");
      call?.setAttribute("aria-label", `Test ${index + 1}: call or input`);
      wanted?.setAttribute("aria-label", `Test ${index + 1}: expected`);
      item.querySelector("button")?.setAttribute("aria-label", `Remove test ${index + 1}`);
    }
  }
}

function field(value: string, placeholder: string): HTMLTextAreaElement {
  const made = element("textarea");
  Object.assign(made, { value, placeholder, spellcheck: false, autocapitalize: "off", autocomplete: "off" });
  made.rows = value.split("\n").length; // where the style sheet cannot make it fit
  return made;
}

function labelled(text: string, part: HTMLElement): HTMLLabelElement {
  const label = element("label");
  label.append(element("span", "", text), part);
  return label;
}
