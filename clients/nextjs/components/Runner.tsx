"use client";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { CodeExecutionError, type Answer, type Image, type TestCase, type TestResult } from "@pylearn/code-execution";
import { Mistake } from "@/components/Mistake";
import { code } from "@/lib/code";

export function Runner({ tests }: { tests: TestCase[] }) {
  const [program, setProgram] = useState("");
  const [output, setOutput] = useState("");
  const [images, setImages] = useState<Image[]>([]);
  const [results, setResults] = useState<TestResult[]>([]);
  const [answer, setAnswer] = useState<Answer>();
  const [failure, setFailure] = useState("");
  const [waitingId, setWaitingId] = useState(""); // the execution that is waiting for input
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  async function run() {
    running.current?.abort();
    const { signal } = (running.current = new AbortController());
    setOutput("");
    setImages([]);
    setResults([]);
    setAnswer(undefined);
    setFailure("");
    setWaitingId("");
    let id = "";
    try {
      for await (const event of code.stream({ code: program, test_cases: tests, interactive: true }, { signal })) {
        if (event.type === "start") id = event.id;
        if (event.type === "stdout" || event.type === "stderr") setOutput((text) => text + event.text);
        if (event.type === "image") setImages((all) => [...all, event.image]);
        if (event.type === "input") setWaitingId(id);
        if (event.type === "test") setResults((all) => [...all, event.result]);
        if (event.type === "result") setAnswer(event.answer);
      }
    } catch (error) {
      if (signal.aborted) return;
      setFailure(error instanceof CodeExecutionError ? error.message : "The program could not be run.");
    }
    setWaitingId("");
  }

  function stop() {
    running.current?.abort();
    setWaitingId("");
  }

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const line = String(new FormData(event.currentTarget).get("line"));
    const { signal } = running.current!;
    setWaitingId("");
    setFailure("");
    setOutput((text) => `${text}${line}\n`);
    try {
      await code.answer(waitingId, line, { signal });
    } catch (error) {
      if (signal.aborted || (error instanceof CodeExecutionError && error.status === 404)) return; // it has ended
      setFailure(error instanceof CodeExecutionError ? error.message : "The line could not be sent.");
      setWaitingId(waitingId);
    }
  }

  return (
    <section>
      <textarea aria-label="Program" spellCheck={false} value={program} onChange={(e) => setProgram(e.target.value)} />
      <button onClick={run}>Run</button>
      <button onClick={stop}>Stop</button>
      <pre aria-live="polite">{output}</pre>
      {waitingId && (
        <form onSubmit={send}>
          <input name="line" aria-label="Input" autoFocus />
        </form>
      )}
      {images.map((image, index) => (
        <figure key={index}>
          <img src={`data:image/png;base64,${image.data}`} width={image.width} alt={`Figure ${index + 1}`} />
          {image.test_index !== null && <figcaption>Test {image.test_index + 1}</figcaption>}
        </figure>
      ))}
      {answer?.error_detail && <Mistake mistake={answer.error_detail} />}
      <ul>
        {(answer?.test_results ?? results).map((result, index) => (
          <li key={index}>
            {result.message}
            {result.diff && <pre>{result.diff}</pre>}
          </li>
        ))}
      </ul>
      {failure && <p role="alert">{failure}</p>}
    </section>
  );
}
