/** Tests with the service at CODE_EXECUTION_URL, called as by a server and by a page. */

import { expect, test, vi } from "vitest";

import { CodeExecutionClient, CodeExecutionError, executeCode } from "../../src/index.js";

const url = given("CODE_EXECUTION_URL");
const publishable = given("CODE_EXECUTION_PUBLISHABLE_KEY");
const secret = given("CODE_EXECUTION_SECRET_KEY");
// This key allows each learner one request a minute.
const origin = "https://pylearn.net";

const page = new CodeExecutionClient({ key: publishable, url, origin });
const server = new CodeExecutionClient({ key: secret, url });

vi.stubEnv("NEXT_PUBLIC_CODE_EXECUTION_URL", url);
vi.stubEnv("NEXT_PUBLIC_CODE_EXECUTION_API_KEY", publishable);

function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: tests/e2e/test_typescript.py sets it`);
  return value;
}

async function failure(call: Promise<unknown>): Promise<CodeExecutionError> {
  const error: unknown = await call.then(() => undefined, (reason: unknown) => reason);
  if (!(error instanceof CodeExecutionError)) throw new Error("it should have been refused", { cause: error });
  return error;
}

test("the documented call gets the documented answer", async () => {
  const result = await executeCode({
    code: "def add(a, b):\n    return a + b\nprint('Hello')",
    test_cases: [
      {
        input: "add(5, 3)",
        expected_output: "8",
        code: "result = add(5, 3)\nprint(result)",
      },
    ],
  });
  expect(`Output:\n${result.output}\n\nErrors:\n${result.error}`).toBe("Output:\nHello\n\n\nErrors:\n");
  expect(result.test_results?.map((test) => test.message)).toEqual(["✅ Test passed: add(5, 3) -> Expected: 8"]);
  expect(result.execution_time).toBeGreaterThan(0);
});

test("executeCode returns an answer for a failed program and for a refusal", async () => {
  expect((await executeCode({ code: "1 / 0" })).error).toContain("ZeroDivisionError: division by zero");
  vi.spyOn(console, "error").mockImplementationOnce(() => undefined);
  const refused = await executeCode({ code: "1", timeout: 0 });
  expect(refused).toMatchObject({ output: "", execution_time: 0 });
  expect(refused.error).toMatch(/^Error: API error \(400\): \{"detail":"timeout: /);
});

test("an answer says what is wrong, and where", async () => {
  const answer = await page.execute({ code: "x = 1\nprint(y)" });
  expect(answer.status).toBe("error");
  expect(answer.error_detail).toMatchObject({ type: "NameError", line: 2, column: 7, end_column: 8 });
});

test("an invalid request, key or origin is a typed error", async () => {
  const invalid = await failure(page.execute({ code: "1", timeout: 11 }));
  expect(invalid).toMatchObject({ status: 400, code: "invalid" });
  expect(Object.keys(invalid.fields)).toEqual(["timeout"]);
  expect(invalid.requestId).toBeTruthy();
  const unknown = new CodeExecutionClient({ key: "unknown", url, origin });
  expect(await failure(unknown.execute({ code: "1" }))).toMatchObject({ status: 403, code: "invalid_key" });
  const elsewhere = new CodeExecutionClient({ key: publishable, url, origin: "https://evil.example" });
  expect(await failure(elsewhere.execute({ code: "1" }))).toMatchObject({ status: 403, code: "origin_not_allowed" });
  const nowhere = new CodeExecutionClient({ key: publishable, url });
  expect(await failure(nowhere.execute({ code: "1" }))).toMatchObject({ status: 403, code: "origin_not_allowed" });
});

test("a rate limit says how long to wait", async () => {
  const impatient = new CodeExecutionClient({ key: secret, url, longestWaitSeconds: 0 });
  await impatient.execute({ code: "1", learner: "fast" });
  const error = await failure(impatient.execute({ code: "1", learner: "fast" }));
  expect(error).toMatchObject({ status: 429, code: "learner_rate_limited", isTransient: true });
  expect(error.retryAfterSeconds).toBeGreaterThan(0);
});

test("output and test results arrive before the end", async () => {
  const code = "import time\ndef add(a, b): return a + b\nprint('Zoë 🐍')\ntime.sleep(0.5)\nprint('end')";
  let printed = "";
  const came: Record<string, number> = {};
  const test_cases = [{ input: "add(1, 2)", expected_output: "3" }];
  for await (const event of page.stream({ code, test_cases })) {
    if (event.type === "stdout") came[(printed += event.text)] = performance.now();
    if (event.type === "test") expect(event).toMatchObject({ index: 0, result: { passed: true, actual_output: "3\n" } });
    if (event.type === "test") came["test"] = performance.now();
    if (event.type === "result") expect(event.answer).toMatchObject({ output: printed, status: "success" });
  }
  expect(printed).toBe("Zoë 🐍\nend\n");
  expect(came[printed]! - came["Zoë 🐍\n"]!).toBeGreaterThan(200);
  expect(came["test"]).toBeGreaterThan(came[printed]!);
});

test("a program reads the lines and the end of its input", async () => {
  let id = "";
  let printed = "";
  const code = "name = input('Name? ')\ntry:\n    input(f'Hello, {name}! More? ')\nexcept EOFError:\n    print('Bye')";
  const answers = ["Zoë", { end: true }];
  for await (const event of page.stream({ code, interactive: true })) {
    if (event.type === "start") id = event.id;
    if (event.type === "stdout") printed += event.text;
    if (event.type === "input") await page.answer(id, answers.shift()!);
    if (event.type === "result") expect(event.answer.status).toBe("success");
  }
  expect(printed).toBe("Name? Hello, Zoë! More? Bye\n");
  expect(await failure(page.answer(id, "too late"))).toMatchObject({ status: 404 });
});

test("a figure arrives as an image", async () => {
  const answer = await page.execute({ code: "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", timeout: 10 });
  expect(answer.images).toHaveLength(1);
  expect(atob(answer.images[0]!.data).slice(1, 4)).toBe("PNG");
});

test("aborting stops the program", async () => {
  const aborter = new AbortController();
  const enough = new Error("enough");
  let id = "";
  const reading = (async () => {
    const request = { code: "while True: pass", timeout: 10, learner: "impatient" };
    for await (const event of server.stream(request, { signal: aborter.signal })) {
      if (event.type === "start") id = event.id;
      setTimeout(() => aborter.abort(enough), 100);
    }
  })();
  await expect(reading).rejects.toBe(enough);
  const ended = async () => expect((await server.execution(id)).status).toBe("cancelled");
  await vi.waitFor(ended, { timeout: 8000, interval: 100 });
});

test("a page runs programs with a learner token from the server", async () => {
  const { token, learner, expires } = await server.createToken({ learner: "ada", lifetime_seconds: 60 });
  expect(learner).toBe("ada");
  expect(Date.parse(expires)).toBeGreaterThan(Date.now());
  const { id } = await new CodeExecutionClient({ key: async () => token, url, origin }).execute({ code: "print(1)" });
  expect(await server.execution(id)).toMatchObject({ learner: "ada", status: "success", output: "1\n" });
  expect(await failure(page.createToken({ learner: "ada" }))).toMatchObject({ code: "secret_key_required" });
});
