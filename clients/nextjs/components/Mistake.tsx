import type { ErrorDetail } from "@pylearn/code-execution";
import { columns } from "@/lib/columns";

/** Shows a mistake and marks it in its line. */
export function Mistake({ mistake }: { mistake: ErrorDetail }) {
  const { type, message, hint, file } = mistake;
  const { line, source } = file ?? mistake;
  const [start, end] = columns(file ?? mistake, source ?? "");
  return (
    <div role="alert">
      <p>
        {line !== null && `Line ${line}${file ? ` of ${file.name}` : ""}: `}
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
