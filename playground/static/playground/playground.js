"use strict";

{
  const at = (id) => document.getElementById(id);
  const { execute, token, csrf } = document.body.dataset;
  const client = new ExecutionClient({ execute, token, csrf });
  const output = new Output();
  const toast = new Toast(at("toast"));
  const drafts = new Drafts(save);
  const tests = new TestCases(at("test-cases"), at("add-test"), (before) => {
    changed();
    toast.show("The test was removed.", { action: "Undo", onAction: () => {
      tests.all = before;
      changed();
    } });
  });
  const editor = CodeEditor.create({
    parent: at("editor"),
    nonce: at("style").nonce,
    label: "Program, main.py",
    describedBy: "editor-help",
    onRun: () => run(),
    onChange: () => changed(),
  });
  let name = ""; // of the example or file in the editor
  let isOpening = false;
  const ENDINGS = {
    success: ["good", "Finished"],
    error: ["bad", "Failed with an error"],
    timeout: ["bad", "Timed out"],
    memory_limit: ["bad", "Out of memory"],
    output_limit: ["bad", "Too much output"],
    cancelled: ["idle", "Stopped"],
  };
  let running = null; // the controller that stops the current run

  const LONGEST_WAIT_SECONDS = 120;

  const asks = (code, stdin) => /\binput\s*\(/.test(code) || (/\bstdin\b/.test(code) && !stdin);

  // With tests, nobody is asked for input: theirs is enough.
  async function run(asked = tests.asked) {
    if (running) return;
    running = new AbortController();
    const code = editor.code();
    const stdin = at("stdin").value;
    const isAsking = asks(code, stdin);
    // Without any input, the program itself may soon stop where it asks for some, and only the tests matter.
    const held = [];
    const isHeld = isAsking && asked.length > 0 && !stdin;
    output.clear();
    editor.markError(null);
    output.say("busy", "Running…");
    buttons();
    showScreen();
    try {
      const interactive = isAsking && !asked.length;
      const body = { code, input_data: stdin, interactive, ...(asked.length && { test_cases: asked }) };
      const events = await patiently(() => client.execute(body, running.signal), running.signal);
      output.say("busy", "Running…");
      at("empty").hidden = true;
      for await (const [name, data] of events) {
        if (isHeld && (name === "stdout" || name === "stderr")) held.push([data.text, name]);
        else if (isHeld && name === "result" && data.error_detail?.type === "EOFError") {
          held.length = 0;
          endWithoutInput();
        } else {
          if (name === "result") for (const printed of held.splice(0)) output.print(...printed);
          show(name, data, asked);
        }
      }
    } catch (error) {
      if (error.name === "AbortError") output.say("idle", "Stopped");
      else if (error instanceof LoggedOut) askToLogIn(error.login);
      else fail(error instanceof Refused ? error.message : "The connection was lost. Check your internet connection.");
    } finally {
      running = null;
      for (const printed of held) output.print(...printed); // until it was stopped or lost
      if (at("status").dataset.state === "busy") fail("The connection closed before the program ended.");
      // The form with the focus is about to disappear.
      if (at("answer").contains(document.activeElement)) at("run").focus({ preventScroll: true });
      at("answer").hidden = true;
      buttons();
    }
  }

  // Returns what `call` does. While the service is busy, it waits and counts down.
  async function patiently(call, signal) {
    for (let waited = 0; ; ) {
      try {
        return await call();
      } catch (error) {
        waited += error.seconds ?? 0;
        if (!(error instanceof Busy) || waited > LONGEST_WAIT_SECONDS) throw error;
        if (output.isEmpty) output.note(error.message);
        for (let left = error.seconds; left > 0; left--) {
          output.countDown(left);
          await pause(1000, signal);
        }
      }
    }
  }

  function pause(milliseconds, signal) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason);
      }, { once: true });
    });
  }

  function endWithoutInput() {
    const { isGood, words } = output.verdict;
    output.say(isGood ? "good" : "bad", words);
    output.note("The tests ran with their own input.", "Run it with mine", () => run([]));
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
    if (output.isEmpty) output.note("The program printed nothing.");
    if (result.truncated) output.print("\n… and more, which is not kept", "echo");
    if (result.images_dropped) output.noteMissingImages(result.images_dropped);
    if (result.error && result.status !== "success") {
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

  function askToLogIn(address) {
    fail("You were logged out.");
    output.offerLink("Log in", address, ": your program is kept.");
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
    const controller = running;
    at("answer").hidden = true;
    at("answer").reset();
    at("screen").focus();
    output.say("busy", "Running…");
    output.print(shown, "echo");
    try {
      await patiently(() => client.answer(at("answer").dataset.execution, body), controller.signal);
    } catch (error) {
      if (running !== controller || error.name === "AbortError") return;
      output.print(`${error.message}\n`, "stderr");
      ask();
      at("line").value = body.text ?? "";
    }
  }

  const program = () => ({ name, code: editor.code(), stdin: at("stdin").value, tests: tests.all });

  function changed() {
    if (isOpening) return;
    if (location.hash) history.replaceState(null, "", location.pathname); // it holds another program now
    save();
  }

  function save() {
    if (drafts.save(program())) at("programs").hidden = false;
    else toast.show("This browser keeps nothing: download your program before you leave.");
  }

  // Shows another program. The one before, if it has been changed, is kept, and the toast leads back to it.
  function open(opened) {
    const before = drafts.current;
    drafts.leave();
    put(opened);
    if (before) toast.show("Your program is kept.", { action: "Back to it", onAction: () => resume(before) });
  }

  function resume(kept) {
    history.replaceState(null, "", location.pathname);
    drafts.resume(kept);
    put(kept);
  }

  function put({ name: title = "", code, stdin = "", tests: cases = [] }) {
    running?.abort();
    name = title;
    for (const button of at("examples").children) button.ariaCurrent = button.textContent === name ? "true" : null;
    isOpening = true;
    editor.setCode(code);
    at("stdin").value = stdin;
    tests.all = cases;
    isOpening = false;
    toast.hide();
    at("share-status").textContent = "";
    at("stdin-part").open = stdin !== "";
    at("tests-part").open = cases.length > 0;
    output.clear();
    output.say("idle", "Ready");
    output.note("Output appears here as the program prints it.");
  }

  function listPrograms() {
    const { all, current } = drafts;
    at("kept").replaceChildren(...all.map((kept) => {
      const item = element("li", "", "");
      const button = element("button", "", kept.code.trim().split("\n")[0] || "An empty program");
      button.type = "button";
      button.ariaCurrent = kept.id === current?.id ? "true" : null;
      button.append(element("span", "quiet", [kept.name, new Date(kept.changed).toLocaleString()].filter(Boolean).join(" · ")));
      button.addEventListener("click", () => {
        at("programs").open = false;
        resume(kept);
      });
      item.append(button);
      return item;
    }));
  }

  // Opens what the address names: a shared program, or an example.
  async function openAddressed() {
    const fragment = location.hash;
    try {
      const example = EXAMPLES.find(({ name: known }) => fragment === addressOf(known));
      const addressed = example ?? await fromFragment(fragment);
      if (addressed && !isShown(addressed)) open(addressed);
    } catch {
      toast.show("This link is damaged: a part of it is missing. Copy it again, from its first to its last character.");
    }
  }

  const addressOf = (example) => `#${encodeURIComponent(example)}`;

  function isShown({ code, stdin = "", tests: cases = [] }) {
    const shown = program();
    return JSON.stringify([code, stdin, cases]) === JSON.stringify([shown.code, shown.stdin, shown.tests]);
  }

  async function openFile(file) {
    try {
      const code = await readFile(file);
      history.replaceState(null, "", location.pathname);
      open({ name: file.name, code });
    } catch (error) {
      toast.show(error.message);
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
      history.replaceState(null, "", addressOf(example.name));
      open(example);
    });
    at("examples").append(button);
  }
  appearance.connect({
    smaller: at("smaller"), larger: at("larger"), size: at("size"), themes: document.getElementsByName("theme"),
  });
  at("run").addEventListener("click", () => run());
  at("stop").addEventListener("click", () => running?.abort());
  at("share").addEventListener("click", share);
  at("download").addEventListener("click", () => downloadFile(name.endsWith(".py") ? name : "main.py", editor.code()));
  at("open").addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", async ({ target }) => {
    if (target.files.length) await openFile(target.files[0]);
    target.value = ""; // so that the same file can be opened again
  });
  at("forget").addEventListener("click", () => {
    if (!confirm("Delete all your programs from this browser, except for the one in the editor?")) return;
    drafts.deleteAll();
    save();
    at("programs").open = false;
  });
  at("programs").addEventListener("toggle", listPrograms);
  for (const part of ["stdin", "test-cases"]) at(part).addEventListener("input", changed);
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
  window.addEventListener("hashchange", openAddressed);

  // First what was here before, so that it is kept when the address names something else.
  const fragment = location.hash;
  const { last } = drafts;
  if (last) resume(last);
  else open(EXAMPLES[0]);
  at("programs").hidden = !last;
  history.replaceState(null, "", location.pathname + fragment);
  openAddressed();
}
