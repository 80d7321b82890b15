import type { ErrorDetail } from "@pylearn/code-execution";
import { columns } from "@/lib/columns";

/** Shows what went wrong, with the line, and marked in it what is to blame. */
export function Mistake({ mistake }: { mistake: ErrorDetail }) {
  const { line, source, type, message, hint } = mistake;
  const [start, end] = columns(mistake, source ?? "");
  return (
    <div role="alert">
      <p>
        {line !== null && `Line ${line}: `}
        {type}: {message}
      </p>
      {source !== null && (
        <pre>
          {source.slice(0, start)}
          <mark>{source.slice(start, end)}</mark>
          {source.slice(end)}
        </pre>
      )}
      {hint !== null && <p>{hint}</p>}
    </div>
  );
}
