/** Reads server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html. */

export interface ServerSentEvent {
  name: string;
  data: string;
}

/** Yield each event when it is complete. An incomplete event at the end of the body is dropped. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent, void, void> {
  const event: { name: string; data: string[] } = { name: "message", data: [] };
  for await (const line of readLines(body)) {
    if (line === "") {
      if (event.data.length > 0) yield { name: event.name, data: event.data.join("\n") };
      event.name = "message";
      event.data = [];
      continue;
    }
    // A line that begins with a colon is a comment: its name is empty, so it is ignored.
    const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/su.exec(line) ?? [];
    if (name === "event") event.name = value;
    if (name === "data") event.data.push(value);
  }
}

/** Yield the lines of a body. Its chunks may end anywhere, even within a line break or a character. */
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
    // If the caller stops reading, close the connection, which stops the program.
    await reader.cancel().catch(() => undefined);
  }
}
