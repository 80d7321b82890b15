/** Server-sent events, read from a body: https://html.spec.whatwg.org/multipage/server-sent-events.html. */

export interface ServerSentEvent {
  name: string;
  data: string;
}

/** Yield each event when its last line is here. A body that ends within an event has not told it. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent, void, void> {
  const event: { name: string; data: string[] } = { name: "message", data: [] };
  for await (const line of readLines(body)) {
    if (line === "") {
      if (event.data.length > 0) yield { name: event.name, data: event.data.join("\n") };
      event.name = "message";
      event.data = [];
      continue;
    }
    // A line that begins with a colon is a comment: its name is empty, and nobody asks for it.
    const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/su.exec(line) ?? [];
    if (name === "event") event.name = value;
    if (name === "data") event.data.push(value);
  }
}

/** Yield the lines of a body, whose chunks may end anywhere: within a line's end, or within a character. */
async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const reader = body.getReader(); // Safari cannot iterate over a stream
  const decoder = new TextDecoder();
  let unread = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      unread += decoder.decode(value, { stream: true });
      const lines = unread.split(/\r\n|\n|\r(?!$)/); // a \r at the very end may be half of a \r\n
      unread = lines.pop() ?? "";
      yield* lines;
    }
  } finally {
    // Who stops to read closes the connection, which ends the program.
    await reader.cancel().catch(() => undefined);
  }
}
