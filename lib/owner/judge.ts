import { formatDuration } from "@skep/text";
import { isAmong, type LocalTime, minutesToOpen } from "./hours.ts";
import type { GpuRules, Rules } from "./rules.ts";

/** What was seen of a machine. What is left out, nobody here can see. */
export interface Observations {
  readonly local: LocalTime;
  /** When a key or pointer last moved, milliseconds since 1970; now, while somebody is known to be there. */
  readonly input?: number;
  /** Percent of all processors that others use. */
  readonly cpu?: number;
  /** Load average of one minute, without our own. */
  readonly load?: number;
  /** Percent of the last seconds in which somebody waited for memory. */
  readonly memoryPressure?: number;
  /** Percent of memory that others use. */
  readonly memoryUsed?: number;
  /** Degrees Celsius of the hottest zone. */
  readonly temperature?: number;
  readonly battery?: boolean;
  /** Names of the programs that run, as far as a rule names them. */
  readonly programs?: readonly string[];
  readonly gpus?: Readonly<Record<string, GpuSeen>>;
  /** `skep pause`: until when, milliseconds since 1970, or until `skep resume`. */
  readonly pause?: { readonly until?: number | undefined };
  /** What is wrong with the rules themselves, one line. */
  readonly broken?: string;
}

/** What was seen of one GPU. */
export interface GpuSeen {
  /** Percent that others use. */
  readonly busy?: number;
  readonly temperature?: number;
}

/** The rules by the name that a reason carries. */
export type RuleName =
  | "pause"
  | "rules"
  | "hours"
  | "day"
  | "input"
  | "cpu"
  | "load"
  | "memory"
  | "temperature"
  | "battery"
  | "program";

/** Why work stands still. */
export interface Reason {
  readonly rule: RuleName;
  /** One line for people. */
  readonly text: string;
}

/** One cause, as it was last seen. */
interface Seen {
  readonly reason: Reason;
  readonly active: boolean;
  /** When it was last there, milliseconds since 1970. */
  readonly at: number;
  /** How long nothing may be seen of it before work goes on. */
  readonly hold: number;
}

/** `run`; `freeze`: stopped, the work is kept; `give-back`: stopped too long for that; `paused`: by word or calendar, nothing kept. */
export type OwnerState = "run" | "freeze" | "give-back" | "paused";

/** What the rules say now, and what the next judgement needs of it. */
export interface Judgement {
  readonly state: OwnerState;
  /** When this state began, milliseconds since 1970. */
  readonly since: number;
  /** When work was stopped; the same as `since` while it runs. */
  readonly stopped: number;
  /** The first one is the one to show. */
  readonly reasons: readonly Reason[];
  /** When work will go on if nothing else happens; absent where that cannot be known. */
  readonly until?: number;
  /** Rules that nothing here can see to. */
  readonly blind: readonly RuleName[];
  readonly gpus: Readonly<Record<string, { readonly free: boolean; readonly reasons: readonly Reason[] }>>;
  readonly seen: Readonly<Record<string, Seen>>;
}

type Before = Readonly<Record<string, Seen>>;

/** A cause that is a level: it begins at the limit, and ends only below `back`, so that it does not flutter. */
interface Level {
  readonly key: string;
  readonly rule: RuleName;
  readonly limit: number | null;
  readonly value: number | undefined;
  readonly back: number;
  readonly text: (value: number, limit: number) => string;
}

const round = (value: number): string => String(Math.round(value * 10) / 10);

function levelsOf(rules: Rules, seen: Observations): Level[] {
  const share = (limit: number | null) => (limit ?? 0) * 0.8;
  const { cpu, load, memoryPressure, memoryUsed, temperature } = rules;
  return [
    {
      key: "cpu",
      rule: "cpu",
      limit: cpu,
      value: seen.cpu,
      back: share(cpu),
      text: (value, limit) => `others use ${round(value)} % of the processors; the limit is ${limit} %`,
    },
    {
      key: "load",
      rule: "load",
      limit: load,
      value: seen.load,
      back: share(load),
      text: (value, limit) => `the load of others is ${round(value)}; the limit is ${limit}`,
    },
    {
      key: "memory-pressure",
      rule: "memory",
      limit: memoryPressure,
      value: seen.memoryPressure,
      back: share(memoryPressure),
      text: (value, limit) =>
        `programs wait for memory ${round(value)} % of the time; the limit is ${limit} %`,
    },
    {
      key: "memory-used",
      rule: "memory",
      limit: memoryUsed,
      value: seen.memoryUsed,
      back: (memoryUsed ?? 0) - 5,
      text: (value, limit) => `others use ${round(value)} % of the memory; the limit is ${limit} %`,
    },
    {
      key: "temperature",
      rule: "temperature",
      limit: temperature,
      value: seen.temperature,
      back: (temperature ?? 0) - 5,
      text: (value, limit) => `it is ${round(value)} °C hot; the limit is ${limit} °C`,
    },
  ];
}

function look(level: Level, now: number, quiet: number, before: Before): [string, Seen][] {
  const { key, rule, limit, value, back, text } = level;
  const last = before[key];
  if (limit === null) return [];
  // What can no longer be seen ends, and is waited for as if it had just ended.
  if (value === undefined) return last ? [[key, { ...last, active: false }]] : [];
  const active = value >= (last?.active ? back : limit);
  if (active) return [[key, { reason: { rule, text: text(value, limit) }, active, at: now, hold: quiet }]];
  return last ? [[key, { ...last, active }]] : [];
}

function inputSeen(rules: Rules, seen: Observations, now: number, before: Before): [string, Seen][] {
  if (rules.idle === 0) return [];
  if (seen.input === undefined) return before.input ? [["input", before.input]] : [];
  const hold = Math.max(rules.idle, rules.quiet);
  const ago = now - seen.input;
  if (ago >= hold) return [];
  const text = `somebody was here ${ago < 1000 ? "now" : `${formatDuration(ago)} ago`}; work waits for ${formatDuration(hold)} without a touch`;
  return [["input", { reason: { rule: "input", text }, active: false, at: seen.input, hold }]];
}

function flagSeen(
  key: RuleName,
  on: boolean,
  text: string,
  at: { readonly now: number; readonly quiet: number; readonly before: Before },
): [string, Seen][] {
  const last = at.before[key];
  if (on) return [[key, { reason: { rule: key, text }, active: true, at: at.now, hold: at.quiet }]];
  return last ? [[key, { ...last, active: false }]] : [];
}

function seenOf(rules: Rules, seen: Observations, now: number, before: Before): Before {
  const at = { now, quiet: rules.quiet, before };
  const running = (seen.programs ?? []).filter((name) => rules.programs.includes(name));
  const all = [
    ...inputSeen(rules, seen, now, before),
    ...levelsOf(rules, seen).flatMap((level) => look(level, now, rules.quiet, before)),
    ...flagSeen("battery", rules.battery && seen.battery === true, "it runs on battery", at),
    ...flagSeen("program", running.length > 0, `${running.join(", ")} runs`, at),
  ];
  return Object.fromEntries(all.filter(([, { active, at: last, hold }]) => active || last + hold > now));
}

interface Order {
  readonly reason: Reason;
  readonly until: number | undefined;
}

/** What stops work whatever is seen: the owner's word, and the calendar. */
function orders(rules: Rules, seen: Observations, now: number): Order[] {
  const found: Order[] = [];
  const { pause, broken, local } = seen;
  if (broken !== undefined) found.push({ reason: { rule: "rules", text: broken }, until: undefined });
  if (pause && (pause.until === undefined || pause.until > now))
    found.push({ reason: { rule: "pause", text: "the owner said pause" }, until: pause.until });
  if (isAmong(rules.notOn, local.date)) {
    const midnight = now + (1440 - local.minute) * 60_000;
    found.push({ reason: { rule: "day", text: `nothing runs on ${local.date}` }, until: midnight });
  }
  const wait = rules.hours.length === 0 ? 0 : minutesToOpen(rules.hours, local);
  if (wait !== 0) {
    const until = wait === undefined ? undefined : now + Math.ceil(wait * 60_000);
    found.push({ reason: { rule: "hours", text: "it is outside the hours" }, until });
  }
  return found;
}

function blindOf(rules: Rules, seen: Observations): RuleName[] {
  const watched: readonly [RuleName, boolean, unknown][] = [
    ["input", rules.idle > 0, seen.input],
    ["cpu", rules.cpu !== null, seen.cpu],
    ["load", rules.load !== null, seen.load],
    ["memory", rules.memoryPressure !== null, seen.memoryPressure],
    ["memory", rules.memoryUsed !== null, seen.memoryUsed],
    ["temperature", rules.temperature !== null, seen.temperature],
    ["battery", rules.battery, seen.battery],
    ["program", rules.programs.length > 0, seen.programs],
  ];
  return [
    ...new Set(watched.filter(([, wanted, value]) => wanted && value === undefined).map(([name]) => name)),
  ];
}

function judgeGpu(
  id: string,
  gpu: GpuRules,
  seen: Observations,
  at: { now: number; quiet: number; before: Before },
) {
  const found = seen.gpus?.[id];
  const running = (seen.programs ?? []).filter((name) => gpu.programs.includes(name));
  const levels: Level[] = [
    {
      key: `gpu.${id}.busy`,
      rule: "cpu",
      limit: gpu.busy,
      value: found?.busy,
      back: (gpu.busy ?? 0) * 0.8,
      text: (value, limit) => `others use ${round(value)} % of GPU ${id}; the limit is ${limit} %`,
    },
    {
      key: `gpu.${id}.temperature`,
      rule: "temperature",
      limit: gpu.temperature,
      value: found?.temperature,
      back: (gpu.temperature ?? 0) - 5,
      text: (value, limit) => `GPU ${id} is ${round(value)} °C hot; the limit is ${limit} °C`,
    },
  ];
  const held = [
    ...levels.flatMap((level) => look(level, at.now, at.quiet, at.before)),
    ...(running.length === 0
      ? []
      : [
          [
            `gpu.${id}.program`,
            {
              reason: { rule: "program", text: `${running.join(", ")} runs` },
              active: true,
              at: at.now,
              hold: at.quiet,
            },
          ] as [string, Seen],
        ]),
  ].filter(([, { active, at: last, hold }]) => active || last + hold > at.now);
  const never: Reason[] = gpu.use ? [] : [{ rule: "rules", text: `GPU ${id} is not lent` }];
  const reasons = [...never, ...held.map(([, { reason }]) => reason)];
  return { free: reasons.length === 0, reasons, held };
}

function untilOf(given: readonly Order[], held: readonly Seen[]): number | undefined {
  if (given.some(({ until }) => until === undefined) || held.some(({ active }) => active)) return undefined;
  // Events are told with a fraction of a millisecond.
  return Math.ceil(
    Math.max(...given.map(({ until }) => until ?? 0), ...held.map(({ at, hold }) => at + hold)),
  );
}

/**
 * What the rules say about what is seen now. Pure: the same arguments give the same answer. `before` is the judgement that
 * was made last; without one the machine is judged anew. Call it again when something is seen, at `until`, and each second.
 */
export function judge(rules: Rules, seen: Observations, now: number, before?: Judgement): Judgement {
  const known = seenOf(rules, seen, now, before?.seen ?? {});
  const held = Object.values(known);
  const given = orders(rules, seen, now);
  const at = { now, quiet: rules.quiet, before: before?.seen ?? {} };
  const gpus = Object.entries(rules.gpus).map(([id, gpu]) => ({ id, ...judgeGpu(id, gpu, seen, at) }));
  const stands = given.length > 0 || held.length > 0;
  const stood = before !== undefined && before.state !== "run";
  const stopped = stood === stands && before ? before.stopped : now;
  const kept = now - stopped < rules.grace;
  const state: OwnerState = !stands ? "run" : given.length > 0 ? "paused" : kept ? "freeze" : "give-back";
  // What is there now is said before what has just been.
  const order = [...held].sort(
    (one, other) => Number(other.active) - Number(one.active) || other.at - one.at,
  );
  const until = stands ? untilOf(given, held) : undefined;
  return {
    state,
    since: before?.state === state ? before.since : now,
    stopped,
    reasons: [...given, ...order].map(({ reason }) => reason),
    ...(until === undefined ? {} : { until }),
    blind: blindOf(rules, seen),
    gpus: Object.fromEntries(gpus.map(({ id, free, reasons }) => [id, { free, reasons }])),
    seen: { ...known, ...Object.fromEntries(gpus.flatMap(({ held: own }) => own)) },
  };
}
