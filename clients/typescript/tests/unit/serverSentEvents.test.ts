import { expect, test } from "vitest";

import { readEvents } from "../../src/serverSentEvents.js";

/** Three events as the service writes them, and other forms that the standard allows. */
const STREAM =
  ": \n\n" +
  'event: stdout\ndata: {"text":"Zoë 🐍 \\n\\n data: x"}\n\n' +
  "event: input\r\ndata: {}\r\n\r\n" +
  "retry: 10\nid\ndata:one\rdata: two\r\r" +
  "event: none\n\n" +
  "event: cut\ndata: off";
const EVENTS = [
  { name: "stdout", data: '{"text":"Zoë 🐍 \\n\\n data: x"}' },
  { name: "input", data: "{}" },
  { name: "message", data: "one\ntwo" },
];

async function read(chunks: Uint8Array[]) {
  const found = [];
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      chunks.forEach((chunk) => controller.enqueue(chunk));
      controller.close();
    },
  });
  for await (const event of readEvents(body)) found.push(event);
  return found;
}

test("the events are the same wherever the stream is split", async () => {
  const bytes = new TextEncoder().encode(STREAM);
  for (let at = 0; at <= bytes.length; at++) {
    expect(await read([bytes.slice(0, at), bytes.slice(at)]), `split at ${at}`).toEqual(EVENTS);
  }
});

test("chunks of one byte give the same events", async () => {
  const bytes = new TextEncoder().encode(STREAM);
  expect(await read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(EVENTS);
});

test("leaving the loop cancels the body", async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
    cancel: () => void (cancelled = true),
  });
  for await (const event of readEvents(body)) {
    expect(event.data).toBe("1");
    break;
  }
  expect(cancelled).toBe(true);
});
