/** The service's HTTP API: https://code.pylearn.net/docs/. */

import { environmentUrl } from "./environment.js";
import { CodeExecutionError, errorOfEvent, errorOfResponse } from "./errors.js";
import { readEvents } from "./serverSentEvents.js";
import type { ServerSentEvent } from "./serverSentEvents.js";
import { sleep, unlessAborted } from "./sleep.js";
import type {
  Accepted,
  Answer,
  BackgroundRequest,
  BatchAnswer,
  BatchItem,
  ExecutionEvent,
  ExecutionRequest,
  Input,
  Locale,
  StoredAnswer,
  Token,
  TokenRequest,
} from "./types.js";

const SERVICE_URL = "https://code.pylearn.net";

const RETRIES = 2;
const LONGEST_WAIT_SECONDS = 10;

export interface ClientOptions {
  /** A key or a learner token, or a function that returns one. Tokens expire, so it is called before each request. */
  key: string | (() => string | Promise<string>);
  /** The URL of the service. The default is NEXT_PUBLIC_CODE_EXECUTION_URL if set, or https://code.pylearn.net. */
  url?: string;
  /** The `Origin` that a server sends; publishable keys require one. A browser ignores this and sends its own. */
  origin?: string;
  /** The language of messages for learners, unless a request has its own. The default is English. */
  locale?: Locale | undefined;
  /** How many times to retry a request after a 503 or a rate limit. The default is 2. */
  retries?: number;
  /** The longest `Retry-After` to wait for; a longer one is an error at once. The default is 10. */
  longestWaitSeconds?: number;
}

export interface CallOptions {
  /** Aborts the call and stops its program; the call then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

export interface RunOptions extends CallOptions {
  /** A new value for each request, such as a UUID. For an hour, a request sent again with it gets the same answer. */
  idempotencyKey?: string | undefined;
}

export interface ExecutionOptions extends CallOptions {
  /** How long to wait for the end of a program that is still running: at most 30. The default is 0. */
  waitSeconds?: number | undefined;
}

interface Call extends RunOptions {
  body?: object;
  accept?: string;
}

/** Runs programs. Every method throws a CodeExecutionError if it gets no answer. */
export class CodeExecutionClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Run a program and return its answer. A failed program is an answer, too: see its `status`. */
  async execute(request: ExecutionRequest, options: RunOptions = {}): Promise<Answer> {
    return json<Answer>(await this.#send("/execute", { ...options, body: this.#asked(request) }), options);
  }

  /**
   * Run a program and yield its events as they happen. Leaving the loop stops the program.
   *
   * The last event is `result`. Throws if the run is lost or the connection ends before it.
   */
  async *stream(request: ExecutionRequest, options: CallOptions = {}): AsyncGenerator<ExecutionEvent, void, void> {
    const call = { ...options, body: this.#asked(request), accept: "text/event-stream" };
    const response = await this.#send("/execute", call);
    if (response.body === null) throw lost();
    try {
      for await (const sent of readEvents(response.body)) {
        options.signal?.throwIfAborted(); // yield nothing more, not even events that have arrived
        const event = parseEvent(sent);
        if (event !== undefined) yield event;
        if (event?.type === "result") return;
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      throw error instanceof CodeExecutionError ? error : lost(error);
    }
    throw lost();
  }

  /** Send a line of input to an interactive program, or end its input with `{ end: true }`. */
  async answer(id: string, input: string | Input, options: RunOptions = {}): Promise<void> {
    const body = typeof input === "string" ? { text: input } : input;
    await this.#send(`/executions/${encodeURIComponent(id)}/input`, { ...options, body });
  }

  /** Let a program run in the background. Its answer is that of `execution()`. Requires a secret key. */
  async submit(request: BackgroundRequest, options: RunOptions = {}): Promise<Accepted> {
    return json<Accepted>(await this.#send("/executions", { ...options, body: this.#asked(request) }), options);
  }

  /** Let up to 100 programs run in the background. The results are in the same order. Requires a secret key. */
  async submitBatch(requests: BackgroundRequest[], options: RunOptions = {}): Promise<BatchItem[]> {
    const executions = requests.map((request) => this.#asked(request));
    const response = await this.#send("/executions/batch", { ...options, body: { executions } });
    return (await json<BatchAnswer>(response, options)).executions;
  }

  /** Return a recorded execution, after waiting for its end if asked to. Requires a secret key. */
  async execution(id: string, { waitSeconds, ...options }: ExecutionOptions = {}): Promise<StoredAnswer> {
    const query = waitSeconds === undefined ? "" : `?wait=${waitSeconds}`;
    return json<StoredAnswer>(await this.#send(`/executions/${encodeURIComponent(id)}${query}`, options), options);
  }

  /** Create a token for one learner's page. Requires a secret key. */
  async createToken(request: TokenRequest, options: CallOptions = {}): Promise<Token> {
    return json<Token>(await this.#send("/tokens", { ...options, body: request }), options);
  }

  #asked<Request extends BackgroundRequest>(request: Request): Request {
    const { locale } = this.#options;
    return locale === undefined ? request : { locale, ...request };
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
      "X-API-Key": typeof key === "string" ? key : await unlessAborted(key(), call.signal),
      Accept: call.accept ?? "application/json",
    };
    if (call.body !== undefined) headers["Content-Type"] = "application/json";
    if (call.idempotencyKey !== undefined) headers["Idempotency-Key"] = call.idempotencyKey;
    // Browsers silently ignore this header, which pages may not set, and send their own.
    if (origin !== undefined) headers["Origin"] = origin;
    try {
      return await fetch(url.replace(/\/+$/, "") + path, {
        method: call.body === undefined ? "GET" : "POST",
        headers,
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal: call.signal ?? null,
        cache: "no-store", // Next.js may cache the responses of its fetch
        redirect: "error", // no other server may get the key
      });
    } catch (error) {
      call.signal?.throwIfAborted();
      throw new CodeExecutionError(sentence(error), { status: 0, code: "network_error", cause: error });
    }
  }
}

/** Parse an event. Return undefined for a kind of event that only a newer service sends. */
function parseEvent({ name, data }: ServerSentEvent): ExecutionEvent | undefined {
  const body = JSON.parse(data);
  switch (name) {
    case "start":
      return { type: name, id: body.id };
    case "stdout":
    case "stderr":
      return { type: name, text: body.text };
    case "image":
      return { type: name, image: body };
    case "drawing":
      return { type: name, strokes: body.strokes };
    case "input":
      return { type: name };
    case "test": {
      const { index, ...result } = body;
      return { type: name, index, result };
    }
    case "result":
      return { type: name, answer: body };
    case "error":
      throw errorOfEvent(body);
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
