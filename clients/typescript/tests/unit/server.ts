/** A server that answers with a test's script, chunk by chunk. */

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
  /** How many connections were closed before the end of their response. */
  abandoned: number;
  close(): Promise<void>;
}

export type Script = (response: ServerResponse, received: Received) => unknown;

/** Answer each request with the next script, and all further requests with the last script. */
export async function serve(...scripts: [Script, ...Script[]]): Promise<ScriptedServer> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    response.on("close", () => response.writableEnded || scripted.abandoned++);
    let body = "";
    for await (const chunk of request) body += chunk;
    const sent = { method: request.method, path: request.url, headers: request.headers, body };
    const script = scripts[Math.min(received.push(sent), scripts.length) - 1];
    await script?.(response, sent);
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

/** Send chunks with a pause after each, so that they arrive separately; then end the response if `ends`. */
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
