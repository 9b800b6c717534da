import type { Wire, WireEvents } from "@skep/ninep";
import { fault, type Trace } from "./trace.ts";

const types = { lerror: 7, attach: 104, write: 118, written: 119 } as const;

const typeOf = (frame: Uint8Array): number => frame[4] ?? 0;
const tagOf = (frame: Uint8Array): number => Buffer.from(frame).readUInt16LE(5);

/** Cuts a stream of bytes into 9P messages. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);

  *of(bytes: Uint8Array): Generator<Buffer> {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const size = this.#rest.length < 4 ? Number.POSITIVE_INFINITY : this.#rest.readUInt32LE(0);
      if (this.#rest.length < size) return;
      yield Buffer.from(this.#rest.subarray(0, size));
      this.#rest = this.#rest.subarray(size);
    }
  }
}

/** A Tattach without the ticket that it carries; every other message as it is. */
function withoutTicket(frame: Buffer): Buffer {
  if (typeOf(frame) !== types.attach) return frame;
  const uname = 15;
  const aname = uname + 2 + frame.readUInt16LE(uname);
  const end = aname + 2 + frame.readUInt16LE(aname);
  const bare = Buffer.concat([frame.subarray(0, aname), Buffer.alloc(2), frame.subarray(end)]);
  bare.writeUInt32LE(bare.length, 0);
  return bare;
}

function ackOf(request: Uint8Array, response: Buffer): string | undefined {
  if (typeOf(request) !== types.write) return undefined;
  if (typeOf(response) === types.written) return `OK WRITE count=${response.readUInt32LE(7)}`;
  return typeOf(response) === types.lerror ? `ERR WRITE errno=${response.readUInt32LE(7)}` : "ERR WRITE";
}

const nothing = new Uint8Array();

/** A wire that is heard: `ended` is given all that went over it, once. */
export function recording(wire: Wire, ended: (trace: Trace) => void): Wire {
  const frames: { request: Buffer; response: Uint8Array }[] = [];
  const acks: string[] = [];
  const open = new Map<number, number>();
  const [said, heard] = [new Frames(), new Frames()];
  let told = false;
  const end = (): void => {
    if (told) return;
    told = true;
    ended({ frames, acks });
  };
  const hear = (response: Buffer): void => {
    const at = open.get(tagOf(response));
    const pair = at === undefined ? undefined : frames[at];
    if (!pair) return;
    open.delete(tagOf(response));
    pair.response = response;
    const ack = ackOf(pair.request, response);
    if (ack !== undefined) acks.push(ack);
  };
  return {
    listen: (events) =>
      wire.listen({
        data: (bytes) => {
          for (const response of heard.of(bytes)) hear(response);
          events.data(bytes);
        },
        drain: () => events.drain(),
        closed: (cause) => {
          end();
          events.closed(cause);
        },
      }),
    write: (bytes) => {
      for (const request of said.of(bytes)) {
        open.set(tagOf(request), frames.length);
        frames.push({ request: withoutTicket(request), response: nothing });
      }
      return wire.write(bytes);
    },
    pause: () => wire.pause(),
    resume: () => wire.resume(),
    close: () => {
      end();
      wire.close();
    },
  };
}

/** A wire on which a trace answers; it ends with `trace.request` at a request that is not the one that was recorded, byte for byte. */
export function replaying({ frames }: Trace): Wire {
  const said = new Frames();
  let events: WireEvents | undefined;
  let at = 0;
  let ended = false;
  const close = (cause?: unknown): void => {
    if (ended) return;
    ended = true;
    setImmediate(() => events?.closed(cause));
  };
  return {
    listen: (given) => {
      events = given;
    },
    write: (bytes) => {
      for (const request of said.of(bytes)) {
        const due = frames[at];
        if (!due || !withoutTicket(request).equals(due.request)) {
          close(fault.request(`at index ${at}`));
          return true;
        }
        at += 1;
        if (due.response.length > 0) setImmediate(() => ended || events?.data(new Uint8Array(due.response)));
      }
      return true;
    },
    pause: () => undefined,
    resume: () => undefined,
    close: () => close(),
  };
}
