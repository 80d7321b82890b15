"use strict";

{
  const at = (id) => document.getElementById(id);
  const runner = at("runner");
  const tokens = new Tokens(document.body.dataset);
  const toast = new Toast(at("toast"));
  const drafts = new Drafts(save);
  let name = ""; // of the example or file in the editor

  const shown = () => ({
    code: runner.code, stdin: runner.input, tests: runner.written, files: runner.files, collect: runner.collect,
  });
  const program = () => ({ name, ...shown() });

  function changed() {
    toast.changed();
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

  function put({ name: title = "", code, stdin = "", tests = [], files = [], collect = [] }) {
    name = title;
    for (const button of at("examples").children) button.ariaCurrent = button.textContent === name ? "true" : null;
    runner.load({ code, input: stdin, written: tests, files, collect });
    toast.hide();
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

  function isShown({ code, stdin = "", tests = [], files = [], collect = [] }) {
    return JSON.stringify({ code, stdin, tests, files, collect }) === JSON.stringify(shown());
  }

  function use({ locale, ...written }) {
    history.replaceState(null, "", location.pathname);
    open(written);
    changed();
    for (const choice of document.getElementsByName("locale")) if (choice.value === locale) choice.click();
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
    try {
      history.replaceState(null, "", await toFragment(shown()));
    } catch (error) {
      toast.show(error.message);
      return;
    }
    try {
      await navigator.clipboard.writeText(location.href);
      toast.show("Link copied.");
    } catch { // over http, or refused
      toast.show("The link is in the address bar.");
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
    locales: document.getElementsByName("locale"), runner,
  });
  runner.apiKey = () => tokens.current();
  runner.addEventListener("change", changed);
  for (const [event, property] of [["removed", "written"], ["fileremoved", "files"]]) {
    runner.addEventListener(event, ({ detail: before }) => {
      const undo = () => {
        runner[property] = before;
        changed();
      };
      const what = property === "written" && before.length > runner.written.length ? "test" : "file";
      toast.show(`The ${what} was removed.`, { action: "Undo", onAction: undo, isBrief: true });
    });
  }
  const request = new RequestDialog(at("request"), {
    address: location.origin, request: () => runner.request, use, toast,
  });
  at("show-request").addEventListener("click", () => {
    at("view").open = false;
    request.show();
  });
  at("request").addEventListener("close", () => at("view").querySelector("summary").focus());
  at("share").addEventListener("click", share);
  at("download").addEventListener("click", () => downloadFile(name.endsWith(".py") ? name : "main.py", runner.code));
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
  document.addEventListener("keydown", (event) => {
    if (at("request").open) return; // the program is behind it
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) {
      event.preventDefault();
      runner.run();
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
