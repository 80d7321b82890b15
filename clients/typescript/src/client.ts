/** The service's HTTP API: https://code.pylearn.net/docs/. */

import { environmentUrl } from "./environment.js";
import { CodeExecutionError, errorOfEvent, errorOfResponse } from "./errors.js";
import { readEvents } from "./serverSentEvents.js";
import type { ServerSentEvent } from "./serverSentEvents.js";
import type {
  Answer,
  ExecutionEvent,
  ExecutionRequest,
  Input,
  StoredAnswer,
  Token,
  TokenRequest,
} from "./types.js";

const SERVICE_URL = "https://code.pylearn.net";

const RETRIES = 2;
const LONGEST_WAIT_SECONDS = 10;

export interface ClientOptions {
  /** A key or a learner token; or a function that returns one, asked before each request: tokens end. */
  key: string | (() => string | Promise<string>);
  /** Where the service is, by default NEXT_PUBLIC_CODE_EXECUTION_URL or else https://code.pylearn.net. */
  url?: string;
  /** What a server sends as `Origin`, which a publishable key needs. A browser sends its own, whatever this says. */
  origin?: string;
  /** How often a request is sent again after a 503 or a rate limit, by default twice. */
  retries?: number;
  /** The longest `Retry-After` that is waited for, by default 10; a longer one is an error at once. */
  longestWaitSeconds?: number;
}

export interface CallOptions {
  /** Ends the call, and with it the program; the call then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

interface Call extends CallOptions {
  body?: object;
  accept?: string;
}

/** Runs programs. Every method throws a CodeExecutionError where there is no answer. */
export class CodeExecutionClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Run a program and return what it did. A program that fails is an answer too: see its `status`. */
  async execute(request: ExecutionRequest, options: CallOptions = {}): Promise<Answer> {
    return json<Answer>(await this.#send("/execute", { ...options, body: request }), options);
  }

  /**
   * Run a program and yield what happens as it happens. Leaving the loop ends the program.
   *
   * The last event is `result`. A run that is lost throws, as does a connection that ends before.
   */
  async *stream(request: ExecutionRequest, options: CallOptions = {}): AsyncGenerator<ExecutionEvent, void, void> {
    const response = await this.#send("/execute", { ...options, body: request, accept: "text/event-stream" });
    if (response.body === null) throw lost();
    try {
      for await (const sent of readEvents(response.body)) {
        options.signal?.throwIfAborted(); // what has come already is not told any more
        const event = toldBy(sent);
        if (event !== undefined) yield event;
        if (event?.type === "result") return;
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      throw error instanceof CodeExecutionError ? error : lost(error);
    }
    throw lost();
  }

  /** Give an interactive program a line, or with `{ end: true }` the end of its input. */
  async answer(id: string, input: string | Input, options: CallOptions = {}): Promise<void> {
    const body = typeof input === "string" ? { text: input } : input;
    await this.#send(`/executions/${encodeURIComponent(id)}/input`, { ...options, body });
  }

  /** Return what is on record of an execution. For a server with a secret key. */
  async execution(id: string, options: CallOptions = {}): Promise<StoredAnswer> {
    return json<StoredAnswer>(await this.#send(`/executions/${encodeURIComponent(id)}`, options), options);
  }

  /** Make a token for the page of one learner. For a server with a secret key. */
  async createToken(request: TokenRequest, options: CallOptions = {}): Promise<Token> {
    return json<Token>(await this.#send("/tokens", { ...options, body: request }), options);
  }

  /** Return the first good response, or throw the last error. */
  async #send(path: string, call: Call): Promise<Response> {
    const { retries = RETRIES, longestWaitSeconds = LONGEST_WAIT_SECONDS } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const response = await this.#fetch(path, call);
      if (response.ok) return response;
      const error = await errorOfResponse(response);
      const waitSeconds = error.retryAfterSeconds ?? 1;
      if (!error.isTransient || attempt >= retries || waitSeconds > longestWaitSeconds) throw error;
      await sleep(waitSeconds, call.signal);
    }
  }

  async #fetch(path: string, call: Call): Promise<Response> {
    const { key, url = environmentUrl() || SERVICE_URL, origin } = this.#options;
    const headers: Record<string, string> = {
      "X-API-Key": typeof key === "string" ? key : await key(),
      Accept: call.accept ?? "application/json",
    };
    if (call.body !== undefined) headers["Content-Type"] = "application/json";
    // Browsers overlook it without a word: there it is a forbidden header, and they send their own.
    if (origin !== undefined) headers["Origin"] = origin;
    try {
      return await fetch(url.replace(/\/+$/, "") + path, {
        method: call.body === undefined ? "GET" : "POST",
        headers,
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal: call.signal ?? null,
        cache: "no-store", // Next.js may keep what its fetch gets
        redirect: "error", // the key is for the service alone
      });
    } catch (error) {
      call.signal?.throwIfAborted();
      throw new CodeExecutionError(sentence(error), { status: 0, code: "network_error", cause: error });
    }
  }
}

/** Return what an event tells; nothing for one that a newer service may add. */
function toldBy({ name, data }: ServerSentEvent): ExecutionEvent | undefined {
  const told = JSON.parse(data);
  switch (name) {
    case "start":
      return { type: name, id: told.id };
    case "stdout":
    case "stderr":
      return { type: name, text: told.text };
    case "image":
      return { type: name, image: told };
    case "input":
      return { type: name };
    case "test": {
      const { index, ...result } = told;
      return { type: name, index, result };
    }
    case "result":
      return { type: name, answer: told };
    case "error":
      throw errorOfEvent(told);
    default:
      return undefined;
  }
}

async function json<Body>(response: Response, { signal }: CallOptions): Promise<Body> {
  let body = "";
  try {
    body = await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    throw lost(error);
  }
  try {
    return JSON.parse(body);
  } catch (cause) {
    const details = { status: response.status, code: "invalid_answer", body, cause };
    throw new CodeExecutionError("The answer is not JSON.", details);
  }
}

function lost(cause?: unknown): CodeExecutionError {
  const details = { status: 0, code: "connection_lost", cause };
  return new CodeExecutionError("The connection ended before the program did.", details);
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Wait; throw the signal's reason as soon as it is aborted. */
function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, seconds * 1000);
    if (signal?.aborted) end();
    else signal?.addEventListener("abort", end, { once: true });
  });
}
