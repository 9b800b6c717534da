import type { Row } from "./row.ts";

const number = (value: number): string =>
  value >= 1000
    ? Math.round(value).toLocaleString("en-US")
    : String(Math.round(value * (value < 10 ? 1000 : 10)) / (value < 10 ? 1000 : 10));

function cells(row: Row): string[] {
  const { name, value, unit, goal, met, peer, peer_value: peerValue, ratio, runs } = row;
  const against = peer === null ? "" : peerValue === null ? peer : `${peer} ${number(peerValue)}`;
  return [
    name,
    number(value),
    unit,
    runs.length > 1 ? `${number(Math.min(...runs))}..${number(Math.max(...runs))}` : "",
    goal === null ? "" : number(goal),
    met === null ? "" : met ? "yes" : "NO",
    against,
    ratio === null ? "" : `${number(ratio)}x`,
  ];
}

const heads = ["what", "value", "unit", "min..max", "goal", "met", "peer", "ratio"];
const right = new Set([1, 3, 4, 7]);

/** The rows as text in columns, the machine above them. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [heads, ...rows.map(cells)];
  const widths = heads.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, at) => (right.has(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return `${[rows[0]?.machine ?? "", ...text].join("\n")}\n`;
}
