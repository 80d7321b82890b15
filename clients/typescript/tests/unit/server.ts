/** A server that says what a test has it say, chunk by chunk. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  method: string | undefined;
  path: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface ScriptedServer {
  url: string;
  received: Received[];
  /** How many connections were closed before their answer had ended. */
  abandoned: number;
  close(): Promise<void>;
}

export type Script = (response: ServerResponse, received: Received) => unknown;

/** Answer the first request by the first script, and all after the last script by the last. */
export async function serve(...scripts: [Script, ...Script[]]): Promise<ScriptedServer> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    response.on("close", () => response.writableEnded || scripted.abandoned++);
    let body = "";
    for await (const chunk of request) body += chunk;
    const told = { method: request.method, path: request.url, headers: request.headers, body };
    const script = scripts[Math.min(received.push(told), scripts.length) - 1];
    await script?.(response, told);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const scripted: ScriptedServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    abandoned: 0,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return scripted;
}

export function answers(status: number, body: unknown, headers: Record<string, string> = {}): Script {
  return (response) => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}

/** Send chunks with a pause after each, so that each comes by itself, and end unless told not to. */
export function streams(chunks: Iterable<Uint8Array | string>, ends = true): Script {
  return async (response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    for (const chunk of chunks) {
      await new Promise((resolve) => response.write(chunk, resolve));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    if (ends) response.end();
  };
}
