import { type HttpClient, Lines, type Live, type LiveEvent, textOf } from "@skep/http-client";
import type { Facts, HiveState } from "./hive.ts";
import { isEnded, jobOf } from "./model.ts";
import { Reader } from "./reader.ts";

/** Machines of which more than their info is read by itself; of more, what the trace tells is taken. */
const mostOwners = 500;

/** What is known of a machine, its owner's word included. */
async function infoOf(api: Pick<HttpClient, "json">, base: string, withOwner: boolean): Promise<Facts> {
  const [info, owner] = await Promise.all([
    api.json<Facts>(`${base}/info.json`),
    // Whoever was spawned here has no owner of its own.
    withOwner ? api.json<Facts>(`${base}/owner.json`).catch(() => undefined) : undefined,
  ]);
  return owner === undefined ? info : { ...info, owner };
}

/** Files that are small and always shown. */
const small = [
  "/proc/lifecycle/state.json",
  "/proc/lifecycle/reason.json",
  "/proc/9p/session/active.json",
  "/proc/boot.json",
  "/proc/root/reachable.json",
  "/net/self.json",
  "/net/nodes.json",
  "/audit/checkpoint",
] as const;

const newestJobs = 200;
/** Files of the past that are read at a time. */
const atOnce = 6;
/** Milliseconds for which something is news. */
const fresh = 10_000;

/** What feeds need of the page. */
export interface FeedGround {
  readonly api: Pick<HttpClient, "json" | "text">;
  readonly live: Pick<Live, "follow">;
  /** The hive's time. */
  now(): number;
  every(ms: number, act: () => void): () => void;
}

function parse(line: string): Facts | undefined {
  try {
    return JSON.parse(line) as Facts;
  } catch {
    return undefined;
  }
}

function contentOf(path: string, event: LiveEvent): unknown {
  if (event.event !== "text") return undefined;
  const text = textOf(event.data);
  return path.endsWith(".json") ? parse(text) : text;
}

// One file tells which of many machines are there; the rest of each is read when nothing else is to be.
function meetMany(state: HiveState, api: Pick<HttpClient, "json">, ids: readonly string[]): void {
  const met = new Set(ids);
  const tell = (rows: readonly Facts[]): void => {
    for (const { id, present } of rows)
      if (met.has(String(id)) && state.machines.get(String(id))?.state === "unknown")
        state.setInfo(String(id), { id, present });
  };
  api.json<readonly Facts[]>("/worker.json").then(tell, () => undefined);
}

const newestActions = 100;

/** Keeps which acts were stored, and what became of each: one that nobody approves ends by itself. */
function followActions(state: HiveState, { api, live, every }: Pick<FeedGround, "api" | "live" | "every">) {
  const actions = new Reader(async (id) => {
    const { state: now } = await api.json<Facts>(`/actions/${id}/status.json`);
    state.setAction(id, String(now));
  });
  const look = (): void => {
    for (const [id, now] of state.actions) if (now === "waiting" || now === "approved") actions.later(id);
  };
  return [
    live.follow("/actions", (event) => {
      if (event.event !== "list") return;
      const ids = event.data.entries.filter(({ kind }) => kind === "dir").map(({ name }) => name);
      state.setActions(ids);
      for (const id of ids.slice(-newestActions)) if (!state.actions.has(id)) actions.want(id);
      look();
    }),
    every(3000, look),
  ];
}

/** Keeps a state as the hive is, over the live connection; gives what ends that. */
export function feed(state: HiveState, { api, live, now, every }: FeedGround): () => void {
  const ends: (() => void)[] = [];
  const machines = new Reader(async (id) => {
    state.setInfo(id, await infoOf(api, `/worker/${id}`, state.machines.size <= mostOwners));
  });
  const jobs = new Reader(async (id) => {
    state.setJob(jobOf(id, await api.json<Facts>(`/jobs/${id}/status.json`)));
  });
  const meet = (ids: readonly string[]): void => {
    const isFew = ids.length <= mostOwners;
    for (const id of ids) isFew ? machines.want(id) : machines.later(id);
    if (!isFew) meetMany(state, api, ids);
  };
  const follow = (path: string, hear: (event: LiveEvent) => void, from?: "now") =>
    ends.push(live.follow(path, hear, from));
  // Said first: who is there is what the page waits for.
  follow("/worker", (event) => {
    if (event.event !== "list") return;
    meet(state.setMachines(event.data.entries.map(({ name }) => name)));
    state.setFact("listed", true);
  });
  for (const path of small)
    follow(path, (event) => {
      const value = contentOf(path, event);
      if (value !== undefined) state.setFact(path, value);
    });
  follow("/jobs", (event) => {
    if (event.event !== "list") return;
    const ids = event.data.entries.filter(({ name }) => /^\d+$/.test(name)).map(({ name }) => name);
    state.setFact("/jobs", ids);
    for (const id of ids.slice(-newestJobs).reverse()) if (!state.jobs.has(id)) jobs.want(id);
  });
  ends.push(...followActions(state, { api, live, every }));
  follow("/proc/pressure", (event) => {
    if (event.event !== "list") return;
    for (const { name } of event.data.entries) {
      const path = `/proc/pressure/${name}.json`;
      if (state.facts.has(path)) continue;
      state.setFact(path, {});
      follow(path, (told) => state.setFact(path, contentOf(path, told) ?? {}));
    }
  });
  const byLine = (act: (line: Facts) => void) => {
    const lines = new Lines();
    return (event: LiveEvent) => {
      for (const text of lines.take(event)) {
        const line = parse(text);
        if (line) act(line);
      }
    };
  };
  follow(
    "/trace/events",
    byLine((line) => {
      const { job, machine } = state.event(line);
      if (job !== undefined) jobs.want(job);
      // What became of one is counted by its array.
      if (job?.includes(".")) jobs.want(job.slice(0, job.indexOf(".")));
      if (machine !== undefined) machines.want(machine);
    }),
    "now",
  );
  // What happened before the page was open is told, but flashes no more.
  follow(
    "/trace/ctl",
    byLine((line) => state.traced(line, now() - Number(line.time) < fresh)),
  );
  const log = new Lines();
  follow("/log/queen.log", (event) => state.logged(log.take(event)));
  // Whoever may not see the trace learns of ends by looking again at what has none; so does who missed a part of it.
  ends.push(
    every(3000, () => {
      for (const job of state.jobs.values()) if (!isEnded(job)) jobs.later(job.id);
    }),
  );
  ends.push(
    every(20_000, () => {
      const few = state.machines.size <= 200;
      if (few) for (const id of state.machines.keys()) machines.want(id);
    }),
  );
  return () => {
    for (const end of ends) end();
  };
}

/** Reads the hive as it was after a record into a state. */
export async function readPast(
  state: HiveState,
  api: Pick<HttpClient, "json" | "page">,
  at: string,
): Promise<void> {
  const base = `/at/${at}`;
  const names = async (dir: string) => {
    try {
      return (await api.page(`${base}/${dir}`)).entries.map(({ name }) => name);
    } catch {
      return [];
    }
  };
  const [machines, jobs] = await Promise.all([names("worker"), names("jobs")]);
  state.setMachines(machines);
  state.setFact("/jobs", jobs);
  const shown = jobs.filter((id) => /^\d+$/.test(id)).slice(-newestJobs);
  const all = [
    ...machines.slice(0, 500).map((id) => async () => {
      state.setInfo(id, await infoOf(api, `${base}/worker/${id}`, true));
    }),
    ...shown.map((id) => async () => {
      state.setJob(jobOf(id, await api.json<Facts>(`${base}/jobs/${id}/status.json`)));
    }),
  ];
  const next = async (): Promise<void> => {
    for (let act = all.shift(); act; act = all.shift()) await act().catch(() => undefined);
  };
  await Promise.all(Array.from({ length: atOnce }, next));
}
