import { toFault } from "@skep/fault";
import { fault } from "./faults.ts";
import { type Attached, type Fid, Fids } from "./fids.ts";
import type { Host, Root } from "./host.ts";
import type { Serving } from "./requests.ts";

/** What a session tells its connection. */
export interface SessionEvents {
  /** A fid is gone or its attach is over: what waits on it ends with this. */
  dropped(fid: number, cause: () => Error): void;
  /** The host threw where nobody waits for an answer. */
  failed(thrown: unknown): void;
}

/** What lives from one Tversion to the next: fids and attaches. */
export class Session implements Serving {
  readonly host: Host;
  readonly msize: number;
  readonly fids: Fids;
  readonly #events: SessionEvents;
  readonly #attaches = new Set<Attached>();

  constructor(host: Host, msize: number, fids: number, events: SessionEvents) {
    this.host = host;
    this.msize = msize;
    this.fids = new Fids(fids);
    this.#events = events;
  }

  attach(number: number, root: Root): void {
    const stop = () => this.#end(attached);
    const attached: Attached = { root, fids: 0, over: false, stop };
    this.#attaches.add(attached);
    this.fids.set(number, attached, { file: root.file, parent: undefined });
    if (root.ended?.aborted) stop();
    else root.ended?.addEventListener("abort", stop, { once: true });
  }

  clunk(number: number): void {
    const fid = this.fids.clunk(number);
    this.#events.dropped(number, fault.canceled);
    this.#close(fid);
    fid.attached.fids -= 1;
    if (fid.attached.fids === 0) this.#leave(fid.attached);
  }

  /** Forgets everything; the connection has ended what waited. */
  close(): void {
    for (const [, fid] of this.fids.clear()) this.#close(fid);
    for (const attached of [...this.#attaches]) this.#leave(attached);
  }

  /** The session behind an attach is over: its fids stay as numbers to clunk and do nothing else. */
  #end(attached: Attached): void {
    attached.over = true;
    for (const [number, fid] of this.fids.of(attached)) {
      this.#events.dropped(number, fault.ended);
      this.#close(fid);
    }
  }

  #leave(attached: Attached): void {
    if (!this.#attaches.delete(attached)) return;
    attached.root.ended?.removeEventListener("abort", attached.stop);
    this.#guard(() => attached.root.close?.());
  }

  #close(fid: Fid): void {
    const { handle } = fid;
    fid.handle = undefined;
    if (handle?.close) this.#guard(() => handle.close?.());
  }

  #guard(act: () => void | Promise<void>): void {
    try {
      const done = act();
      if (done instanceof Promise) done.catch((thrown: unknown) => this.#events.failed(toFault(thrown)));
    } catch (thrown) {
      this.#events.failed(toFault(thrown));
    }
  }
}
