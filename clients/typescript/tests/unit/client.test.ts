import { afterEach, expect, expectTypeOf, test, vi } from "vitest";

import { CodeExecutionClient, CodeExecutionError } from "../../src/index.js";
import type { Answer, ClientOptions, ExecutionEvent } from "../../src/index.js";
import { answers, serve, streams } from "./server.js";
import type { Script, ScriptedServer } from "./server.js";

const LIMITED = { detail: "Too many requests.", code: "rate_limited" };
const ENOUGH = new Error("enough");
const START = 'event: start\ndata: {"id":"7"}\n\n';
const RESULT = 'event: result\ndata: {"output":"ok"}\n\n';

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

async function client(scripts: [Script, ...Script[]], options: Partial<ClientOptions> = {}) {
  server = await serve(...scripts);
  return new CodeExecutionClient({ key: "k", url: server.url, ...options });
}

async function failure(call: Promise<unknown>): Promise<CodeExecutionError> {
  const error = await call.then(
    () => expect.fail("it should have failed"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CodeExecutionError)) throw error;
  return error;
}

async function all(events: AsyncIterable<ExecutionEvent>): Promise<ExecutionEvent[]> {
  const found = [];
  for await (const event of events) found.push(event);
  return found;
}

test("a request has the documented form", async () => {
  const { execute } = bound(await client([answers(200, { output: "ok" })], { origin: "https://pylearn.net" }));
  const answer = await execute({ code: "1" });
  expectTypeOf(answer).toEqualTypeOf<Answer>();
  expect(answer.output).toBe("ok");
  const [received] = server!.received;
  expect(received).toMatchObject({ method: "POST", path: "/execute", body: '{"code":"1"}' });
  expect(received!.headers).toMatchObject({
    "x-api-key": "k",
    "content-type": "application/json",
    accept: "application/json",
    origin: "https://pylearn.net",
  });
});

test("a request has the client's locale, unless it has its own", async () => {
  const asked = await client([answers(200, {}), answers(200, {}), streams([RESULT])], { locale: "de" });
  await asked.execute({ code: "1" });
  await asked.execute({ code: "1", locale: "es" });
  await all(asked.stream({ code: "1" }));
  expect(server!.received.map(({ body }) => JSON.parse(body).locale)).toEqual(["de", "es", "de"]);
});

test("no Origin is sent by default", async () => {
  await (await client([answers(200, {})])).execute({ code: "1" });
  expect(server!.received[0]!.headers).not.toHaveProperty("origin");
});

test("a key function is called before each request", async () => {
  let number = 0;
  const key = async () => `token-${++number}`;
  const asked = await client([answers(503, {}, { "Retry-After": "0" }), answers(200, {})], { key });
  await asked.execute({ code: "1" });
  expect(server!.received.map(({ headers }) => headers["x-api-key"])).toEqual(["token-1", "token-2"]);
});

test("an error has all fields of the response", async () => {
  const body = { detail: "timeout: no.", code: "invalid", fields: { timeout: "no." } };
  const { execute } = bound(await client([answers(400, body, { "X-Request-ID": "r" })]));
  const error = await failure(execute({ code: "1", timeout: 0 }));
  expect(error).toMatchObject({ message: "timeout: no.", status: 400, code: "invalid", requestId: "r" });
  expect(error.fields).toEqual(body.fields);
  expect(error.retryAfterSeconds).toBeUndefined();
  expect(server!.received).toHaveLength(1);
});

test("a proxy's error page is an error", async () => {
  const error = await failure((await client([answers(502, "<h1>Bad Gateway</h1>")])).execute({ code: "1" }));
  expect(error).toMatchObject({ status: 502, code: "invalid_answer", body: "<h1>Bad Gateway</h1>" });
});

test("an answer that is not JSON is an error", async () => {
  const error = await failure((await client([answers(200, "<h1>Hello</h1>")])).execute({ code: "1" }));
  expect(error).toMatchObject({ status: 200, code: "invalid_answer" });
});

test("an incomplete answer is an error", async () => {
  const cut: Script = (response) => {
    response.writeHead(200, { "Content-Length": "100" });
    response.write("{", () => response.destroy());
  };
  expect(await failure((await client([cut])).execute({ code: "1" }))).toMatchObject({ code: "connection_lost" });
});

test("an unreachable service is an error", async () => {
  const unreachable = await client([answers(200, {})]);
  await server!.close();
  server = undefined;
  expect(await failure(unreachable.execute({ code: "1" }))).toMatchObject({ status: 0, code: "network_error" });
});

test("a redirect is not followed, so no other server gets the key", async () => {
  const elsewhere = await serve(answers(200, {}));
  try {
    const redirected = await client([answers(307, "", { Location: elsewhere.url })]);
    expect(await failure(redirected.execute({ code: "1" }))).toMatchObject({ code: "network_error" });
    expect(elsewhere.received).toEqual([]);
  } finally {
    await elsewhere.close();
  }
});

test.each([
  [429, LIMITED],
  [429, { ...LIMITED, code: "learner_rate_limited" }],
  [503, { detail: "Busy.", code: "unavailable" }],
  [503, "<h1>Service Unavailable</h1>"],
])("a %i is retried after its Retry-After: %o", async (status, body) => {
  const real = setTimeout;
  const waits: unknown[] = [];
  const shortened = (callback: () => void, milliseconds?: number) => {
    if (milliseconds === 7000) waits.push(server!.received.length);
    return real(callback, milliseconds === 7000 ? 0 : milliseconds);
  };
  vi.stubGlobal("setTimeout", shortened);
  try {
    const limited = await client([answers(status, body, { "Retry-After": "7" }), answers(200, { output: "ok" })]);
    expect((await limited.execute({ code: "1" })).output).toBe("ok");
  } finally {
    vi.unstubAllGlobals();
  }
  expect(waits).toEqual([1]); // once, after the first request
  expect(server!.received).toHaveLength(2);
});

test.each([
  [429, "concurrency_limited"],
  [429, "executions_used_up"],
  [403, "invalid_key"],
  [500, "server_error"],
])("a %i with the code %s is not retried", async (status, code) => {
  const refused = await client([answers(status, { detail: "No.", code }, { "Retry-After": "0" })]);
  expect(await failure(refused.execute({ code: "1" }))).toMatchObject({ status, code });
  expect(server!.received).toHaveLength(1);
});

test("the number of retries is limited", async () => {
  const limited = await client([answers(429, LIMITED, { "Retry-After": "0" })], { retries: 3 });
  expect(await failure(limited.execute({ code: "1" }))).toMatchObject({ code: "rate_limited", retryAfterSeconds: 0 });
  expect(server!.received).toHaveLength(4);
});

test("a Retry-After over the limit is an error at once", async () => {
  const limited = await client([answers(429, LIMITED, { "Retry-After": "11" })]);
  expect(await failure(limited.execute({ code: "1" }))).toMatchObject({ retryAfterSeconds: 11 });
  expect(server!.received).toHaveLength(1);
});

test("a Retry-After may be a date", async () => {
  const date = new Date(Date.now() + 60_000).toUTCString();
  const error = await failure((await client([answers(503, {}, { "Retry-After": date })])).execute({ code: "1" }));
  expect(error.retryAfterSeconds).toBeGreaterThan(55);
  expect(error.retryAfterSeconds).toBeLessThanOrEqual(60);
});

test.each(["-5", "1.5", ""])("a Retry-After of %j says nothing", async (header) => {
  const refused = await client([answers(500, {}, { "Retry-After": header })]);
  expect((await failure(refused.execute({ code: "1" }))).retryAfterSeconds).toBeUndefined();
});

test("a wait can be aborted", async () => {
  const aborter = new AbortController();
  const limited = await client([answers(429, LIMITED, { "Retry-After": "9" })]);
  const pending = limited.execute({ code: "1" }, { signal: aborter.signal });
  await vi.waitFor(() => expect(server!.received).toHaveLength(1));
  const began = performance.now();
  setTimeout(() => aborter.abort(ENOUGH), 20);
  await expect(pending).rejects.toBe(ENOUGH);
  expect(performance.now() - began).toBeLessThan(5000);
  expect(server!.received).toHaveLength(1);
});

test("a call can be aborted while it waits for its key", async () => {
  const aborter = new AbortController();
  const waiting = await client([answers(200, {})], { key: () => new Promise(() => undefined) });
  const pending = waiting.execute({ code: "1" }, { signal: aborter.signal });
  aborter.abort(ENOUGH);
  await expect(pending).rejects.toBe(ENOUGH);
  await expect(waiting.execute({ code: "1" }, { signal: aborter.signal })).rejects.toBe(ENOUGH);
  expect(server!.received).toHaveLength(0);
});

test("a request can be aborted", async () => {
  const aborter = new AbortController();
  const pending = (await client([() => setTimeout(() => aborter.abort(ENOUGH), 20)])).execute(
    { code: "1" },
    { signal: aborter.signal },
  );
  await expect(pending).rejects.toBe(ENOUGH);
  await vi.waitFor(() => expect(server!.abandoned).toBe(1));
});

test("a stream yields the same events wherever it is split", async () => {
  const image = { format: "png", data: "iVBO", width: 1, height: 2 };
  const text =
    ": \n\n" +
    START +
    'event: stdout\ndata: {"text":"Zoë 🐍"}\n\n' +
    'event: stderr\ndata: {"text":"!"}\n\n' +
    `event: image\ndata: ${JSON.stringify(image)}\n\n` +
    "event: input\ndata: {}\n\n" +
    "event: of_tomorrow\ndata: {}\n\n" +
    'event: test\ndata: {"index":1,"passed":true,"message":"✅"}\n\n' +
    RESULT;
  const bytes = new TextEncoder().encode(text);
  const chunks = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, at) => bytes.slice(at * 7, at * 7 + 7));
  const watched = await client([streams(chunks)]);
  expect(await all(watched.stream({ code: "1", interactive: true }))).toEqual([
    { type: "start", id: "7" },
    { type: "stdout", text: "Zoë 🐍" },
    { type: "stderr", text: "!" },
    { type: "image", image },
    { type: "input" },
    { type: "test", index: 1, result: { passed: true, message: "✅" } },
    { type: "result", answer: { output: "ok" } },
  ]);
  expect(server!.received[0]!.headers.accept).toBe("text/event-stream");
});

test("a refused stream is retried", async () => {
  const watched = await client([answers(503, {}, { "Retry-After": "0" }), streams([START, RESULT])]);
  expect(await all(watched.stream({ code: "1" }))).toHaveLength(2);
});

test("a lost run is an error and is not retried", async () => {
  const error = 'event: error\ndata: {"detail":"Lost.","code":"unavailable"}\n\n';
  const watched = await client([streams([START, error])]);
  expect(await failure(all(watched.stream({ code: "1" })))).toMatchObject({ status: 503, message: "Lost." });
  expect(server!.received).toHaveLength(1);
});

test("a stream that ends without a result is an error", async () => {
  const watched = await client([streams([START])]);
  expect(await failure(all(watched.stream({ code: "1" })))).toMatchObject({ code: "connection_lost" });
});

test("leaving the loop closes the connection", async () => {
  const watched = await client([streams([START], false)]);
  for await (const event of watched.stream({ code: "1" })) {
    expect(event.type).toBe("start");
    break;
  }
  await vi.waitFor(() => expect(server!.abandoned).toBe(1));
});

test("a silent stream can be aborted", async () => {
  const aborter = new AbortController();
  const watched = await client([streams([START], false)]);
  const reading = (async () => {
    for await (const _ of watched.stream({ code: "1" }, { signal: aborter.signal })) {
      setTimeout(() => aborter.abort(ENOUGH), 20);
    }
  })();
  await expect(reading).rejects.toBe(ENOUGH);
  await vi.waitFor(() => expect(server!.abandoned).toBe(1));
});

test("an aborted stream yields no event that has already arrived", async () => {
  const aborter = new AbortController();
  const watched = await client([streams([START + RESULT])]);
  const yielded: string[] = [];
  const reading = (async () => {
    for await (const event of watched.stream({ code: "1" }, { signal: aborter.signal })) {
      yielded.push(event.type);
      aborter.abort(ENOUGH);
    }
  })();
  await expect(reading).rejects.toBe(ENOUGH);
  expect(yielded).toEqual(["start"]);
});

test("input and its end are sent to a program", async () => {
  const { answer } = bound(await client([(response) => response.writeHead(204).end()]));
  await answer("7", "42");
  await answer("../7", { end: true });
  expect(server!.received.map(({ method, path, body }) => [method, path, body])).toEqual([
    ["POST", "/executions/7/input", '{"text":"42"}'],
    ["POST", "/executions/..%2F7/input", '{"end":true}'],
  ]);
});

test("a line of input is sent again with its idempotency key", async () => {
  const asked = await client([
    answers(503, {}, { "Retry-After": "0" }),
    (response) => response.writeHead(204).end(),
  ]);
  await asked.answer("7", "42", { idempotencyKey: "mine" });
  expect(server!.received.map(({ headers }) => headers["idempotency-key"])).toEqual(["mine", "mine"]);
});

test("a server creates tokens and reads executions", async () => {
  const asked = await client([answers(201, { token: "t" }), answers(200, { learner: "ada" })]);
  expect((await asked.createToken({ learner: "ada" })).token).toBe("t");
  expect((await asked.execution("7")).learner).toBe("ada");
  expect(server!.received.map(({ method, path }) => `${method} ${path}`)).toEqual(["POST /tokens", "GET /executions/7"]);
});

function bound(of: CodeExecutionClient) {
  return { execute: of.execute.bind(of), answer: of.answer.bind(of) };
}

test("a program in the background is submitted, and its end waited for", async () => {
  const accepted = { id: "a/b", status: "running" };
  const asked = await client([answers(202, accepted), answers(200, {}), answers(200, {})]);
  expect(await asked.submit({ code: "1" })).toEqual(accepted);
  await asked.execution("a/b", { waitSeconds: 20 });
  await asked.execution("a/b");
  expect(server!.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /executions",
    "GET /executions/a%2Fb?wait=20",
    "GET /executions/a%2Fb",
  ]);
});

test("an idempotency key is repeated until there is an answer", async () => {
  const pending = { detail: "Not yet.", code: "request_in_progress" };
  const asked = await client([answers(409, pending, { "Retry-After": "0" }), answers(200, {}), answers(202, {})]);
  await asked.execute({ code: "1" }, { idempotencyKey: "mine" });
  await asked.submit({ code: "1" }, { idempotencyKey: "other" });
  expect(server!.received.map(({ headers }) => headers["idempotency-key"])).toEqual(["mine", "mine", "other"]);
});

test("a batch has an item for each program", async () => {
  const items = [
    { id: "1", error: null },
    { id: null, error: { detail: "code: no.", code: "invalid", fields: { code: "no." } } },
  ];
  const asked = await client([answers(202, { executions: items })]);
  expect(await asked.submitBatch([{ code: "1" }, { code: "" }], { idempotencyKey: "mine" })).toEqual(items);
  expect(server!.received[0]).toMatchObject({
    path: "/executions/batch",
    body: '{"executions":[{"code":"1"},{"code":""}]}',
  });
});
