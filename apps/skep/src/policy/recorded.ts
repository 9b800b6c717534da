import type { JournalRecord, TreeActs } from "@skep/kernel";
import type { PolicyRequest } from "@skep/policy";

/** A request that a record tells of. */
export interface Recorded {
  readonly seq: number;
  readonly request: PolicyRequest;
}

/** What somebody asked for, out of the log; `lifecycle` is followed along it. */
export class Requests {
  readonly #acts: TreeActs;
  #lifecycle = "ONLINE";
  /** Refusals, whose commands are not kept. */
  skipped = 0;

  constructor(acts: TreeActs) {
    this.#acts = acts;
  }

  /** The request of a record; undefined for what the hive did by itself, and for refusals. */
  of({ seq, subject, role = "", ticket, path, command, time, events }: JournalRecord): Recorded | undefined {
    for (const { t, d } of events)
      if (t === "kernel:lifecycle@1") this.#lifecycle = String((d as { readonly state: string }).state);
    if (ticket.length === 0) return undefined;
    const acting = command === null ? undefined : this.#acts.of(path, command);
    if (!acting) {
      this.skipped += 1;
      return undefined;
    }
    const { name: act, class: kind, data } = acting;
    const as = acting.act?.as ?? role;
    const lifecycle = this.#lifecycle;
    return { seq, request: { subject, role: as, path, act, class: kind, data, now: time, lifecycle } };
  }
}
