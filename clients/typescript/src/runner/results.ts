/** The result of a run: status, output, error, images and the verdicts of tests. */

import type { Answer, CollectedFile, ErrorDetail, Image, Stroke, TestCase, TestResult } from "../types.js";
import { Drawing } from "./drawing.js";
import { button, element, finder } from "./elements.js";
import { bytes, save, sizeOf } from "./fileList.js";
import type { Kind } from "./terminal.js";
import { Transcript } from "./transcript.js";

export type State = "idle" | "busy" | "waiting" | "good" | "bad";

const AT_THE_END_PIXELS = 40;
const REASONS: Record<string, string> = {
  missing: "the program has left no such file",
  too_large: "too large: all files together may have 1 MiB",
  unreadable: "not a plain file",
  lost: "lost: the run was ended, or did not begin",
};

/** Return the kind of an error, and the file beside the program that it is in. */
export function titleOf({ type, file }: ErrorDetail): string {
  return file ? `${type} in ${file.name} on line ${file.line}` : type;
}

export class Results {
  readonly #parts;
  readonly #transcript: Transcript;
  #drawing: Drawing | undefined;
  #passed = 0;
  #of = 0;

  constructor(root: ShadowRoot) {
    const at = finder(root);
    const ids = [
      "screen", "output", "empty", "error", "images", "verdicts", "results", "score", "groups", "collected",
      "collected-files", "status",
    ] as const;
    this.#parts = Object.fromEntries(ids.map((id) => [id, at(id)])) as Record<(typeof ids)[number], HTMLElement>;
    this.#transcript = new Transcript(this.#parts.output);
  }

  clear(): void {
    const { empty, error, images, verdicts, results, score, groups, collected } = this.#parts;
    this.#transcript.clear();
    for (const part of [error, images, results, score, groups, this.#parts["collected-files"]]) part.replaceChildren();
    for (const part of [empty, error, images, verdicts, groups, collected]) part.hidden = true;
    this.#drawing = undefined;
    this.#passed = this.#of = 0;
  }

  get isEmpty(): boolean {
    return this.#transcript.text === "";
  }

  get state(): string {
    return this.#parts.status.dataset.state ?? "";
  }

  say(state: State, text: string): void {
    this.#parts.status.dataset.state = state;
    this.#parts.status.textContent = text;
  }

  /** Count down in the status. Screen readers hear only that it waits. */
  countDown(seconds: number): void {
    const shown = element("span", "", ` Trying again in ${seconds} s`);
    shown.ariaHidden = "true";
    if (this.state !== "waiting") this.say("waiting", "Waiting.");
    this.#parts.status.querySelector("span")?.remove();
    this.#parts.status.append(shown);
  }

  /** Say how many tests have passed, after a run that was only for them. */
  sayVerdict(): void {
    this.say(this.#passed === this.#of ? "good" : "bad", `${this.#passed} of ${this.#of} tests passed`);
  }

  print(text: string, kind: Kind): void {
    const { screen } = this.#parts;
    // Follow the end, unless the reader has scrolled back.
    const follows = screen.scrollHeight - screen.scrollTop - screen.clientHeight < AT_THE_END_PIXELS;
    this.#transcript.write(text, kind);
    if (follows) screen.scrollTop = screen.scrollHeight;
  }

  /** Say something in the place of the output, perhaps with a button. Without a sentence, say nothing. */
  note(sentence: string, action = "", onAction = (): void => undefined): void {
    const { empty } = this.#parts;
    empty.textContent = sentence;
    if (action) empty.append(" ", button("", action, onAction));
    empty.hidden = !sentence;
  }

  showError(detail: ErrorDetail | null, text: string, onGoTo = (_line: number): void => undefined): void {
    const { error } = this.#parts;
    const isPrinted = this.#transcript.text.includes(text.trim()); // as a traceback is
    const title = detail ? titleOf(detail) : "Error";
    error.append(element("h2", "", detail?.line && !detail.file ? `${title} on line ${detail.line}` : title));
    if (detail?.hint) error.append(element("p", "hint", detail.hint));
    if (detail && isPrinted && !detail.hint) error.append(element("p", "hint", detail.message));
    if (!isPrinted) error.append(element("p", "reason", text));
    const line = detail?.line;
    if (line) error.append(button("", `Go to line ${line}`, () => onGoTo(line)));
    error.hidden = false;
  }

  offerLink(text: string, address: string, rest: string): void {
    const link = element("a", "", text);
    link.href = address;
    const sentence = element("p", "hint");
    sentence.append(link, rest);
    this.#parts.error.append(sentence);
  }

  showImage({ data, width, height, test_index }: Image): void {
    const { images } = this.#parts;
    const image = element("img");
    image.src = `data:image/png;base64,${data}`;
    [image.width, image.height] = [width, height];
    if (test_index === null) this.#drawing?.canvas.remove();
    const artist = test_index === null ? "the program" : `test ${test_index + 1}`;
    image.alt = `Image ${images.childElementCount + 1}, drawn by ${artist}`;
    images.append(image);
    images.hidden = false;
  }

  /** Draw on a canvas, until an image shows it better. If none comes, as after a timeout, the canvas stays. */
  showStrokes(strokes: Stroke[]): void {
    const { images } = this.#parts;
    this.#drawing ??= new Drawing();
    if (!this.#drawing.canvas.isConnected) images.append(this.#drawing.canvas);
    this.#drawing.draw(strokes);
    images.hidden = false;
  }

  noteMissingImages(count: number): void {
    const { images } = this.#parts;
    images.append(element("p", "quiet", `${count} more ${count === 1 ? "image" : "images"} could not be shown.`));
    images.hidden = false;
  }

  /** Say what is wrong with the request, field by field. */
  showComplaints(complaints: [label: string, sentence: string][]): void {
    const { error } = this.#parts;
    error.append(element("h2", "", "The request was refused"));
    for (const [label, sentence] of complaints) error.append(element("p", "reason", `${label}: ${sentence}`));
    error.hidden = false;
  }

  /** Show the points, if tests have any, and the groups. */
  showPoints({ score, max_score, groups: grouped }: Answer): void {
    const { score: shown, groups } = this.#parts;
    if (max_score !== null) shown.append(`, ${score} of ${max_score} points`);
    for (const group of grouped) {
      const item = element("li", group.passed ? "passed" : "failed");
      item.append(element("strong", "verdict", group.passed ? "Passed" : "Failed"), ` group ${group.name}`);
      if (group.max_score) item.append(`: ${group.score} of ${group.max_score} points`);
      groups.append(item);
    }
    groups.hidden = grouped.length === 0;
  }

  /** Offer the files that came back, and say why others did not. */
  showFiles({ files, not_collected: missing }: Answer): void {
    const { collected, "collected-files": list } = this.#parts;
    list.append(...files.map(fileItem));
    for (const { name, reason } of missing) {
      const item = element("li");
      item.append(element("strong", "", name), element("span", "quiet", REASONS[reason] ?? reason));
      list.append(item);
    }
    collected.hidden = list.childElementCount === 0;
  }

  showTest(test: TestResult, asked: TestCase, of: number, code: string): void {
    const { verdicts, results, score } = this.#parts;
    const item = element("li", test.passed ? "passed" : "failed");
    const what = element("p", "what");
    what.append(element("strong", "verdict", test.passed ? "Passed" : "Failed"));
    if (test.hidden) what.append(" a hidden test");
    else if (asked.name) what.append(" ", asked.name);
    else {
      const given = asked.input ?? asked.code ?? asked.stdin;
      if (given) what.append(" ", element("code", given.includes("\n") ? "lines" : "", given));
      if (asked.expected_output) what.append(" → ", element("code", "", asked.expected_output));
    }
    item.append(what);
    if (test.feedback) item.append(element("p", "feedback", test.feedback));
    if (!test.hidden && (asked.uses ?? asked.avoids ?? asked.defines ?? test.methods)) {
      item.append(element("p", "hint", test.message.slice(test.message.indexOf(": ") + 2)));
    }
    for (const { name, passed, message } of test.methods ?? []) {
      item.append(element("p", "hint", [passed ? "Passed" : "Failed", name, message].filter(Boolean).join(": ")));
    }
    const detail = test.methods?.length ? null : test.error_detail;
    if (detail && !test.passed) item.append(element("p", "hint", `${titleOf(detail)}: ${detail.hint ?? detail.message}`));
    if (test.diff) item.append(element("pre", "diff", test.diff));
    const question = test.passed ? undefined : unexpectedQuestion(code, test);
    if (question) item.append(element("p", "hint", `This test does not expect the question “${question}” that input() prints.`));
    results.append(item);
    verdicts.hidden = false;
    this.#passed += test.passed ? 1 : 0;
    this.#of = of;
    if (results.childElementCount === of) score.textContent = `${this.#passed} of ${of} passed`;
  }
}

function fileItem(file: CollectedFile): HTMLElement {
  const item = element("li");
  const download = button("", "Download", () => save(file));
  download.ariaLabel = `Download ${file.name}`;
  item.append(element("strong", "", file.name), element("span", "quiet", bytes(sizeOf(file))), download);
  return item;
}

/** Return what an `input()` of the program has printed as its question, if the test expects something else. */
function unexpectedQuestion(code: string, { actual_output, expected_output }: TestResult): string | undefined {
  const questions = Array.from(code.matchAll(/\binput\(\s*(["'])(.+?)\1/g), ([, , question]) => question?.trim());
  return questions.find((each) => each && actual_output?.includes(each) && !expected_output?.includes(each));
}
