import type { ErrorDetail } from "@pylearn/code-execution";

/** Return where to mark, in UTF-16 units of the line from 0; the whole line where no columns are known. */
export function columns({ column, end_column }: ErrorDetail, line: string): [number, number] {
  const units = (characters: number) => [...line].slice(0, characters).join("").length;
  return column && end_column ? [units(column - 1), units(end_column - 1)] : [0, line.length];
}
