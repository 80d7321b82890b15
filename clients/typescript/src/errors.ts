/** The errors that a caller may get instead of an answer. */

import type { components } from "./schema.js";

type ErrorBody = components["schemas"]["Error"];

const TRANSIENT = ["rate_limited", "learner_rate_limited", "request_in_progress"];

interface Details {
  /** The HTTP status, or 0 if there was no response. */
  status: number;
  /** The service's code for the error (docs/api.md), or `network_error`, `connection_lost` or `invalid_answer`. */
  code: string;
  fields?: Record<string, string> | undefined;
  retryAfterSeconds?: number | undefined;
  requestId?: string | undefined;
  body?: string | undefined;
  cause?: unknown;
}

/** The request was refused or its answer was lost. `message` is a sentence for people. */
export class CodeExecutionError extends Error {
  readonly status: number;
  readonly code: string;
  /** What is wrong with each invalid field of the request. */
  readonly fields: Readonly<Record<string, string>>;
  /** How long to wait before the next attempt, if the service says so. */
  readonly retryAfterSeconds: number | undefined;
  /** Identifies the request in the service's log. */
  readonly requestId: string | undefined;
  /** The body of the response. */
  readonly body: string;

  constructor(message: string, details: Details) {
    super(message, { cause: details.cause });
    this.name = "CodeExecutionError";
    this.status = details.status;
    this.code = details.code;
    this.fields = details.fields ?? {};
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.requestId = details.requestId;
    this.body = details.body ?? "";
  }

  /** Whether the same request may succeed later: its program has not run or still runs, or its result is lost. */
  get isTransient(): boolean {
    return this.status === 503 || TRANSIENT.includes(this.code);
  }
}

/** Return the error that a response describes. A proxy in front of the service may answer with anything. */
export async function errorOfResponse(response: Response): Promise<CodeExecutionError> {
  const body = await response.text().catch(() => ""); // the status is enough
  const error = parse(body);
  return new CodeExecutionError(error?.detail ?? `The service answered with status ${response.status}.`, {
    status: response.status,
    code: error?.code ?? "invalid_answer",
    fields: error?.fields,
    retryAfterSeconds: seconds(response.headers.get("Retry-After")),
    requestId: response.headers.get("X-Request-ID") ?? undefined,
    body,
  });
}

/** Return the error of an `error` event: the run was lost after the stream had started. */
export function errorOfEvent(body: ErrorBody): CodeExecutionError {
  const status = body.code === "unavailable" ? 503 : 500;
  return new CodeExecutionError(body.detail, { status, code: body.code, body: JSON.stringify(body) });
}

function parse(body: string): ErrorBody | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    const isError = typeof parsed === "object" && parsed !== null && "detail" in parsed && "code" in parsed;
    return isError ? (parsed as ErrorBody) : undefined;
  } catch {
    return undefined;
  }
}

/** Return the seconds of a `Retry-After`. One from a proxy may be a date. */
function seconds(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header);
  const value = /[a-z]/i.test(header) ? (Date.parse(header) - Date.now()) / 1000 : NaN; // "-5" is a date for a browser
  return Number.isNaN(value) ? undefined : Math.max(0, value);
}
