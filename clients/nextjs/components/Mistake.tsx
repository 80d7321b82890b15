import type { ErrorDetail } from "@pylearn/code-execution";
import { columns } from "@/lib/columns";

/** Shows a mistake and marks it in its line. */
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
