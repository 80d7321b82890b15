/** `executeCode()` as the site's components call it. It always returns an answer, even for an error. */

import { CodeExecutionClient } from "./client.js";
import { environmentKey } from "./environment.js";
import { CodeExecutionError } from "./errors.js";
import type * as service from "./types.js";

export interface TestCase {
  input?: string;
  expected_output?: string;
  code?: string;
  name?: string;
  stdin?: string;
  match?: "exact" | "contains" | "float";
  hidden?: boolean;
}

export interface CodeExecutionRequest {
  code: string;
  language?: string;
  input_data?: string;
  test_cases?: TestCase[];
  timeout?: number;
  locale?: service.Locale;
}

type Documented = "passed" | "message" | "input" | "expected_output";

export interface TestResult extends Partial<Omit<service.TestResult, Documented>> {
  passed: boolean;
  message: string;
  input?: string;
  expected_output?: string;
}

/** If the program was run, there are more fields than the first four. */
export interface CodeExecutionResponse extends Partial<Omit<service.Answer, "test_results">> {
  output: string;
  error: string;
  execution_time: number;
  test_results?: TestResult[];
}

/**
 * Run a program with the key in NEXT_PUBLIC_CODE_EXECUTION_API_KEY, at NEXT_PUBLIC_CODE_EXECUTION_URL if it is set.
 *
 * Never throws: errors are logged and returned as the answer's `error`.
 */
export async function executeCode(request: CodeExecutionRequest): Promise<CodeExecutionResponse> {
  try {
    const key = environmentKey();
    if (!key) throw new Error("API key not configured");
    const client = new CodeExecutionClient({ key, origin: "https://pylearn.net", retries: 0 });
    return withoutNulls(await client.execute(request as service.ExecutionRequest));
  } catch (error) {
    console.error("Code execution error:", error);
    return { output: "", error: `Error: ${sentence(error)}`, execution_time: 0 };
  }
}

/** Omit null fields that are optional in the documented type. */
function withoutNulls(answer: service.Answer): CodeExecutionResponse {
  const { test_results, ...rest } = answer;
  if (test_results === null) return rest;
  return { ...rest, test_results: test_results.map(resultWithoutNulls) };
}

function resultWithoutNulls({ input, expected_output, ...rest }: service.TestResult): TestResult {
  return { ...rest, ...(input !== null && { input }), ...(expected_output !== null && { expected_output }) };
}

function sentence(error: unknown): string {
  if (error instanceof CodeExecutionError && error.status !== 0) return `API error (${error.status}): ${error.body}`;
  return error instanceof Error ? error.message : String(error);
}
