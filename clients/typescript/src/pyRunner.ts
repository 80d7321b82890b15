/**
 * `<py-runner>`: an editor with Run and Stop, output as it comes, input, plots and tests, for any page.
 *
 * It needs no inline style or script. Everything that a program prints enters the page as text or as the data of an image.
 */

import { CodeExecutionClient } from "./client.js";
import { CodeExecutionError } from "./errors.js";
import { createEditor } from "./runner/editor.js";
import type { Editor } from "./runner/editor.js";
import { finder } from "./runner/elements.js";
import { Field } from "./runner/fields.js";
import { FileList } from "./runner/fileList.js";
import { Results } from "./runner/results.js";
import type { State } from "./runner/results.js";
import { Stepper } from "./runner/stepper.js";
import css from "./runner/runner.css";
import html from "./runner/runner.html";
import { TestCases } from "./runner/testCases.js";
import { waitWhileBusy } from "./runner/waiting.js";
import type {
  Answer, ExecutionEvent, ExecutionRequest, Input, Locale, SentFile, TestCase, WrittenTest,
} from "./types.js";

export type { SentFile, WrittenTest } from "./types.js";

const NO_CONNECTION = "The connection was lost. Check your internet connection.";
const LOCALES: readonly Locale[] = ["en", "de", "es"];
const BEGINNING = "Output appears here as the program prints it.";
const ENDINGS: Record<string, [State, string]> = {
  success: ["good", "Finished"],
  error: ["bad", "Failed with an error"],
  timeout: ["bad", "Timed out"],
  memory_limit: ["bad", "Out of memory"],
  output_limit: ["bad", "Too much output"],
  cancelled: ["idle", "Stopped"],
};

/** What a page puts into the element. */
export interface RunnerProgram {
  code: string;
  /** The program's input, one line for each `input()`. */
  input?: string;
  /** The tests that the learner can see and change. Test cases of an API request work, too. */
  written?: (TestCase | WrittenTest)[];
  /** The files beside the program. */
  files?: SentFile[];
  /** The names of the files that come back. */
  collect?: string[];
}

/** An error of a `key` function may offer a way out, such as a link to the login. */
export interface Offer {
  text: string;
  address: string;
  rest: string;
}

/**
 * The element. Its content is the program, and its attributes are
 *
 * - `api-key`: a publishable key. For learner tokens, set the property `apiKey` to a function that returns one.
 * - `url`: the service, if it is not https://code.pylearn.net.
 * - `tests`: the test cases as JSON, in the API's format.
 * - `exercise`: your id for the exercise, for staff: see the API's `exercise`.
 * - `with-tests`: lets learners write tests of their own; with the value `all`, test cases of all kinds, and files.
 * - `locale`: the language of hints and of what tests say, `en`, `de` or `es`; without it, the page's `lang` if it is one.
 *
 * It dispatches `change` when the learner has changed something, `removed` with the tests as they were before one was
 * removed, `fileremoved` with the files as they were, and `result` with the answer.
 */
export class PyRunner extends HTMLElement {
  /** The key or token that programs run with, or a function that returns one. The attribute serves without it. */
  apiKey: Early["apiKey"] = (this as Early).apiKey;
  /** The test cases of the page, or the same as JSON. Learners see only their results. */
  tests: TestCase[] | string = (this as Early).tests ?? [];
  #parts: Parts | undefined;
  readonly #early: Omit<RunnerProgram, "code"> = {}; // set before the element was connected
  #running: AbortController | undefined;
  #executionId = "";
  #typed = ""; // into the last run
  #sending: { line: string; key: string } | undefined; // what was typed last, until the program has it
  #isLoading = false;

  connectedCallback(): void {
    if (this.#parts) return this.#parts.editor.resume(); // it was moved
    const early = { ...this.#early, code: this.code };
    for (const name of ["code", "written", "files", "collect"] as const) {
      if (!Object.hasOwn(this, name)) continue;
      Object.assign(early, { [name]: this[name] });
      Reflect.deleteProperty(this, name); // set before the element was defined, it hides the accessor
    }
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styleSheet()];
    root.innerHTML = html;
    const at = finder(root);
    const hasAll = this.getAttribute("with-tests") === "all";
    const changed = (): void => this.#changed();
    const removed = (type: string) => (before: object[]): void => {
      this.#changed();
      this.dispatchEvent(new CustomEvent(type, { detail: before }));
    };
    const tests = new TestCases(at("test-cases"), at("add-test"), hasAll, changed, removed("removed"));
    const files = new FileList(changed, removed("fileremoved"));
    const collect = new Field({ label: "Files that come back", as: "words", placeholder: "result.csv, log.txt" });
    at("files").append(files.part, collect.part);
    const editor = createEditor({
      parent: at("editor"),
      root,
      label: "Program, main.py",
      describedBy: "editor-help",
      onRun: () => void this.run(),
      onChange: () => this.#changed(),
    });
    const stepper = new Stepper(root, (line) => editor.showStep(line));
    this.#parts = { root, at, tests, files, collect, editor, results: new Results(root), stepper };
    at("tests-part").hidden = !this.hasAttribute("with-tests");
    at("files-part").hidden = !hasAll;
    if (hasAll) at("tests-help").textContent = "calls, inputs, test code, rules, unittest and doctest";
    this.#connect();
    this.load(early);
  }

  disconnectedCallback(): void {
    // A framework may move an element: it then comes back at once.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.stop();
      this.#parts?.editor.suspend();
    });
  }

  /** The program in the editor. */
  get code(): string {
    return this.#parts?.editor.code() ?? (this.textContent ?? "").replace(/^\s*\n/, "").trimEnd();
  }

  set code(code: string) {
    if (this.#parts) this.#parts.editor.setCode(code);
    else this.textContent = code;
  }

  /** The program's input. */
  get input(): string {
    return this.#here.at<HTMLTextAreaElement>("stdin").value;
  }

  /** The tests that the learner has written. */
  get written(): WrittenTest[] {
    return this.#parts?.tests.all ?? (this.#early.written as WrittenTest[] | undefined) ?? [];
  }

  set written(tests: (TestCase | WrittenTest)[]) {
    if (this.#parts) this.#parts.tests.all = tests;
    else this.#early.written = tests;
  }

  /** The files beside the program. */
  get files(): SentFile[] {
    return this.#parts?.files.all ?? this.#early.files ?? [];
  }

  set files(files: SentFile[]) {
    if (this.#parts) this.#parts.files.all = files;
    else this.#early.files = files;
  }

  /** The names of the files that come back. */
  get collect(): string[] {
    if (this.#parts) return (this.#parts.collect.value as string[] | undefined) ?? [];
    return this.#early.collect ?? [];
  }

  set collect(names: string[]) {
    if (this.#parts) this.#parts.collect.value = names;
    else this.#early.collect = names;
  }

  /** What Run sends to the API. */
  get request(): ExecutionRequest {
    return this.#request(true);
  }

  /** Replace all that the learner sees, without a `change` event. A running program is stopped. */
  load({ code, input = "", written = [], files = [], collect = [] }: RunnerProgram): void {
    const { at, editor, tests, results } = this.#here;
    this.stop();
    this.#idle();
    this.#isLoading = true;
    this.#typed = "";
    try {
      editor.setCode(code);
      at<HTMLTextAreaElement>("stdin").value = input;
      tests.all = written;
      this.files = files;
      this.collect = collect;
    } finally {
      this.#isLoading = false;
    }
    at<HTMLDetailsElement>("stdin-part").open = input !== "";
    at<HTMLDetailsElement>("tests-part").open = written.length > 0;
    at<HTMLDetailsElement>("files-part").open = files.length + collect.length > 0;
    results.clear();
    results.say("idle", "Ready");
    results.note(BEGINNING);
  }

  /** Stop the running program, if there is one. */
  stop(): void {
    this.#running?.abort();
  }

  /** Run the program with its tests. With tests, nobody is asked for input: theirs is enough. */
  async run(withTests = true): Promise<void> {
    await this.#during((signal) => {
      this.#typed = "";
      return this.#follow(withTests, signal);
    });
  }

  /** Run the program step by step, with the input that it got in its last run, and let the learner step through it. */
  async trace(): Promise<void> {
    const { code, input, files } = this;
    const body = { code, files, input_data: input + this.#typed, trace: true };
    await this.#during(async (signal) => {
      for await (const event of this.#events(body, signal)) {
        this.#show(event, [], code);
        if (event.type !== "result" || !event.answer.trace || this.code !== code) continue;
        this.#here.stepper.show(event.answer.trace);
      }
    });
  }

  async #during(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.#running) return;
    const { at, editor, results, root, stepper, tests, files, collect } = this.#here;
    const controller = (this.#running = new AbortController());
    this.#sending = undefined;
    // What has the focus is about to disappear.
    if (root.querySelector(".results")?.contains(root.activeElement)) at("screen").focus({ preventScroll: true });
    results.clear();
    for (const part of [tests, files, collect]) part.accept();
    stepper.clear();
    editor.markError(null);
    results.say("busy", "Running…");
    this.#showButtons();
    this.#showScreen();
    try {
      await work(controller.signal);
    } catch (error) {
      if (this.#running !== controller) return; // another program is shown
      if (controller.signal.aborted) results.say("idle", "Stopped");
      else this.#fail(error);
    } finally {
      controller.abort(); // a line that still waits for the service must not reach the next program
      if (this.#running === controller) this.#idle();
    }
  }

  #idle(): void {
    const { root, at } = this.#here;
    this.#running = undefined;
    // The form with the focus is about to disappear.
    if (at("answer").contains(root.activeElement)) at("run").focus({ preventScroll: true });
    at("answer").hidden = true;
    this.#showButtons();
  }

  get #given(): TestCase[] {
    const isSet = this.tests != null && this.tests.length !== 0;
    const given = isSet ? this.tests : (this.getAttribute("tests") ?? []);
    const tests = typeof given === "string" ? JSON.parse(given) : given;
    if (!Array.isArray(tests)) throw new Error("The tests of this <py-runner> must be a list.");
    return tests;
  }

  get #here(): Parts {
    if (this.#parts === undefined) throw new Error("<py-runner> must be added to the page first.");
    return this.#parts;
  }

  #connect(): void {
    const { root, at, results } = this.#here;
    at("run").addEventListener("click", () => void this.run());
    at("trace").addEventListener("click", () => void this.trace());
    at("stop").addEventListener("click", () => this.stop());
    at("end").addEventListener("click", () => void this.#answer({ end: true }, "\n"));
    at("answer").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = at<HTMLInputElement>("line").value;
      void this.#answer({ text }, `${text}\n`);
    });
    for (const id of ["stdin", "test-cases", "files"]) at(id).addEventListener("input", () => this.#changed());
    root.addEventListener("keydown", (event) => {
      const { key, ctrlKey, metaKey, defaultPrevented } = event as KeyboardEvent;
      if (key !== "Enter" || !(ctrlKey || metaKey) || defaultPrevented) return;
      event.preventDefault();
      void this.run();
    });
    results.note(BEGINNING);
  }

  #changed(): void {
    this.#parts?.stepper.clear();
    if (!this.#isLoading) this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #client(): CodeExecutionClient {
    const url = this.getAttribute("url");
    const key = this.apiKey ?? this.getAttribute("api-key");
    if (!key) throw new Error("This <py-runner> has no api-key.");
    return new CodeExecutionClient({ key, locale: this.#locale, retries: 0, ...(url !== null && { url }) });
  }

  get #locale(): Locale | undefined {
    const given = this.getAttribute("locale");
    if (given !== null) return given as Locale; // the service refuses any other
    const language = this.closest<HTMLElement>("[lang]")?.lang.toLowerCase().split("-")[0];
    return LOCALES.find((locale) => locale === language);
  }

  #request(withTests: boolean): ExecutionRequest {
    const { code, input, files, collect } = this;
    const asked = withTests ? [...this.#given, ...this.#here.tests.asked] : [];
    const locale = this.#locale;
    const exercise = withTests && this.getAttribute("exercise"); // without its tests, a run says nothing about it
    return {
      code,
      ...(input && { input_data: input }),
      ...(asked.length && { test_cases: asked }),
      ...(files.length && { files }),
      ...(collect.length && { collect }),
      ...(locale && { locale }),
      ...(exercise && { exercise }),
    };
  }

  /** Run the program and show its events. */
  async #follow(withTests: boolean, signal: AbortSignal): Promise<void> {
    const { results } = this.#here;
    const { code, input } = this;
    const isAsking = /\binput\s*\(/.test(code) || (/\bstdin\b/.test(code) && !input);
    const body = this.#request(withTests);
    const asked = body.test_cases ?? [];
    if (isAsking && asked.length === 0) body.interactive = true;
    // Without any input, the program itself may soon stop where it asks for some, and only the tests matter.
    const isHeld = isAsking && asked.length > 0 && !input;
    const held: { text: string; type: "stdout" | "stderr" }[] = [];
    try {
      for await (const event of this.#events(body, signal)) {
        if (isHeld && (event.type === "stdout" || event.type === "stderr")) held.push(event);
        else if (isHeld && event.type === "result" && event.answer.error_detail?.type === "EOFError") {
          held.length = 0;
          results.sayVerdict();
          results.showPoints(event.answer);
          results.showFiles(event.answer);
          results.note("The tests ran with their own input.", "Run it with mine", () => void this.run(false));
          this.dispatchEvent(new CustomEvent("result", { detail: event.answer }));
        } else {
          if (event.type === "result") for (const { text, type } of held.splice(0)) results.print(text, type);
          this.#show(event, asked, code);
        }
      }
    } finally {
      // Until it was stopped or lost, unless another program is shown.
      if (this.#running?.signal === signal) for (const { text, type } of held) results.print(text, type);
    }
  }

  /** Send a request, again while the service is busy, and yield its events. */
  async *#events(body: ExecutionRequest, signal: AbortSignal): AsyncGenerator<ExecutionEvent, void, void> {
    const { results } = this.#here;
    const { first, rest } = await this.#patiently(async () => {
      const started = this.#client().stream(body, { signal });
      return { first: await started.next(), rest: started };
    }, signal);
    results.say("busy", "Running…");
    results.note("");
    for (let next = first; !next.done; next = await rest.next()) yield next.value;
  }

  /** Show an event of a run of `code`, which the learner may have edited meanwhile. */
  #show(event: ExecutionEvent, asked: TestCase[], code: string): void {
    const { results } = this.#here;
    switch (event.type) {
      case "start":
        this.#executionId = event.id;
        break;
      case "stdout":
      case "stderr":
        results.print(event.text, event.type);
        break;
      case "image":
        results.showImage(event.image);
        break;
      case "drawing":
        results.showStrokes(event.strokes);
        break;
      case "input":
        this.#sending = undefined; // the program has it
        this.#ask();
        break;
      case "test":
        results.showTest(event.result, asked[event.index] ?? {}, asked.length, code);
        break;
      case "result":
        this.#end(event.answer, code);
    }
  }

  #end(answer: Answer, code: string): void {
    const { editor, results } = this.#here;
    const [state, words] = ENDINGS[answer.status] ?? ["bad", answer.status];
    results.say(state, `${words} in ${answer.execution_time.toFixed(2)} s`);
    if (results.isEmpty) results.note("The program printed nothing.");
    results.showPoints(answer);
    results.showFiles(answer);
    if (answer.truncated) results.print("\n… and more, which is not kept", "echo");
    if (answer.images_dropped) results.noteMissingImages(answer.images_dropped);
    if (answer.error && answer.status !== "success") {
      results.showError(answer.error_detail, answer.error, (line) => editor.goTo(line));
      if (this.code === code) editor.markError(answer.error_detail);
    }
    this.dispatchEvent(new CustomEvent("result", { detail: answer }));
  }

  #ask(): void {
    const { at, results } = this.#here;
    at("answer").hidden = false;
    results.say("waiting", "Waiting for input");
    // Somebody may be busy elsewhere on the page.
    if (this.matches(":focus-within") || document.activeElement === document.body) at("line").focus();
  }

  async #answer(input: Input, shown: string): Promise<void> {
    const { at, results } = this.#here;
    const controller = this.#running;
    if (controller === undefined) return;
    const line = JSON.stringify(input);
    if (this.#sending?.line !== line) this.#sending = { line, key: newKey() };
    const { key: idempotencyKey } = this.#sending; // sent again, the same line reaches the program only once
    at("answer").hidden = true;
    at<HTMLFormElement>("answer").reset();
    at("screen").focus();
    results.say("busy", "Running…");
    results.print(shown, "echo");
    try {
      const { signal } = controller;
      const options = { signal, idempotencyKey };
      await this.#patiently(() => this.#client().answer(this.#executionId, input, options), signal);
      if (this.#sending?.key === idempotencyKey) this.#sending = undefined;
      if (input.text != null) this.#typed += `${input.text}\n`;
      if (results.state === "waiting" && at("answer").hidden) results.say("busy", "Running…"); // no longer for the service
    } catch (error) {
      if (this.#running !== controller || controller.signal.aborted) return;
      results.print(`${sentenceOf(error)}\n`, "stderr");
      this.#ask();
      at<HTMLInputElement>("line").value = input.text ?? "";
    }
  }

  /** Return what `call` returns. While the service is busy, wait and count down. */
  #patiently<Returned>(call: () => Promise<Returned>, signal: AbortSignal): Promise<Returned> {
    const { results } = this.#here;
    return waitWhileBusy(call, signal, (sentence, secondsLeft) => {
      if (results.isEmpty) results.note(sentence);
      results.countDown(secondsLeft);
    });
  }

  #fail(error: unknown): void {
    const { results } = this.#here;
    results.note("");
    results.say("bad", "Failed");
    if (error instanceof CodeExecutionError && Object.keys(error.fields).length) return this.#complain(error.fields);
    results.showError(null, sentenceOf(error));
    const offer = (error as { offer?: Offer }).offer;
    if (offer) results.offerLink(offer.text, offer.address, offer.rest);
  }

  /** Show what is wrong with the request beside its fields, and go to the first of them. */
  #complain(fields: Readonly<Record<string, string>>): void {
    const { results, tests, files, collect } = this.#here;
    const given = this.#given.length;
    const complaints: [string, string][] = [];
    let first: HTMLElement | undefined;
    for (const [path, sentence] of Object.entries(fields)) {
      const [, list, index, rest] = /^(test_cases|files|collect)(?:\[(\d+)\])?(.*)$/.exec(path) ?? [];
      const at = index === undefined ? "" : `[${list === "test_cases" ? Number(index) - given : index}]${rest}`;
      const refused =
        list === "test_cases" ? tests.refuse(at, sentence)
        : list === "files" ? files.refuse(at, sentence)
        : list === "collect" ? { label: collect.label, control: collect.refuse(sentence) }
        : undefined;
      first ??= refused?.control;
      complaints.push([refused?.label ?? path, sentence]);
    }
    results.showComplaints(complaints);
    for (let part = first?.parentElement; part; part = part.parentElement) {
      if (part instanceof HTMLDetailsElement) part.open = true;
    }
    first?.focus();
  }

  /** A disabled button loses the focus: move it, so that keyboard users keep their place, but not away from the output. */
  #showButtons(): void {
    const { root, at } = this.#here;
    const [run, stop, trace] = [at<HTMLButtonElement>("run"), at<HTMLButtonElement>("stop"), at<HTMLButtonElement>("trace")];
    const had = root.activeElement;
    const isRunning = this.#running !== undefined;
    run.disabled = trace.disabled = isRunning;
    stop.disabled = !isRunning;
    if ((had === run || had === trace) && isRunning) stop.focus({ preventScroll: true });
    if (had === stop && !isRunning) run.focus({ preventScroll: true });
  }

  /** On a phone the screen is below the program. */
  #showScreen(): void {
    const { root, at } = this.#here;
    if (at("screen").getBoundingClientRect().top < window.innerHeight - 100) return;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    root.querySelector(".results")?.scrollIntoView({ behavior: isCalm ? "auto" : "smooth" });
  }
}

/** What a page may have set before the element was defined. */
interface Early {
  apiKey?: string | (() => string | Promise<string>) | undefined;
  tests?: TestCase[] | string;
}

interface Parts {
  root: ShadowRoot;
  at: ReturnType<typeof finder>;
  tests: TestCases;
  files: FileList;
  collect: Field;
  editor: Editor;
  results: Results;
  stepper: Stepper;
}

let shared: CSSStyleSheet | undefined;

function styleSheet(): CSSStyleSheet {
  if (shared === undefined) {
    shared = new CSSStyleSheet();
    shared.replaceSync(css);
  }
  return shared;
}

/** Return a new idempotency key. `crypto.randomUUID()` does not exist over plain HTTP. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16))).join("-");
}

function sentenceOf(error: unknown): string {
  // A browser's own words, such as "Failed to fetch", help nobody.
  if (error instanceof CodeExecutionError && error.status === 0) return NO_CONNECTION;
  return error instanceof Error ? error.message : String(error);
}

if (!customElements.get("py-runner")) customElements.define("py-runner", PyRunner);

declare global {
  interface HTMLElementTagNameMap {
    "py-runner": PyRunner;
  }
}
