import type { Client } from "@skep/ninep";

/** What `skep status` tells. */
export interface Status {
  /** Whether the hive itself told it, or its files. */
  readonly source: "live" | "offline";
  readonly hive: string;
  readonly name: string;
  /** OFFLINE where the hive does not run. */
  readonly state: string;
  /** State of a hive that does not run when it was last heard of. */
  readonly last_state?: string;
  readonly reason: string;
  readonly since_ms: number;
  readonly epoch: number;
  /** Why workers have no authority; `none` while they have. */
  readonly cut_reason: string;
  /** Workers that the queen spawned. */
  readonly workers: number;
  /** Jobs that are not over. */
  readonly jobs: number;
  readonly leases: number;
  /** Records of the journal. */
  readonly records: number;
  /** Sequence of the snapshot that the state was folded on. */
  readonly snapshot?: number;
  /** Time of the newest record, milliseconds since 1970. */
  readonly last_seen_ms: number;
}

type Facts = Readonly<Record<string, string | number | undefined>>;

async function facts(client: Client, path: string, signal: AbortSignal | undefined): Promise<Facts> {
  return JSON.parse(String(await client.readAll(`${path}.json`, { signal }))) as Facts;
}

/** What a hive tells of itself. */
export async function liveStatus(client: Client, signal?: AbortSignal): Promise<Status> {
  const of = (path: string): Promise<Facts> => facts(client, path, signal);
  const [boot, state, reason, since, cut, seen, schedule, lease] = await Promise.all([
    of("/proc/boot"),
    of("/proc/lifecycle/state"),
    of("/proc/lifecycle/reason"),
    of("/proc/lifecycle/since"),
    of("/proc/root/cut_reason"),
    of("/proc/root/last_seen_ms"),
    of("/proc/schedule/summary"),
    of("/proc/lease/summary"),
  ]);
  const workers = await client.readdir("/worker", { signal });
  const spawned = workers.filter(({ name }) => /^worker-[1-9]\d*$/.test(name));
  const [, size = "0"] = String(await client.readAll("/audit/checkpoint", { signal })).split("\n");
  return {
    source: "live",
    hive: String(boot.hive),
    name: String(boot.name),
    state: String(state.state),
    reason: String(reason.reason),
    since_ms: Number(since.since_ms),
    epoch: Number(boot.epoch),
    cut_reason: String(cut.cut_reason),
    workers: spawned.length,
    jobs: Number(schedule.jobs ?? 0),
    leases: Number(lease.active ?? 0),
    records: Number(size),
    last_seen_ms: Number(seen.last_seen_ms),
  };
}
