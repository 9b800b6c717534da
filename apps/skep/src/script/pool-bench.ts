import { setTimeout as later } from "node:timers/promises";
import { faults } from "@skep/fault";
import { realClock } from "../clock.ts";
import { SessionPool, type SessionKind } from "../client/pool.ts";
import type { Talk } from "./talk.ts";

const fault = faults("script", {
  bench: [
    "invalid",
    "Cannot run pool bench with this",
    {
      cure: "path=/log/queen.log ops=64 batch=8 payload=text payload_bytes=16 kind=telemetry inject_failures=1 exhaust=1",
    },
  ],
});

interface Bench {
  readonly path: string;
  readonly ops: number;
  /** Lines that travel in one go. */
  readonly batch: number;
  readonly payload: string;
  readonly kind: SessionKind;
  /** Batches that are broken off in the midst of a frame. */
  readonly failures: number;
  /** More batches at the same time than there are sessions. */
  readonly exhaust: boolean;
}

const whole = (word: string | undefined, usual: number, most: number): number => {
  if (word === undefined) return usual;
  if (!/^\d{1,6}$/.test(word) || Number(word) > most) throw fault.bench(word);
  return Number(word);
};

const names = ["path", "ops", "batch", "payload", "payload_bytes", "kind", "inject_failures", "exhaust"];

/** Reads `key=value` words. Throws `script.bench`. */
export function parseBench(words: readonly string[]): Bench {
  const given = new Map<string, string>();
  for (const word of words) {
    const [, key = "", value = ""] = /^([a-z_]+)=(.+)$/.exec(word) ?? [];
    if (!names.includes(key)) throw fault.bench(word);
    given.set(key, value);
  }
  const kind = given.get("kind") ?? "telemetry";
  if (kind !== "control" && kind !== "telemetry") throw fault.bench(kind);
  const text = given.get("payload") ?? "pool";
  return {
    path: given.get("path") ?? "/log/queen.log",
    ops: whole(given.get("ops"), 64, 100_000),
    batch: Math.max(1, whole(given.get("batch"), 8, 64)),
    payload: text.padEnd(whole(given.get("payload_bytes"), text.length, 96), "x"),
    kind,
    failures: whole(given.get("inject_failures"), 0, 1000),
    exhaust: whole(given.get("exhaust"), 0, 1) === 1,
  };
}

/** Lines of a batch that have not arrived, by reading the file: what was sent once is not sent again. */
async function missing(talk: Talk, path: string, lines: readonly string[]): Promise<readonly string[]> {
  const there = new Set(await talk.ask(`CAT ${path}`));
  return lines.filter((line) => !there.has(line));
}

/** What a pool needs of its surroundings. */
export interface BenchPool {
  readonly sessions: Readonly<Record<SessionKind, number>>;
  readonly retry: { readonly times: number; readonly wait_ms: number; readonly most_ms: number };
  readonly open: () => Promise<Talk>;
}

/**
 * Appends so many lines over a pool of sessions, and tells how it went: `OK POOL …`, or `ERR POOL …` where a line was refused or
 * lost. Batches that break are repeated without what had arrived.
 */
export async function poolBench(
  bench: Bench,
  { sessions, retry, open }: BenchPool,
): Promise<readonly string[]> {
  const { path, ops, batch, payload, kind } = bench;
  await using pool = new SessionPool<Talk>({
    ...{ sessions, retry, open },
    close: (talk) => talk[Symbol.asyncDispose](),
    wait: (ms) => later(ms),
  });
  const began = realClock.monotonic();
  const mark = began.toString(36).replace(".", "").slice(-8);
  let left = bench.failures;
  const one = async (first: number): Promise<readonly string[]> => {
    const count = Math.min(batch, ops - first);
    const lines = Array.from({ length: count }, (_, at) => `${payload}-${mark}-${first + at}`);
    let tried = false;
    return pool.run(kind, async (talk) => {
      const todo = tried ? await missing(talk, path, lines) : lines;
      tried = true;
      if (left > 0) {
        left -= 1;
        talk.breakOff(`ECHO ${path} ${lines[0]}`);
      }
      const told = await talk.acknowledged(todo.map((line) => `ECHO ${path} ${line}`));
      return [...told, ...Array<string>(count - todo.length).fill("OK ECHO")];
    });
  };
  const starts = Array.from({ length: Math.ceil(ops / batch) }, (_, at) => at * batch);
  const width = bench.exhaust ? starts.length : sessions[kind];
  const acks: string[] = [];
  for (let at = 0; at < starts.length; at += width)
    acks.push(...(await Promise.all(starts.slice(at, at + width).map(one))).flat());
  const done = acks.filter((ack) => ack.startsWith("OK ")).length;
  const ms = Math.max(1, Math.round(realClock.monotonic() - began));
  const figures = `ops=${done} of=${ops} batch=${batch} sessions=${pool.open} retries=${pool.retried} elapsed_ms=${ms}`;
  if (done === ops) return [`OK POOL ${figures}`];
  const refused = acks.find((ack) => !ack.startsWith("OK ")) ?? "";
  return [refused, `ERR POOL reason=quota ${figures}`];
}
