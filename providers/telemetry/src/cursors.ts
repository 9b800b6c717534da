import { faults } from "@skep/fault";
import type { StreamSource } from "@skep/kernel";

const fault = faults("telemetry", {
  stale: ["stale", "Cannot read on: telemetry cursor stale", { detail: "invalid-payload" }],
  rewind: [
    "invalid",
    "Cannot go back so far at once",
    { cure: "Go back by at most the size of the ring", detail: "invalid-payload" },
  ],
  cursor: [
    "quota",
    "Cannot read on: the cursor moves of the session are used up",
    { cure: "Attach again, or follow the stream", detail: "ticket-limit" },
  ],
});

/** How often a session may move its cursors; 0 is without limit. */
export interface CursorQuotas {
  /** Reads that go on. */
  readonly advances: number;
  /** Reads that go back. */
  readonly resumes: number;
}

interface Moved {
  readonly at: Map<string, number>;
  advances: number;
  resumes: number;
}

/** Where each session is in each ring, and how often it moved. */
export class Cursors {
  readonly #quotas: CursorQuotas;
  readonly #sessions = new Map<string, Moved>();

  constructor(quotas: CursorQuotas) {
    this.#quotas = quotas;
  }

  #of(session: string): Moved {
    const known = this.#sessions.get(session);
    if (known) return known;
    const made = { at: new Map<string, number>(), advances: 0, resumes: 0 };
    this.#sessions.set(session, made);
    return made;
  }

  /**
   * The offset to read from: as asked, or the end where there is no more. A read before the session's cursor is a resume,
   * every other an advance. Throws `telemetry.{stale,rewind,cursor}`, which moves nothing.
   */
  move(session: string, id: string, asked: number, ring: StreamSource, most: number): number {
    const moved = this.#of(session);
    const before = moved.at.get(id);
    const back = before === undefined ? 0 : before - asked;
    if (asked < ring.base) throw fault.stale(`requested=${asked} rewind_to=${ring.base}`);
    if (back > most) throw fault.rewind(`requested=${asked} cursor=${before} most=${most}`);
    const kind = back > 0 ? "resumes" : "advances";
    const limit = this.#quotas[kind];
    if (limit > 0 && moved[kind] >= limit) throw fault.cursor(`${kind}=${limit}`);
    moved[kind] += 1;
    moved.at.set(id, ring.next);
    return Math.min(asked, ring.next);
  }

  /** The session has ended. */
  forget(session: string): void {
    this.#sessions.delete(session);
  }
}
