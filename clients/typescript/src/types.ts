/** The types of requests and answers, named as in the OpenAPI schema. `schema.ts` is generated from it. */

import type { components } from "./schema.js";

type Schemas = components["schemas"];

export type ExecutionRequest = Schemas["ExecutionRequest"];
export type Locale = NonNullable<ExecutionRequest["locale"]>;
export type BackgroundRequest = Schemas["BackgroundRequest"];
export type Accepted = Schemas["Accepted"];
export type BatchAnswer = Schemas["BatchAnswer"];
export type BatchItem = Schemas["BatchItem"];
export type TestCase = Schemas["TestCase"];
export type SentFile = Schemas["File"];
export type Answer = Schemas["Answer"];
export type StoredAnswer = Schemas["StoredAnswer"];
export type TestResult = Schemas["TestResult"];
export type ErrorDetail = Schemas["ErrorDetail"];
export type CollectedFile = Schemas["CollectedFile"];
export type NotCollected = Schemas["NotCollected"];
export type Image = Schemas["Image"];
export type Trace = Schemas["Trace"];
export type Step = Schemas["Step"];
export type Input = Schemas["Input"];
export type TokenRequest = Schemas["TokenRequest"];
export type Token = Schemas["Token"];

/** A test case as it is written into `<py-runner>`: its other fields, if it has any, are those of a `TestCase`. */
export interface WrittenTest extends Omit<TestCase, "input"> {
  input: string;
  expected: string;
}

/**
 * What a turtle draws. `points` are x, y, x, y …, in pixels from the upper left corner. `width` is that of a line, the
 * diameter of a dot, or the height of a text's letters. `clear` begins again: on a sheet of this color, of the size in
 * `points`.
 */
export interface Stroke {
  kind: "clear" | "line" | "area" | "dot" | "text";
  color: string;
  width: number;
  points: number[];
  text: string;
  align: "left" | "center" | "right";
}

/** The events of a running program. The first is `start`, the last `result`. */
export type ExecutionEvent =
  | { type: "start"; id: string }
  | { type: "stdout"; text: string }
  | { type: "stderr"; text: string }
  | { type: "image"; image: Image }
  | { type: "drawing"; strokes: Stroke[] }
  /** An interactive program waits for `client.answer()`. */
  | { type: "input" }
  | { type: "test"; index: number; result: TestResult }
  | { type: "result"; answer: Answer };
