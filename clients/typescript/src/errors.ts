/** What a caller gets in place of an answer. */

import type { components } from "./schema.js";

type ErrorBody = components["schemas"]["Error"];

interface Details {
  /** The HTTP status; 0 where no answer came. */
  status: number;
  /** What the service calls the error (docs/api.md); or `network_error`, `connection_lost` or `invalid_answer`. */
  code: string;
  fields?: Record<string, string> | undefined;
  retryAfterSeconds?: number | undefined;
  requestId?: string | undefined;
  body?: string | undefined;
  cause?: unknown;
}

/** The request was refused, or its answer did not come. `message` is a sentence for people. */
export class CodeExecutionError extends Error {
  readonly status: number;
  readonly code: string;
  /** What is wrong with each field of the request that is at fault. */
  readonly fields: Readonly<Record<string, string>>;
  /** How long the service asks to wait before the next attempt, if it does. */
  readonly retryAfterSeconds: number | undefined;
  /** Finds the request in the service's log. */
  readonly requestId: string | undefined;
  /** The answer as it came. */
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

  /** Whether the same request may succeed in a while: nothing of it has run, or its result is lost. */
  get isTransient(): boolean {
    return this.status === 503 || this.code === "rate_limited" || this.code === "learner_rate_limited";
  }
}

/** Return the error that a response tells of. A proxy before the service may answer with anything. */
export async function errorOfResponse(response: Response): Promise<CodeExecutionError> {
  const body = await response.text().catch(() => ""); // the status says enough
  const told = parse(body);
  return new CodeExecutionError(told?.detail ?? `The service answered with status ${response.status}.`, {
    status: response.status,
    code: told?.code ?? "invalid_answer",
    fields: told?.fields,
    retryAfterSeconds: seconds(response.headers.get("Retry-After")),
    requestId: response.headers.get("X-Request-ID") ?? undefined,
    body,
  });
}

/** Return the error of an `error` event: the run was lost after its stream had begun. */
export function errorOfEvent(body: ErrorBody): CodeExecutionError {
  const status = body.code === "unavailable" ? 503 : 500;
  return new CodeExecutionError(body.detail, { status, code: body.code, body: JSON.stringify(body) });
}

function parse(body: string): ErrorBody | undefined {
  try {
    const told: unknown = JSON.parse(body);
    const isError = typeof told === "object" && told !== null && "detail" in told && "code" in told;
    return isError ? (told as ErrorBody) : undefined;
  } catch {
    return undefined;
  }
}

/** Return the seconds of a `Retry-After`, which may be a date where a proxy has written it. */
function seconds(header: string | null): number | undefined {
  if (header === null) return undefined;
  const value = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isNaN(value) ? undefined : Math.max(0, value);
}
