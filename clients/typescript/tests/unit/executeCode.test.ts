import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { executeCode } from "../../src/index.js";
import { answers, serve } from "./server.js";
import type { Script } from "./server.js";

const KEY = "NEXT_PUBLIC_CODE_EXECUTION_API_KEY";

beforeEach(() => {
  vi.stubEnv(KEY, "k");
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

async function asked(script: Script) {
  const server = await serve(script);
  vi.stubEnv("NEXT_PUBLIC_CODE_EXECUTION_URL", server.url);
  try {
    return { answer: await executeCode({ code: "1" }), received: server.received };
  } finally {
    await server.close();
  }
}

test("the request has the documented headers", async () => {
  const { received } = await asked(answers(200, { test_results: null }));
  expect(received).toHaveLength(1);
  expect(received[0]!.headers).toMatchObject({ "x-api-key": "k", origin: "https://pylearn.net" });
});

test("an answer has the documented types and omits nulls", async () => {
  const result = { passed: true, message: "✅", input: null, expected_output: "8", name: null };
  expect((await asked(answers(200, { output: "", test_results: null }))).answer).toEqual({ output: "" });
  expect((await asked(answers(200, { output: "", test_results: [result] }))).answer.test_results).toEqual([
    { passed: true, message: "✅", expected_output: "8", name: null },
  ]);
});

test("an error is an answer with the documented sentence", async () => {
  const body = '{"detail":"No.","code":"invalid_key"}';
  const { answer, received } = await asked(answers(403, body));
  expect(answer).toEqual({ output: "", error: `Error: API error (403): ${body}`, execution_time: 0 });
  expect(received).toHaveLength(1);
  expect(console.error).toHaveBeenCalledWith("Code execution error:", expect.anything());
});

test("a busy service is an answer, without a retry", async () => {
  const { answer, received } = await asked(answers(503, "busy", { "Retry-After": "0" }));
  expect(answer.error).toBe("Error: API error (503): busy");
  expect(received).toHaveLength(1);
});

test("an unreachable service is an answer", async () => {
  vi.stubEnv("NEXT_PUBLIC_CODE_EXECUTION_URL", "http://127.0.0.1:9");
  const answer = await executeCode({ code: "1" });
  expect(answer).toEqual({ output: "", error: expect.stringMatching(/^Error: \w/), execution_time: 0 });
});

test("a missing key is an answer", async () => {
  vi.stubEnv(KEY, "");
  expect((await executeCode({ code: "1" })).error).toBe("Error: API key not configured");
});

test("a missing process object is an answer", async () => {
  vi.stubGlobal("process", undefined);
  try {
    expect((await executeCode({ code: "1" })).error).toBe("Error: API key not configured");
  } finally {
    vi.unstubAllGlobals();
  }
});
