import { type Days, parseDays, parseHours, type Window } from "./hours.ts";
import { isWrong, parseFlag, parseList, parseNumber, parseSize, parseSpan, type Wrong } from "./units.ts";

/** What local limits a machine's work has; null where the owner set none. */
export interface Caps {
  /** Percent of all processors. */
  readonly cpu: number | null;
  /** Bytes of all jobs together. */
  readonly memory: number | null;
  /** Bytes of modules and output that are kept. */
  readonly disk: number | null;
  /** Bytes per second, in and out together. */
  readonly network: number | null;
  /** Jobs at a time. */
  readonly slots: number | null;
}

/** What may be done with one GPU. */
export interface GpuRules {
  readonly use: boolean;
  /** Percent that others may use before it is theirs alone. */
  readonly busy: number | null;
  /** Degrees Celsius. */
  readonly temperature: number | null;
  readonly programs: readonly string[];
}

/** What the owner of a machine laid down. */
export interface Rules {
  /** When work is let in; always where empty. */
  readonly hours: readonly Window[];
  readonly notOn: readonly Days[];
  /** Milliseconds without a key or pointer moved; 0 where that does not matter. */
  readonly idle: number;
  /** Percent of all processors that others may use. */
  readonly cpu: number | null;
  /** Load average of one minute, of others. */
  readonly load: number | null;
  /** Percent of time in which somebody waited for memory. */
  readonly memoryPressure: number | null;
  /** Percent of memory in use by others. */
  readonly memoryUsed: number | null;
  /** Degrees Celsius of the hottest zone. */
  readonly temperature: number | null;
  /** Whether running on battery stops work. */
  readonly battery: boolean;
  /** Programs that stop work while they run. */
  readonly programs: readonly string[];
  /** Milliseconds after which frozen work gives its memory back. */
  readonly rest: number;
  /** Milliseconds after which frozen work goes back to the hive. */
  readonly grace: number;
  /** Milliseconds without a reason after which work goes on. */
  readonly quiet: number;
  readonly caps: Caps;
  readonly refuse: {
    readonly kinds: readonly string[];
    readonly classes: readonly string[];
    readonly subjects: readonly string[];
  };
  /** Public Ed25519 keys, hex, whose updates this machine applies; none where empty. */
  readonly releaseKeys: readonly string[];
  readonly gpus: Readonly<Record<string, GpuRules>>;
}

/** Something wrong with an owner's file, where it stands, and what to do. */
export interface Problem {
  readonly file: string;
  /** 1 for the first. */
  readonly line: number;
  /** 1 for the first. */
  readonly column: number;
  readonly message: string;
  /** The next step that cures it. */
  readonly cure: string;
}

/** One key of the file. */
export interface Field {
  readonly key: string;
  readonly read: (value: unknown) => unknown;
  readonly usual: unknown;
  readonly doc: string;
  /** As it is written in the example. */
  readonly example: string;
}

const percent = parseNumber(1, 100, "a percentage");
const degrees = parseNumber(1, 150, "a temperature in degrees Celsius");
const word =
  (form: RegExp, what: string) =>
  (text: string): string | Wrong =>
    form.test(text) ? text : { wrong: `${JSON.stringify(text)} is no ${what}`, cure: "Correct or remove it" };
const program = word(/^[^\s/]{1,64}$/, "name of a program");

function hoursOf(value: unknown): readonly Window[] | Wrong {
  const read = parseList(parseHours)(value);
  return isWrong(read) ? read : read.flat();
}

const field = (key: string, read: Field["read"], usual: unknown, example: string, doc: string): Field => ({
  key,
  read,
  usual,
  example,
  doc,
});

/** Every key, in the order of the example. */
export const fields: readonly Field[] = [
  field(
    "when.hours",
    hoursOf,
    [],
    '["mon-fri 18:00-08:00", "sat-sun"]',
    "Hours of the week; always when left out",
  ),
  field("when.not_on", parseList(parseDays), [], '["2026-12-24..2026-12-26"]', "Days on which nothing runs"),
  field("when.idle", parseSpan, 0, '"3m"', "No key and no pointer moved for so long"),
  field("stop.cpu", percent, null, "25", "Others use so many percent of all processors"),
  field("stop.load", parseNumber(0.1, 1024, "a load"), null, "4", "Load average of the others"),
  field("stop.memory_pressure", percent, null, "10", "Percent of time in which somebody waits for memory"),
  field("stop.memory_used", percent, null, "80", "Percent of memory that others use"),
  field("stop.temperature", degrees, null, "80", "Degrees Celsius of the hottest zone"),
  field("stop.battery", parseFlag, false, "true", "The machine runs on battery"),
  field("stop.programs", parseList(program), [], '["steam", "blender"]', "One of these programs runs"),
  field("react.rest", parseSpan, 10_000, '"10s"', "Frozen work gives its memory back after"),
  field("react.grace", parseSpan, 60_000, '"60s"', "Frozen work goes back to the hive after"),
  field("react.quiet", parseSpan, 30_000, '"30s"', "Work goes on after so long without a reason"),
  field("caps.cpu", percent, null, "50", "Percent of all processors"),
  field("caps.memory", parseSize, null, '"4 GiB"', "Memory of all jobs together"),
  field("caps.disk", parseSize, null, '"2 GiB"', "Modules and output that are kept"),
  field("caps.network", parseSize, null, '"1 MiB"', "Bytes per second, in and out"),
  field("caps.slots", parseNumber(1, 1024, "a number of jobs"), null, "2", "Jobs at a time"),
  field(
    "refuse.kinds",
    parseList(word(/^(wasm|task)$/, "kind of work; there are wasm and task")),
    [],
    '["task"]',
    "Kinds of work",
  ),
  field(
    "refuse.classes",
    parseList(word(/^[a-z][a-z0-9-]{0,31}$/, "class of work")),
    [],
    '["rendering"]',
    "Classes of work",
  ),
  field("refuse.subjects", parseList(word(/^\S{1,128}$/, "subject")), [], '["somebody"]', "Whose work"),
  field(
    "updates.keys",
    parseList(word(/^[0-9a-f]{64}$/, "Ed25519 key of 64 hex digits")),
    [],
    `["${"0".repeat(64)}"]`,
    "Keys whose updates are applied here; none when left out",
  ),
];

/** Every key of a table `[gpu.NAME]`. */
export const gpuFields: readonly Field[] = [
  field("use", parseFlag, true, "true", "Whether it is lent at all"),
  field("busy", percent, null, "20", "Others use so many percent of it"),
  field("temperature", degrees, null, "80", "Degrees Celsius"),
  field("programs", parseList(program), [], '["blender"]', "One of these programs runs"),
];

/** Rules under which a machine is lent always and whole. */
export const noRules: Rules = rulesOf(new Map(), {});

/** Puts values by key together; what is missing is as usual. */
export function rulesOf(
  values: ReadonlyMap<string, unknown>,
  gpus: Readonly<Record<string, ReadonlyMap<string, unknown>>>,
): Rules {
  const usual = (list: readonly Field[], key: string) => list.find((one) => one.key === key)?.usual;
  const get = (key: string) => (values.has(key) ? values.get(key) : usual(fields, key)) as never;
  const gpuOf = (found: ReadonlyMap<string, unknown>): GpuRules => {
    const of = (key: string) => (found.has(key) ? found.get(key) : usual(gpuFields, key)) as never;
    return { use: of("use"), busy: of("busy"), temperature: of("temperature"), programs: of("programs") };
  };
  return {
    hours: get("when.hours"),
    notOn: get("when.not_on"),
    idle: get("when.idle"),
    cpu: get("stop.cpu"),
    load: get("stop.load"),
    memoryPressure: get("stop.memory_pressure"),
    memoryUsed: get("stop.memory_used"),
    temperature: get("stop.temperature"),
    battery: get("stop.battery"),
    programs: get("stop.programs"),
    rest: get("react.rest"),
    grace: get("react.grace"),
    quiet: get("react.quiet"),
    caps: {
      cpu: get("caps.cpu"),
      memory: get("caps.memory"),
      disk: get("caps.disk"),
      network: get("caps.network"),
      slots: get("caps.slots"),
    },
    refuse: {
      kinds: get("refuse.kinds"),
      classes: get("refuse.classes"),
      subjects: get("refuse.subjects"),
    },
    releaseKeys: get("updates.keys"),
    gpus: Object.fromEntries(Object.entries(gpus).map(([name, found]) => [name, gpuOf(found)])),
  };
}
