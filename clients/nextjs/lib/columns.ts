import type { ErrorDetail } from "@pylearn/code-execution";

/** Return the range to mark, in UTF-16 units from 0; the whole line if the columns are unknown. */
export function columns({ column, end_column }: Pick<ErrorDetail, "column" | "end_column">, line: string): [number, number] {
  const units = (characters: number) => [...line].slice(0, characters).join("").length;
  return column && end_column ? [units(column - 1), units(end_column - 1)] : [0, line.length];
}
