import type { Cell, Scope, Table } from "@skep/kernel";

/** A ban as placement knows it. */
type Kept = { readonly ban: string; readonly by: string; readonly reason: string; readonly until: number };

/** The part of the slice that is about containment. Bound: the bans that stand, and the queue. */
export interface Contained {
  /** Bans that stand, by what they are on. */
  readonly bans: Table<Kept>;
  /** Jobs that wait outside of the queue until no ban is on them. */
  readonly parked: Table<1>;
  /** 1 from a change of bans on, until every job was looked at. */
  readonly containing: Cell<number>;
}

export const contained = (scope: Scope): Contained => ({
  bans: scope.table("bans"),
  parked: scope.table("parked"),
  containing: scope.cell("containing", 0),
});

interface Ran {
  readonly kind: "wasm" | "task";
  readonly what: string;
  readonly class?: string;
}
type Bans = Pick<Contained, "bans">;

/** What a run is, as bans name it. */
export function usesOf({ kind, what, class: of = "general" }: Ran): readonly string[] {
  const work = `work:${of}`;
  return kind === "wasm"
    ? [`module:${what}`, "class:wasm", work]
    : ["class:task", `class:task/${what}`, work];
}

interface Owned {
  readonly owner: string;
  readonly run: Ran;
}

function* names(job: Owned): Generator<string> {
  yield* usesOf(job.run);
  const { owner } = job;
  for (let at = owner.length; at > 0; at = owner.lastIndexOf("/", at - 1))
    yield `subject:${owner.slice(0, at)}`;
}

/** The ban that keeps a job from running anywhere: its target, and who banned it. */
export function heldBy({ bans }: Bans, job: Owned): ({ readonly target: string } & Kept) | undefined {
  if (bans.size === 0) return undefined;
  for (const target of names(job)) {
    const ban = bans.get(target);
    if (ban) return { target, ...ban };
  }
  return undefined;
}

/** Whether a worker may keep nothing that it runs. */
export const isFrozen = ({ bans }: Bans, worker: string): boolean =>
  bans.has(`worker:${worker}`) || bans.has(`node:${worker}`);

/** Whether a worker is given nothing: it is frozen, revoked or drained. */
export function isBarred(jobs: Bans, worker: string): boolean {
  const { bans } = jobs;
  if (bans.size === 0) return false;
  return isFrozen(jobs, worker) || bans.has(`drain:${worker}`) || bans.has("drain:*");
}
