import { faults } from "@skep/fault";
import type { Ring } from "@skep/kernel";
import type { BusAdapter } from "./adapters.ts";
import { linesOf, Newest, newline } from "./newest.ts";

const fault = faults("bus", {
  full: [
    "quota",
    "Cannot spool: the spool of this bus is full",
    { cure: "Set the link online, and write to replay", detail: "buffer-full" },
  ],
  long: ["oversize", "Cannot take a line that is longer than 4096 bytes", { detail: "invalid-payload" }],
});

/** Keeps lines in order until they are acknowledged; each is durable when its number is told. */
export interface BusSpool {
  append(line: Uint8Array): Promise<number>;
  /** Those that nobody acknowledged, the oldest first. */
  waiting(): readonly { readonly seq: number; readonly payload: Uint8Array }[];
  /** They may go, up to this one. */
  acknowledge(seq: number): Promise<void>;
}

/** Opens the spool of a bus, with room for so many lines of so many bytes together. */
export type OpenSpool = (
  bus: string,
  room: { readonly entries: number; readonly bytes: number },
) => Promise<BusSpool>;

/** How much is spooled. */
export interface Spooled {
  readonly entries: number;
  readonly bytes: number;
}

/** Where lines go that pass. */
export interface Rings {
  readonly telemetry: Ring;
  readonly replay: Ring;
}

/** Where lines go at the moment. */
export interface Way {
  readonly online: () => boolean;
  readonly rings: Rings;
}

const longest = 4096;
/** What passes over buses: through at once, or over a spool while the link is offline. */
export class Traffic {
  readonly #open: OpenSpool;
  readonly #spools = new Map<string, Promise<BusSpool>>();
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #newest = new Newest();

  constructor(open: OpenSpool) {
    this.#open = open;
  }

  #spool(name: string, { spool }: BusAdapter): Promise<BusSpool> {
    const known = this.#spools.get(name);
    if (known) return known;
    const opened = this.#open(name, spool).then((made) => {
      for (const { payload } of made.waiting()) this.#newest.isNew(name, Buffer.from(payload));
      return made;
    });
    this.#spools.set(name, opened);
    // What could not be opened is tried again with the next line.
    opened.catch(() => this.#spools.delete(name));
    return opened;
  }

  // One after the other on each bus, so that nothing overtakes a replay.
  #inTurn<T>(name: string, act: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const done = before.then(act, act);
    this.#turns.set(
      name,
      done.catch(() => undefined),
    );
    return done;
  }

  /** Takes whole lines; gives how many bytes were. Throws `bus.full` and `bus.long` where none was. */
  take(name: string, adapter: BusAdapter, bytes: Uint8Array, way: Way): Promise<number> {
    return this.#inTurn(name, async () => {
      let taken = 0;
      for (const line of linesOf(bytes)) {
        try {
          await this.#line(name, adapter, line, way);
        } catch (thrown) {
          if (taken === 0) throw thrown;
          break;
        }
        taken = Math.min(bytes.length, taken + line.length + 1);
      }
      return taken;
    });
  }

  async #line(name: string, adapter: BusAdapter, line: Buffer, { online, rings }: Way): Promise<void> {
    if (line.length > longest) throw fault.long(line.length);
    if (line.length === 0 || !this.#newest.isNew(name, line)) return;
    if (online()) rings.telemetry.append(Buffer.concat([line, newline]));
    else await this.#keep(name, adapter, line);
  }

  // What could not be kept is no repetition when it comes again.
  async #keep(name: string, adapter: BusAdapter, line: Buffer): Promise<void> {
    try {
      await this.#spooled(name, adapter, line);
    } catch (thrown) {
      this.#newest.forget(name, line);
      throw thrown;
    }
  }

  async #spooled(name: string, adapter: BusAdapter, line: Buffer): Promise<void> {
    const spool = await this.#spool(name, adapter);
    const { entries, bytes } = sumOf(spool);
    const { spool: room } = adapter;
    if (entries + 1 > room.entries || bytes + line.length > room.bytes)
      throw fault.full(`${entries} of ${room.entries} lines, ${bytes} of ${room.bytes} bytes`);
    await spool.append(line);
  }

  /** Lets everything that is spooled pass, in order; `asked` tells so even where there was nothing. */
  replay(name: string, adapter: BusAdapter, rings: Rings, asked: boolean): Promise<Spooled> {
    return this.#inTurn(name, async () => {
      const spool = await this.#spool(name, adapter);
      const waiting = spool.waiting();
      const told = sumOf(spool);
      for (const { payload } of waiting) rings.telemetry.append(Buffer.concat([payload, newline]));
      const last = waiting.at(-1);
      if (last) await spool.acknowledge(last.seq);
      if (asked || last)
        rings.replay.append(Buffer.from(`replay entries=${told.entries} bytes=${told.bytes}\n`));
      return told;
    });
  }

  /** What is spooled at the moment. */
  async spooled(name: string, adapter: BusAdapter): Promise<ReturnType<BusSpool["waiting"]>> {
    return (await this.#spool(name, adapter)).waiting();
  }
}

function sumOf(spool: BusSpool): Spooled {
  const waiting = spool.waiting();
  return { entries: waiting.length, bytes: waiting.reduce((sum, { payload }) => sum + payload.length, 0) };
}
