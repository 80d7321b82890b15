"use strict";

{
  const at = (id) => document.getElementById(id);
  const { execute, token, csrf } = document.body.dataset;
  const client = new ExecutionClient({ execute, token, csrf });
  const output = new Output();
  const tests = new TestCases(at("test-cases"), at("add-test"));
  const editor = CodeEditor.create({
    parent: at("editor"),
    nonce: at("style").nonce,
    label: "Program, main.py",
    describedBy: "editor-help",
    onRun: () => run(),
  });
  const ENDINGS = {
    success: ["good", "Finished"],
    error: ["bad", "Failed with an error"],
    timeout: ["bad", "Timed out"],
    memory_limit: ["bad", "Out of memory"],
    output_limit: ["bad", "Too much output"],
    cancelled: ["idle", "Stopped"],
  };
  let running = null; // the controller that stops the current run

  const asks = (code, stdin) => /\binput\s*\(/.test(code) || (/\bstdin\b/.test(code) && !stdin);

  async function run() {
    if (running) return;
    running = new AbortController();
    const code = editor.code();
    const stdin = at("stdin").value;
    const asked = tests.asked;
    output.clear();
    editor.markError(null);
    output.say("busy", "Running…");
    buttons();
    showScreen();
    try {
      const body = { code, input_data: stdin, interactive: asks(code, stdin), ...(asked.length && { test_cases: asked }) };
      for await (const [name, data] of client.execute(body, running.signal)) show(name, data, asked);
    } catch (error) {
      if (error.name === "AbortError") output.say("idle", "Stopped");
      else fail(error instanceof Refused ? error.message : "The connection was lost. Check your internet connection.");
    } finally {
      running = null;
      if (at("status").dataset.state === "busy") fail("The connection closed before the program ended.");
      // The form with the focus is about to disappear.
      if (at("answer").contains(document.activeElement)) at("run").focus({ preventScroll: true });
      at("answer").hidden = true;
      buttons();
    }
  }

  function show(name, data, asked) {
    if (name === "start") at("answer").dataset.execution = data.id;
    if (name === "stdout" || name === "stderr") output.print(data.text, name);
    if (name === "image") output.showImage(data);
    if (name === "input") ask();
    if (name === "test") output.showTest(data, asked[data.index], asked.length);
    if (name === "error") fail(data.detail);
    if (name === "result") end(data);
  }

  function ask() {
    at("answer").hidden = false;
    output.say("waiting", "Waiting for input");
    at("line").focus();
  }

  function end(result) {
    const [state, words] = ENDINGS[result.status] ?? ["bad", result.status];
    output.say(state, `${words} in ${result.execution_time.toFixed(2)} s`);
    if (!at("output").textContent) {
      at("empty").hidden = false;
      at("empty").textContent = "The program printed nothing.";
    }
    if (result.truncated) output.print("\n… and more, which is not kept", "echo");
    if (result.images_dropped) output.noteMissingImages(result.images_dropped);
    if (result.error) {
      output.showError(result.error_detail, result.error, (line) => editor.goTo(line));
      if (result.error_detail) editor.markError(result.error_detail);
    }
  }

  // On a phone the screen is below the program.
  function showScreen() {
    if (at("screen").getBoundingClientRect().top < window.innerHeight - 100) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    document.querySelector(".results").scrollIntoView({ behavior: calm ? "auto" : "smooth" });
  }

  function fail(sentence) {
    output.say("bad", "Failed");
    output.showError(null, sentence);
  }

  // A disabled button loses the focus: move it, so that keyboard users keep their place, but not away from the output.
  function buttons() {
    const had = document.activeElement;
    at("run").disabled = running !== null;
    at("stop").disabled = running === null;
    if (had === at("run") && running) at("stop").focus({ preventScroll: true });
    if (had === at("stop") && !running) at("run").focus({ preventScroll: true });
  }

  async function answer(body, shown) {
    at("answer").hidden = true;
    at("answer").reset();
    at("screen").focus();
    output.print(shown, "echo");
    output.say("busy", "Running…");
    try {
      await client.answer(at("answer").dataset.execution, body);
    } catch (error) {
      if (running) output.print(`\n${error.message}\n`, "stderr");
    }
  }

  function open({ name, code, stdin = "", tests: cases = [] }) {
    running?.abort();
    for (const button of at("examples").children) button.ariaCurrent = button.textContent === name ? "true" : null;
    editor.setCode(code);
    at("stdin").value = stdin;
    tests.all = cases;
    at("share-status").textContent = "";
    at("stdin-part").open = stdin !== "";
    at("tests-part").open = cases.length > 0;
    output.clear();
    output.say("idle", "Ready");
    at("empty").hidden = false;
    at("empty").textContent = "Output appears here as the program prints it.";
  }

  async function openShared() {
    try {
      const shared = await fromFragment(location.hash);
      if (shared) open(shared);
      return shared !== null;
    } catch {
      at("share-status").textContent = "This link is damaged";
      return false;
    }
  }

  async function share() {
    const fragment = await toFragment({ code: editor.code(), stdin: at("stdin").value, tests: tests.all });
    history.replaceState(null, "", fragment);
    try {
      await navigator.clipboard.writeText(location.href);
      at("share-status").textContent = "Link copied";
    } catch { // over http, or refused
      at("share-status").textContent = "The link is in the address bar";
    }
  }

  for (const example of EXAMPLES) {
    const button = element("button", "example", example.name);
    button.type = "button";
    button.addEventListener("click", () => {
      history.replaceState(null, "", location.pathname);
      open(example);
    });
    at("examples").append(button);
  }
  at("run").addEventListener("click", run);
  at("stop").addEventListener("click", () => running?.abort());
  at("share").addEventListener("click", share);
  at("end").addEventListener("click", () => answer({ end: true }, "\n"));
  at("answer").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = at("line").value;
    answer({ text }, `${text}\n`);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) {
      event.preventDefault();
      run();
    }
  });
  window.addEventListener("hashchange", openShared);
  openShared().then((found) => found || open(EXAMPLES[0]));
}
