import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { type Content, fetchBack, type Part, partsOf, joinWorkers, store } from "../http/artifact.ts";
import { Caller, type HttpHive, startHttp } from "../http/hive.ts";
import { residentOf } from "../process.ts";
import type { Bench, Measured } from "../row.ts";

const MB = 1_000_000;

interface Scene {
  readonly workers: number;
  readonly bytes: number;
  /** Bytes of one part at most. */
  readonly part: (worker: number) => number;
  /** All workers have the same content. */
  readonly shared?: boolean;
}

const whole = (): number => Number.POSITIVE_INFINITY;

const scenes: Readonly<Record<string, Scene>> = {
  "8x1": { workers: 8, bytes: MB, part: () => 250_000 },
  "8x10": { workers: 8, bytes: 10 * MB, part: () => MB },
  "8x100": { workers: 8, bytes: 100 * MB, part: () => 10 * MB },
  // Half of them in parts of 64 MB, the other half as one blob.
  "8x1000": { workers: 8, bytes: 1000 * MB, part: (at) => (at % 2 === 0 ? 64 * MB : 1000 * MB) },
  "100x1": { workers: 100, bytes: MB, part: whole, shared: true },
  "100x10": { workers: 100, bytes: 10 * MB, part: whole, shared: true },
  "1000x1": { workers: 1000, bytes: MB, part: whole, shared: true },
  "1000x10": { workers: 1000, bytes: 10 * MB, part: whole, shared: true },
};

/** Looks at the memory of a process until it is disposed of. */
class Peak implements AsyncDisposable {
  most = 0;
  #isOver = false;
  readonly #watching: Promise<void>;

  constructor(pid: number) {
    this.#watching = (async () => {
      while (!this.#isOver) {
        this.most = Math.max(this.most, residentOf(pid));
        await sleep(25);
      }
    })();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }
}

/** Does something for everyone at once; gives how many failed, and tells the first reason. */
async function failures(acts: readonly Promise<void>[], tell: (text: string) => void): Promise<number> {
  const ended = await Promise.allSettled(acts);
  const failed = ended.filter((one) => one.status === "rejected");
  if (failed[0]) tell(`failed: ${String(failed[0].reason)}`);
  return failed.length;
}

async function play(
  http: HttpHive,
  scene: Scene,
  tell: (text: string) => void,
): Promise<{ failed: number; most: number; up: number; down: number }> {
  const { workers, bytes, part, shared } = scene;
  const byId = await joinWorkers(http, 0, workers);
  const ids = [...byId.keys()];
  const one = partsOf({ seed: 0, bytes }, part(0));
  const contents = ids.map((_, at): { content: Content; parts: readonly Part[] } => {
    const content = { seed: shared ? 0 : at, bytes };
    return { content, parts: shared ? one : partsOf(content, part(at)) };
  });
  await using peak = new Peak(http.hive.pid);
  const began = performance.now();
  // Each in a turn of its own: a thousand that begin at once would keep this process from saying what it connected for.
  let begun = Promise.resolve();
  const stored = ids.map(async (id, at) => {
    const { content, parts } = contents[at] as (typeof contents)[number];
    begun = begun.then(() => turn());
    await begun;
    await store(byId.get(id) as Caller, id, content, parts);
  });
  let failed = await failures(stored, tell);
  const middle = performance.now();
  const readers = await Promise.all(ids.slice(0, 16).map((id) => Caller.enter(http, `reader-${id}`)));
  const lanes = readers.map(async (reader, lane) => {
    for (let at = lane; at < ids.length; at += readers.length) await fetchBack(reader, ids[at] ?? "", bytes);
  });
  failed += await failures(lanes, tell);
  const end = performance.now();
  for (const caller of [...byId.values(), ...readers]) caller.close();
  const all = (workers * bytes) / MB;
  return {
    failed,
    most: peak.most,
    up: (all / (middle - began)) * 1000,
    down: (all / (end - middle)) * 1000,
  };
}

/**
 * Artifacts of telemetry by reference manifests, stored and read back by digest without a client that tries again.
 * `SKEP_BENCH_ARTIFACTS=8x1000,1000x10` for some of them: workers and megabytes.
 */
export const httpArtifacts: Bench = {
  name: "http-artifacts",
  extra: true,
  async run(tell) {
    const named = process.env.SKEP_BENCH_ARTIFACTS?.split(",") ?? Object.keys(scenes);
    const rows: Measured[] = [];
    for (const name of named) {
      const scene = scenes[name];
      if (!scene) throw new Error(`no such artifacts: ${name}`);
      tell(name);
      await using http = await startHttp();
      const { failed, most, up, down } = await play(http, scene, tell);
      tell(
        `${name}: ${failed} failed, at most ${Math.round(most)} MB, ${Math.round(up)} and ${Math.round(down)} MB/s`,
      );
      const title = `${scene.workers} artifacts of ${scene.bytes / MB} MB${scene.shared ? ", one content" : ""}`;
      rows.push(
        { name: `${title}: failed without a retry`, unit: "", runs: [failed], goal: { most: 0 } },
        { name: `${title}: memory of the daemon, most`, unit: "MB", runs: [most], goal: { most: 300 } },
        { name: `${title}: stored`, unit: "MB/s", runs: [up] },
        { name: `${title}: read back`, unit: "MB/s", runs: [down] },
      );
    }
    return rows;
  },
};
