import { createHash } from "node:crypto";
import { seeded } from "../clock/seeded.ts";
import { Disk, dirOf, type Fate, type Image, type Step } from "./steps.ts";

/** A file system as a power cut may leave it. */
export interface PowerCut {
  /** How many steps had happened. */
  readonly moment: number;
  /** What became of the steps that were not synced, for messages. */
  readonly label: string;
  readonly image: Image;
}

type Fates = ReadonlyMap<number, Fate>;
const exhaustive = 10;
const samples = 400;

function covers(sync: Step, step: Step, at: number): boolean {
  if (sync.do === "synced" || sync.do === "syncFailed")
    return (step.do === "write" || step.do === "cut") && sync.file === step.file && at < sync.before;
  if (sync.do !== "dirSynced" || at >= sync.before) return false;
  if (step.do === "rename") return sync.dir === dirOf(step.to);
  return (step.do === "create" || step.do === "remove") && sync.dir === dirOf(step.name);
}

function isSync(step: Step): boolean {
  return step.do === "synced" || step.do === "syncFailed" || step.do === "dirSynced";
}

function isPending(steps: readonly Step[], at: number, moment: number): boolean {
  const step = steps[at];
  if (!step || isSync(step)) return false;
  const sync = steps.slice(at + 1, moment).find((one) => covers(one, step, at));
  return sync === undefined || sync.do === "syncFailed";
}

// Every subset while there are few; else every prefix, every single loss and survival, and a seeded sample.
function* subsets(pending: readonly number[], seed: number): Generator<Fates> {
  const pick = (kept: (at: number) => boolean): Fates =>
    new Map(pending.map((step, at) => [step, kept(at) ? "kept" : "lost"]));
  const count = pending.length;
  if (count <= exhaustive) {
    for (let mask = 0; mask < 2 ** count; mask += 1) yield pick((at) => ((mask >> at) & 1) === 1);
    return;
  }
  for (let cut = 0; cut <= count; cut += 1) {
    yield pick((at) => at < cut);
    yield pick((at) => at >= cut);
    yield pick((at) => at === cut);
    yield pick((at) => at !== cut);
  }
  const random = seeded(seed + count);
  for (let sample = 0; sample < samples; sample += 1) {
    const density = random();
    yield pick(() => random() < density);
  }
}

function* torn(pending: readonly number[], steps: readonly Step[]): Generator<Fates> {
  for (const [place, step] of pending.entries()) {
    const write = steps[step];
    if (write?.do !== "write" || write.bytes.length < 2) continue;
    const size = write.bytes.length;
    const middle = size >> 1;
    const others = (kept: (at: number) => boolean, fate: Fate): Fates =>
      new Map(pending.map((one, at) => [one, at === place ? fate : kept(at) ? "kept" : "lost"]));
    for (const fate of [
      { from: 0, to: middle },
      { from: middle, to: size },
      { from: 0, to: size - 1 },
      { from: 1, to: size },
    ]) {
      yield others((at) => at < place, fate);
      yield others(() => true, fate);
    }
  }
}

function* bytePrefixes(pending: readonly number[], steps: readonly Step[]): Generator<Fates> {
  const size = (at: number) => {
    const step = steps[at];
    return step?.do === "write" ? step.bytes.length : 1;
  };
  const total = pending.reduce((sum, at) => sum + size(at), 0);
  if (total > 2048) return;
  for (let cut = 0; cut <= total; cut += 1) {
    let left = cut;
    const fates = new Map<number, Fate>();
    for (const at of pending) {
      const whole = size(at);
      fates.set(at, left >= whole ? "kept" : left <= 0 ? "lost" : { from: 0, to: left });
      left -= whole;
    }
    yield fates;
  }
}

function build(steps: readonly Step[], moment: number, fates: Fates, extended: boolean): Image {
  const disk = new Disk();
  for (let at = 0; at < moment; at += 1) {
    const step = steps[at];
    if (!step) break;
    const fate = fates.get(at);
    disk.apply(step, fate);
    if (extended && fate !== undefined && step.do === "write")
      disk.extend(step.file, step.at + step.bytes.length);
  }
  return disk.image();
}

function digestOf(image: Image): string {
  const hash = createHash("sha256");
  for (const [name, bytes] of [...image].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  return hash.digest("base64");
}

function describe(fates: Fates, steps: readonly Step[], extended: boolean): string {
  const words = [...fates].map(([at, fate]) => {
    const text = typeof fate === "string" ? fate : `bytes ${fate.from} to ${fate.to}`;
    return `${at} ${steps[at]?.do} ${text}`;
  });
  return `${words.join(", ") || "all synced"}${extended ? ", sizes kept" : ""}`;
}

/** The file systems that a power cut after `moment` steps may leave, each once. */
export function* powerCutsAt(steps: readonly Step[], moment: number, seed: number): Generator<PowerCut> {
  const pending = steps.flatMap((_, at) => (at < moment && isPending(steps, at, moment) ? [at] : []));
  const seen = new Set<string>();
  for (const source of [subsets(pending, seed), torn(pending, steps), bytePrefixes(pending, steps)])
    for (const fates of source)
      for (const extended of [false, true]) {
        const image = build(steps, moment, fates, extended);
        const digest = digestOf(image);
        if (seen.has(digest)) continue;
        seen.add(digest);
        yield { moment, label: `after ${moment} steps: ${describe(fates, steps, extended)}`, image };
      }
}

/**
 * The moments that matter: just before each sync ends, when most is at stake, and the end. What a cut at any other
 * moment leaves is among what a cut at the next of these leaves.
 */
export function cutMoments(steps: readonly Step[]): number[] {
  const moments = steps.flatMap((step, at) => (isSync(step) ? [at] : []));
  return [...moments, steps.length];
}
