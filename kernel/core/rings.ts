import { escapeForeign } from "@skep/text";
import type { JournalRecord } from "../journal/record.ts";
import { type IndexEntry, touchKind } from "../store/index.ts";
import type { Bound } from "../session/space.ts";
import { Ring } from "../state/ring.ts";
import type { Runtime } from "../state/runtime.ts";
import type { EventMeta } from "../state/provider.ts";
import type { Slices } from "./slices.ts";

interface Ended {
  readonly id: string;
  readonly subject: string;
  readonly blocks: readonly string[];
  close(reason: string): void;
  bind(bound: Bound): void;
}

interface Host {
  readonly slices: Slices;
  readonly sessions: ReadonlyMap<string, Ended>;
  readonly time: { now(): number };
  readonly options: { readonly ringCapacity?: number };
}

type Notify = (data: never, meta: EventMeta, runtime: Runtime, state: never) => void;
type Recorded = (record: JournalRecord, runtime: Runtime, state: never) => void;
type IndexOf = (data: never, meta: EventMeta) => IndexEntry | readonly IndexEntry[] | undefined;
type Touches = (data: never, meta: EventMeta) => string | readonly string[] | undefined;

/** What is volatile: rings behind streams, and what durable events mean for them. */
export class Rings implements Runtime {
  readonly #host: Host;
  readonly #rings = new Map<string, Ring>();
  readonly #notify = new Map<string, { readonly act: Notify; readonly state: unknown }[]>();
  readonly #recorded: { readonly act: Recorded; readonly state: unknown }[] = [];
  readonly #index = new Map<string, IndexOf>();
  readonly #touches = new Map<string, Touches>();
  readonly #touched = new Map<string, { readonly size: number; readonly time: number }>();
  /** Bytes that readers of a stream missed because they were overtaken, by path. */
  readonly overtaken = new Map<string, { readers: number; bytes: number }>();

  constructor(host: Host) {
    this.#host = host;
    for (const { provider, slice } of host.slices.bound) {
      const full = (name: string): string => (name.includes(":") ? name : `${provider.name}:${name}`);
      if (provider.recorded) this.#recorded.push({ act: provider.recorded as Recorded, state: slice });
      for (const [name, act] of Object.entries(provider.notify ?? {}))
        this.#notify.set(full(name), [
          ...(this.#notify.get(full(name)) ?? []),
          { act: act as Notify, state: slice },
        ]);
      for (const [name, of] of Object.entries(provider.index ?? {}))
        this.#index.set(full(name), of as IndexOf);
      for (const [name, of] of Object.entries(provider.touches ?? {}))
        this.#touches.set(full(name), of as Touches);
    }
  }

  ring(path: string, capacity?: number): Ring {
    const known = this.#rings.get(path);
    if (known) return known;
    const made = new Ring(capacity ?? this.#host.options.ringCapacity ?? 64 * 1024);
    this.#rings.set(path, made);
    return made;
  }

  /** The ring if somebody made it. */
  known(path: string): Ring | undefined {
    return this.#rings.get(path);
  }

  dropRing(path: string): void {
    this.#rings.get(path)?.end();
    this.#rings.delete(path);
    this.overtaken.delete(path);
    this.#touched.delete(path);
  }

  /** When a file changed: its provider's last change, or when a stream was first seen with its present size. */
  touched(path: string, size: number, known: number | undefined): number {
    if (known !== undefined) return known;
    const seen = this.#touched.get(path);
    if (seen?.size === size) return seen.time;
    const time = this.#host.time.now();
    this.#touched.set(path, { size, time });
    return time;
  }

  tellOvertaken(path: string, bytes: number): void {
    const known = this.overtaken.get(path) ?? { readers: 0, bytes: 0 };
    this.overtaken.set(path, { readers: known.readers + 1, bytes: known.bytes + bytes });
  }

  closeSessions(match: (session: Ended) => boolean): number {
    const ended = [...this.#host.sessions.values()].filter(match);
    for (const session of ended) session.close("closed by the hive");
    return ended.length;
  }

  bind(session: string, bound: Bound): void {
    try {
      this.#host.sessions.get(session)?.bind(bound);
    } catch (refused) {
      this.log(`bind refused session=${session} to=${bound.to}: ${(refused as Error).message}`);
    }
  }

  // The bracket tells the hive's own lines from people's, whose lines the console's summary prefers.
  log(line: string): void {
    const shown = escapeForeign(line, { form: "wire" });
    this.ring("/log/queen.log").append(Buffer.from(`[hive] ${shown}\n`));
  }

  /** Tells those who follow the journal itself. */
  told(record: JournalRecord): void {
    for (const { act, state } of this.#recorded) act(record, this, state as never);
  }

  notify(record: JournalRecord): void {
    this.told(record);
    const meta = { seq: record.seq, time: record.time, subject: record.subject };
    for (const { t, d } of record.events)
      for (const { act, state } of this.#notify.get(t) ?? []) act(d as never, meta, this, state as never);
  }

  indexed(record: JournalRecord): IndexEntry[] {
    const meta = { seq: record.seq, time: record.time, subject: record.subject };
    const entries: IndexEntry[] = [];
    const touched = new Set<string>();
    if (record.ticket.length > 0) touched.add(record.path);
    for (const { t, d } of record.events) {
      const entry = this.#index.get(t)?.(d as never, meta);
      if (entry) entries.push(...("kind" in entry ? [entry] : entry));
      const paths = this.#touches.get(t)?.(d as never, meta) ?? [];
      for (const path of typeof paths === "string" ? [paths] : paths) touched.add(path);
    }
    for (const path of touched) entries.push({ kind: touchKind, key: path, seq: record.seq });
    if (record.outcome !== undefined) entries.push({ kind: "outcome", key: record.outcome, seq: record.seq });
    return entries;
  }
}
