/** One figure with the labels that tell it from its siblings. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Counts up to each bound, the last without one, and the sum of what was counted. */
export interface Histogram {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Figures of one name, in base units: seconds, bytes, counts. */
export interface Family {
  /** `skep_…`; of a counter it ends with `_total`. */
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly samples?: readonly Sample[];
  readonly histogram?: Histogram;
}

const escaped = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');

function line(name: string, { labels, value }: Sample): string {
  const told = Object.entries(labels ?? {}).map(([key, text]) => `${key}="${escaped(text)}"`);
  return `${name}${told.length > 0 ? `{${told.join(",")}}` : ""} ${value}\n`;
}

function histogramLines(name: string, { bounds, counts, sum }: Histogram): string {
  let below = 0;
  const lines = counts.map((count, at) => {
    below += count;
    return line(`${name}_bucket`, { labels: { le: String(bounds[at] ?? "+Inf") }, value: below });
  });
  return `${lines.join("")}${line(`${name}_sum`, { value: sum })}${line(`${name}_count`, { value: below })}`;
}

/** Figures in the text format of Prometheus, version 0.0.4. */
export function printFamilies(families: readonly Family[]): string {
  return families
    .map(({ name, help, kind, samples = [], histogram }) => {
      const head = `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${kind}\n`;
      const body = histogram
        ? histogramLines(name, histogram)
        : samples.map((sample) => line(name, sample)).join("");
      return head + body;
    })
    .join("");
}
