/** What one metric of a hive says at a moment, label by label. */
export interface Family {
  readonly name: string;
  readonly doc: string;
  /** A counter is shown as what it grows by in a second. */
  readonly isCounter: boolean;
  /** Value by labels, as they are written; empty for none. */
  readonly values: ReadonlyMap<string, number>;
}

/** Reads Prometheus text; histograms and what is no number are left out. */
export function familiesOf(text: string): readonly Family[] {
  const found = new Map<string, Family & { readonly values: Map<string, number> }>();
  const docs = new Map<string, string>();
  const kinds = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, word, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === "HELP") docs.set(name, rest);
    if (word === "TYPE") kinds.set(name, rest);
    const [, metric = "", labels = "", value = ""] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const kind = kinds.get(metric);
    if (metric === "" || (kind !== "counter" && kind !== "gauge") || !Number.isFinite(Number(value)))
      continue;
    let family = found.get(metric);
    if (!family) {
      family = {
        name: metric,
        doc: docs.get(metric) ?? "",
        isCounter: kind === "counter",
        values: new Map(),
      };
      found.set(metric, family);
    }
    family.values.set(labels.replaceAll('"', ""), Number(value));
  }
  return [...found.values()];
}

/** A line of telemetry as numbers with names: fields of JSON, `name=number` words, or one bare number. */
export function numbersOf(line: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  if (line.startsWith("{")) {
    try {
      collect(JSON.parse(line), "", found);
    } catch {
      // No JSON: a line of words that begins with a brace.
    }
    return found;
  }
  for (const [, name = "", value] of line.matchAll(/([\w.]+)=(-?\d+(?:\.\d+)?)(?![\w.])/g))
    found.set(name, Number(value));
  if (found.size === 0 && /^-?\d+(\.\d+)?$/.test(line.trim())) found.set("value", Number(line));
  return found;
}

function collect(value: unknown, path: string, into: Map<string, number>): void {
  if (typeof value === "number") into.set(path === "" ? "value" : path, value);
  else if (typeof value === "object" && value !== null && path.split(".").length < 3)
    for (const [name, below] of Object.entries(value)) collect(below, path ? `${path}.${name}` : name, into);
}

/** Lines over the same moments; a moment at which a line has no value is a gap in it. */
export class Track {
  readonly #most: number;
  readonly times: number[] = [];
  readonly lines = new Map<string, (number | null)[]>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes in what was measured at a time; more than `most` moments are not kept. */
  push(time: number, values: ReadonlyMap<string, number>): void {
    for (const name of values.keys())
      if (!this.lines.has(name)) this.lines.set(name, new Array(this.times.length).fill(null));
    this.times.push(time);
    for (const [name, line] of this.lines) line.push(values.get(name) ?? null);
    if (this.times.length <= this.#most) return;
    this.times.shift();
    for (const line of this.lines.values()) line.shift();
  }
}

/** Metrics over time: counters as what they grew by in a second. A counter that fell began anew. */
export class Meters {
  readonly tracks = new Map<string, Track>();
  readonly #most: number;
  #before: { readonly time: number; readonly families: ReadonlyMap<string, Family> } | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes in what was read at a time, milliseconds. */
  push(time: number, families: readonly Family[]): void {
    const before = this.#before;
    this.#before = { time, families: new Map(families.map((family) => [family.name, family])) };
    for (const family of families) {
      const older = before?.families.get(family.name);
      if (family.isCounter && !older) continue;
      let track = this.tracks.get(family.name);
      if (!track) {
        track = new Track(this.#most);
        this.tracks.set(family.name, track);
      }
      const seconds = (time - (before?.time ?? time)) / 1000;
      track.push(time, family.isCounter && older ? rates(family, older, seconds) : family.values);
    }
  }
}

function rates(now: Family, before: Family, seconds: number): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [labels, value] of now.values) {
    const grown = value - (before.values.get(labels) ?? 0);
    found.set(labels, (grown < 0 ? value : grown) / Math.max(0.001, seconds));
  }
  return found;
}

/** Lines that one scale shows: those whose largest values are within a factor of twenty of each other. */
export function groupsOf({ lines }: Pick<Track, "lines">): readonly (readonly string[])[] {
  const groups: { readonly most: number; readonly names: string[] }[] = [];
  for (const [name, values] of lines) {
    const most = values.reduce<number>((found, value) => Math.max(found, Math.abs(value ?? 0)), 0);
    const near = groups.find((group) => most <= group.most * 20 && group.most <= most * 20);
    if (near) near.names.push(name);
    else groups.push({ most, names: [name] });
  }
  return groups.map(({ names }) => names);
}
