"use strict";

// The result of a run. All of it comes from the program, so it enters the page only as text or as the data of an image.
class Output {
  #parts = {};
  #passed = 0;

  constructor() {
    for (const id of ["screen", "output", "empty", "error", "images", "verdicts", "results", "score", "status"]) {
      this.#parts[id] = document.getElementById(id);
    }
  }

  clear() {
    const { output, empty, error, images, verdicts, results, score } = this.#parts;
    for (const part of [output, error, images, results, score]) part.replaceChildren();
    for (const part of [empty, error, images, verdicts]) part.hidden = true;
    this.#passed = 0;
  }

  say(state, text) {
    this.#parts.status.dataset.state = state;
    this.#parts.status.textContent = text;
  }

  print(text, kind) {
    const { output, screen } = this.#parts;
    // Follow the end, unless the reader has scrolled back.
    const follows = screen.scrollHeight - screen.scrollTop - screen.clientHeight < 40;
    if (output.lastElementChild?.className !== kind) output.append(element("span", kind, ""));
    output.lastElementChild.append(text);
    if (follows) screen.scrollTop = screen.scrollHeight;
  }

  showError(detail, text, onGoTo) {
    const { error, output } = this.#parts;
    const isPrinted = output.textContent.includes(text.trim()); // as a traceback is
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
    if (results.childElementCount === of) score.textContent = `${this.#passed} of ${of} passed`;
  }
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
