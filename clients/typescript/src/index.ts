/** Runs Python programs on pylearn.net's code execution service. */

export { CodeExecutionClient } from "./client.js";
export type { CallOptions, ClientOptions, ExecutionOptions, RunOptions } from "./client.js";
export { CodeExecutionError } from "./errors.js";
export { executeCode } from "./executeCode.js";
export type { CodeExecutionRequest, CodeExecutionResponse } from "./executeCode.js";
export type {
  Accepted,
  Answer,
  BackgroundRequest,
  BatchItem,
  CollectedFile,
  ErrorDetail,
  ExecutionEvent,
  ExecutionRequest,
  Image,
  Input,
  Locale,
  NotCollected,
  StoredAnswer,
  Stroke,
  TestCase,
  TestResult,
  Token,
  TokenRequest,
} from "./types.js";
