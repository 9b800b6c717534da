import { escapeForeign } from "./escape.ts";
import { cutToWidth, padToWidth, widthOf } from "./width.ts";

/** One column of a table over rows of type `Row`. */
export interface Column<Row> {
  readonly title: string;
  /** The cell's text; it may come from outside, the table escapes it. */
  readonly cell: (row: Row) => string;
  readonly align?: "left" | "right";
  /** Fewest columns that it may be cut to when the table is too wide; without it, it is never cut. */
  readonly least?: number;
  /** Colours the finished cell; its own escape sequences are kept and have no width. */
  readonly paint?: (text: string, row: Row) => string;
}

export interface TableOptions {
  /** Widest line in terminal columns; default unlimited. */
  readonly width?: number;
  /** False leaves the line of titles out. */
  readonly titles?: boolean;
}

const gap = "  ";

function shrink(widths: number[], least: readonly number[], limit: number): void {
  let excess = widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1)) - limit;
  while (excess > 0) {
    let widest = -1;
    for (const [at, width] of widths.entries())
      if (width > (least[at] ?? 0) && (widest < 0 || width > (widths[widest] ?? 0))) widest = at;
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess--;
  }
}

/**
 * Rows as aligned lines, without a newline at the end; cells are escaped for a terminal. When the lines would be wider
 * than `width`, the widest columns that may be cut are cut first; below their `least` the line stays too wide.
 */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: TableOptions = {},
): string {
  const titles = options.titles !== false;
  const cells = rows.map((row) =>
    columns.map((column) => escapeForeign(column.cell(row), { form: "terminal" })),
  );
  const widths = columns.map((column, at) =>
    cells.reduce((most, line) => Math.max(most, widthOf(line[at] ?? "")), titles ? widthOf(column.title) : 0),
  );
  const least = columns.map((column, at) => column.least ?? widths[at] ?? 0);
  if (options.width !== undefined) shrink(widths, least, options.width);
  const shape = (text: string, at: number) => {
    const fitted = cutToWidth(text, widths[at] ?? 0);
    const last = at === columns.length - 1 && columns[at]?.align !== "right";
    return last ? fitted : padToWidth(fitted, widths[at] ?? 0, columns[at]?.align);
  };
  const lines = titles ? [columns.map((column, at) => shape(column.title, at)).join(gap)] : [];
  for (const [number, row] of rows.entries())
    lines.push(
      columns
        .map((column, at) => {
          const text = shape(cells[number]?.[at] ?? "", at);
          return column.paint ? column.paint(text, row) : text;
        })
        .join(gap),
    );
  return lines.map((line) => line.trimEnd()).join("\n");
}
