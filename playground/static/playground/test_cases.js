"use strict";

// The editable list of test cases: input and expected output.
class TestCases {
  #list;

  // `onRemove` gets the tests as they were before one was removed.
  constructor(list, addButton, onRemove) {
    this.#list = list;
    addButton.addEventListener("click", () => this.#add({ input: "", expected: "" }).querySelector(".call").focus());
    list.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const before = this.all;
      button.closest("li").remove();
      this.#number();
      (list.querySelector("li:last-child .call") ?? addButton).focus();
      onRemove(before);
    });
  }

  get all() {
    return Array.from(this.#list.children, (item) => ({
      input: item.querySelector(".call").value,
      expected: item.querySelector(".wanted").value,
    }));
  }

  set all(tests) {
    this.#list.replaceChildren();
    for (const test of tests) this.#add(test);
  }

  // In the API's format, without tests that are still empty.
  get asked() {
    return this.all.filter(({ input, expected }) => input || expected).map(({ input, expected }) => ({
      ...(input && { input }),
      ...(expected && { expected_output: expected }),
    }));
  }

  #add({ input, expected }) {
    const item = document.createElement("li");
    const [call, wanted] = [element("textarea", "call", ""), element("textarea", "wanted", "")];
    call.value = input;
    call.placeholder = "add(5, 3)";
    wanted.value = expected;
    wanted.placeholder = "8";
    for (const field of [call, wanted]) {
      field.rows = field.value.split("\n").length; // where the style sheet cannot make it fit
      field.spellcheck = false;
      field.autocapitalize = field.autocomplete = "off";
    }
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "remove";
    remove.textContent = "×";
    item.append(labelled("Call or input", call), labelled("Expected", wanted), remove);
    this.#list.append(item);
    this.#number();
    return item;
  }

  #number() {
    Array.from(this.#list.children).forEach((item, index) => {
      item.querySelector(".call").setAttribute("aria-label", `Test ${index + 1}: call or input`);
      item.querySelector(".wanted").setAttribute("aria-label", `Test ${index + 1}: expected`);
      item.querySelector("button").setAttribute("aria-label", `Remove test ${index + 1}`);
    });
  }
}

function labelled(text, field) {
  const label = document.createElement("label");
  const name = document.createElement("span");
  name.textContent = text;
  label.append(name, field);
  return label;
}
