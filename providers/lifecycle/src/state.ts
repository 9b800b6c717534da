import { type Cell, emitter, type EventMeta, type Scope } from "@skep/kernel";

/** Why workers have no authority, the strongest first (facts: milestone 21e). */
export const causes = [
  "lifecycle_offline",
  "session_revoked",
  "policy_denied",
  "network_unreachable",
] as const;

/** One of them. */
export type Cause = (typeof causes)[number];

type Standing = {
  /** In force now, in no order. */
  readonly causes: readonly Cause[];
  /** Hive time at which the first of them came, milliseconds; 0 where there is none. */
  readonly since: number;
};

/** The slice. Bound: the list of causes. */
export interface Root {
  readonly cut: Cell<Standing>;
}

/** The slice of an empty journal. */
export const initial = (scope: Scope): Root => ({
  cut: scope.cell<Standing>("cut", { causes: [], since: 0 }),
});

/** States in which the hive gives nobody authority. */
const offline = new Set(["BOOTING", "QUIESCED"]);

function put({ cut }: Root, cause: Cause, stands: boolean, time: number): void {
  const before = cut.get();
  if (before.causes.includes(cause) === stands) return;
  const left = stands ? [...before.causes, cause] : before.causes.filter((one) => one !== cause);
  const since = left.length === 0 ? 0 : before.since || time;
  cut.set({ causes: left, since });
}

/** How events fold. */
export const events = {
  "cut@1": (root: Root, { cause }: { cause: Cause }, { time }: EventMeta) => put(root, cause, true, time),
  "restored@1": (root: Root, { causes: ended }: { causes: readonly Cause[] }, { time }: EventMeta) => {
    for (const cause of ended) put(root, cause, false, time);
  },
  "changed@1": (_root: Root, _data: { action: string; old: string; new: string; reason: string }) =>
    undefined,
  "kernel:lifecycle@1": (root: Root, { state }: { state: string }, { time }: EventMeta) =>
    put(root, "lifecycle_offline", offline.has(state), time),
} as const;

/** Makes events of the lifecycle. */
export const emit = emitter(events);

/** The strongest cause in force; undefined while workers have authority. */
export function cutBy({ cut }: Root): Cause | undefined {
  const standing = cut.get().causes;
  return causes.find((cause) => standing.includes(cause));
}
