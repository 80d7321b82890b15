"use strict";

// One sentence at the bottom of the page, perhaps with a way back. It stays until it is closed, used or replaced; a
// brief one only until the program is changed.
class Toast {
  #part;
  #isBrief = false;

  constructor(part) {
    this.#part = part;
    part.querySelector(".close").addEventListener("click", () => this.hide());
  }

  show(sentence, { action = "", onAction, isBrief = false } = {}) {
    this.#isBrief = isBrief;
    const old = this.#part.querySelector(".action");
    const button = element("button", "action", action);
    button.type = "button";
    button.hidden = !action;
    button.addEventListener("click", () => {
      this.hide();
      onAction();
    });
    old.replaceWith(button);
    this.#part.querySelector("p").textContent = sentence;
    this.#part.querySelector(".close").hidden = false;
    this.#part.classList.add("shown");
  }

  hide() {
    this.#part.classList.remove("shown");
    this.#part.querySelector("p").textContent = "";
    for (const button of this.#part.querySelectorAll("button")) button.hidden = true;
  }

  changed() {
    if (this.#isBrief) this.hide();
  }
}
