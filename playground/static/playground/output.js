"use strict";

// The result of a run. All of it comes from the program, so it enters the page only as text or as the data of an image.
class Output {
  #parts = {};
  #passed = 0;
  #of = 0;
  #transcript;

  constructor() {
    for (const id of ["screen", "output", "empty", "error", "images", "verdicts", "results", "score", "status"]) {
      this.#parts[id] = document.getElementById(id);
    }
    this.#transcript = new Transcript(this.#parts.output);
  }

  clear() {
    const { empty, error, images, verdicts, results, score } = this.#parts;
    this.#transcript.clear();
    for (const part of [error, images, results, score]) part.replaceChildren();
    for (const part of [empty, error, images, verdicts]) part.hidden = true;
    this.#passed = this.#of = 0;
  }

  get isEmpty() {
    return this.#transcript.text === "";
  }

  // "2 of 3 tests passed", and whether all have.
  get verdict() {
    return { isGood: this.#passed === this.#of, words: `${this.#passed} of ${this.#of} tests passed` };
  }

  say(state, text) {
    this.#parts.status.dataset.state = state;
    this.#parts.status.textContent = text;
  }

  print(text, kind) {
    const { screen } = this.#parts;
    // Follow the end, unless the reader has scrolled back.
    const follows = screen.scrollHeight - screen.scrollTop - screen.clientHeight < 40;
    this.#transcript.write(text, kind);
    if (follows) screen.scrollTop = screen.scrollHeight;
  }

  // Says something in the place of the output, with a button.
  note(sentence, action = "", onAction = null) {
    const { empty } = this.#parts;
    empty.textContent = sentence;
    if (action) {
      const button = element("button", "", action);
      button.type = "button";
      button.addEventListener("click", onAction);
      empty.append(" ", button);
    }
    empty.hidden = false;
  }

  // Counts down in the status. Screen readers hear only that it waits.
  countDown(seconds) {
    const shown = element("span", "", ` Trying again in ${seconds} s`);
    shown.ariaHidden = "true";
    if (this.#parts.status.dataset.state !== "waiting") this.say("waiting", "Waiting.");
    this.#parts.status.querySelector("span")?.remove();
    this.#parts.status.append(shown);
  }

  showError(detail, text, onGoTo) {
    const { error } = this.#parts;
    const isPrinted = this.#transcript.text.includes(text.trim()); // as a traceback is
    error.append(element("h2", "", detail?.line ? `${detail.type} on line ${detail.line}` : (detail?.type ?? "Error")));
    if (detail?.hint) error.append(element("p", "hint", detail.hint));
    if (isPrinted && !detail?.hint) error.append(element("p", "hint", detail?.message));
    if (!isPrinted) error.append(element("p", "reason", text));
    if (detail?.line) {
      const button = element("button", "", `Go to line ${detail.line}`);
      button.type = "button";
      button.addEventListener("click", () => onGoTo(detail.line));
      error.append(button);
    }
    error.hidden = false;
  }

  offerLink(text, address, rest) {
    const link = element("a", "", text);
    link.href = address;
    const sentence = element("p", "hint", "");
    sentence.append(link, rest);
    this.#parts.error.append(sentence);
  }

  showImage({ data, width, height, test_index }) {
    const { images } = this.#parts;
    const image = element("img", "", "");
    image.src = `data:image/png;base64,${data}`;
    [image.width, image.height] = [width, height];
    const artist = test_index === null ? "the program" : `test ${test_index + 1}`;
    image.alt = `Image ${images.childElementCount + 1}, drawn by ${artist}`;
    images.append(image);
    images.hidden = false;
  }

  noteMissingImages(count) {
    const { images } = this.#parts;
    images.append(element("p", "quiet", `${count} more images could not be shown.`));
    images.hidden = false;
  }

  showTest(test, asked, of) {
    const { verdicts, results, score } = this.#parts;
    const item = element("li", test.passed ? "passed" : "failed", "");
    const what = element("p", "what", "");
    what.append(element("strong", "verdict", test.passed ? "Passed" : "Failed"));
    if (asked.input) what.append(" ", element("code", "", asked.input));
    if (asked.expected_output) what.append(" → ", element("code", "", asked.expected_output));
    item.append(what);
    const detail = test.error_detail;
    if (detail && !test.passed) item.append(element("p", "hint", `${detail.type}: ${detail.hint ?? detail.message}`));
    if (test.diff) item.append(element("pre", "diff", test.diff));
    results.append(item);
    verdicts.hidden = false;
    this.#passed += test.passed;
    this.#of = of;
    if (results.childElementCount === of) score.textContent = `${this.#passed} of ${of} passed`;
  }
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
