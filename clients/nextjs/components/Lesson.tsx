"use client";
import { useEffect, useRef, type DetailedHTMLProps, type HTMLAttributes } from "react";
import type { TestCase } from "@pylearn/code-execution";
import type { PyRunner } from "@pylearn/code-execution/py-runner";
import { key } from "@/lib/code";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "py-runner": DetailedHTMLProps<HTMLAttributes<PyRunner>, PyRunner> & { exercise?: string; tests?: string };
    }
  }
}

export function Lesson({ exercise, program, tests }: { exercise: string; program: string; tests: TestCase[] }) {
  const runner = useRef<PyRunner>(null);
  useEffect(() => {
    runner.current!.apiKey = key;
    void import("@pylearn/code-execution/py-runner");
  }, []);
  return (
    <py-runner ref={runner} exercise={exercise} tests={JSON.stringify(tests)}>
      {program}
    </py-runner>
  );
}
