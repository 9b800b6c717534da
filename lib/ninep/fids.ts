import { fault } from "./faults.ts";
import type { HostFile, HostHandle, Root } from "./host.ts";

/** One attach on a connection, counted by its fids. */
export interface Attached {
  readonly root: Root;
  fids: number;
  over: boolean;
  readonly stop: () => void;
}

/** A file and the way back to the root. */
export interface Place {
  readonly file: HostFile;
  readonly parent: Place | undefined;
}

/** What a fid stands for. */
export interface Fid {
  readonly attached: Attached;
  place: Place;
  handle: HostHandle | undefined;
  /** Open reads and writes that its flags allow. */
  reads: boolean;
  writes: boolean;
  /** Made by Txattrwalk: an empty list of names, nothing else. */
  readonly list: boolean;
}

/** The fids of one connection; numbers are reserved while what they will stand for is on its way. */
export class Fids {
  readonly #limit: number;
  readonly #fids = new Map<number, Fid>();
  readonly #reserved = new Set<number>();
  /** Numbers that are on the way to a file or to its opening, with what waits for that. */
  readonly #busy = new Map<number, (() => void)[]>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#fids.size + this.#reserved.size;
  }

  get(number: number): Fid {
    const fid = this.#fids.get(number);
    if (!fid) throw fault.badFid(number);
    if (fid.attached.over) throw fault.ended(number);
    return fid;
  }

  reserve(number: number): void {
    if (this.#fids.has(number) || this.#reserved.has(number)) throw fault.fidInUse(number);
    if (this.size >= this.#limit) throw fault.fidLimit();
    this.#reserved.add(number);
  }

  release(number: number): void {
    this.#reserved.delete(number);
    this.end(number);
  }

  /** From now on what asks for this number waits until `end`. */
  begin(number: number): void {
    this.#busy.set(number, []);
  }

  end(number: number): void {
    const waiting = this.#busy.get(number);
    this.#busy.delete(number);
    for (const act of waiting ?? []) act();
  }

  /** Resolves when what is under way for this number has ended; undefined where nothing is. */
  idle(number: number): Promise<void> | undefined {
    const waiting = this.#busy.size === 0 ? undefined : this.#busy.get(number);
    return waiting && new Promise((resolve) => waiting.push(resolve));
  }

  /** Makes a reserved number stand for a place. */
  set(number: number, attached: Attached, place: Place, list = false): void {
    this.release(number);
    attached.fids += 1;
    this.#fids.set(number, { attached, place, handle: undefined, reads: false, writes: false, list });
  }

  /** Forgets a fid; throws `ninep.badFid` where there is none. */
  clunk(number: number): Fid {
    const fid = this.#fids.get(number);
    if (!fid) throw fault.badFid(number);
    this.#fids.delete(number);
    return fid;
  }

  /** Forgets all of them. */
  clear(): [number, Fid][] {
    const gone = [...this.#fids];
    this.#fids.clear();
    this.#reserved.clear();
    this.#busy.clear();
    return gone;
  }

  of(attached: Attached): [number, Fid][] {
    return [...this.#fids].filter(([, fid]) => fid.attached === attached);
  }
}
