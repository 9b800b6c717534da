import type { Clock, Timer } from "@skep/clock";
import {
  decodeResponse,
  encodeConfirm,
  encodeRead,
  type Indications,
  type ReadHeader,
  type Response,
} from "./application.ts";
import { fault } from "./faults.ts";
import { LinkDeframer, type LinkFrame, linkFrame } from "./link.ts";
import type { Point } from "./objects.ts";
import { Reassembler, segments } from "./transport.ts";

/** Bytes to and from an outstation. */
export interface Wire {
  send(bytes: Uint8Array): void;
  /** Calls `bytes` with what comes, and `end` once when nothing will come any more. */
  listen(on: { readonly bytes: (bytes: Uint8Array) => void; readonly end: (cause?: unknown) => void }): void;
  close(): void;
}

/** What a master is made of. */
export interface MasterOptions {
  readonly wire: Wire;
  /** Link addresses of this end and of the outstation. */
  readonly master: number;
  readonly outstation: number;
  readonly clock: Pick<Clock, "after">;
  /** How long the outstation may take for each fragment, milliseconds. */
  readonly timeoutMs: number;
  /** Points that it tells without being asked; they are confirmed first. */
  readonly unsolicited?: (points: readonly Point[]) => void;
}

interface Waiting {
  seq: number;
  readonly points: Point[];
  timer: Timer;
  readonly done: (read: { readonly points: readonly Point[]; readonly indications: Indications }) => void;
  readonly failed: (error: unknown) => void;
}

const link = { userData: 0xc4, status: 0x8b, ack: 0x80 } as const;
const requestStatus = 9;
const confirmedData = 3;
const unconfirmedData = 4;

/** Reads an outstation: what it has now, and what changed. It never operates, and never writes. */
export class Dnp3Master {
  readonly #options: MasterOptions;
  readonly #deframer = new LinkDeframer();
  readonly #reassembler = new Reassembler();
  #waiting: Waiting | undefined;
  #seq = 0;
  #segment = 0;
  #ended: { readonly cause: unknown } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: MasterOptions) {
    this.#options = options;
    options.wire.listen({
      bytes: (bytes) => {
        for (const frame of this.#deframer.push(bytes)) this.#frame(frame);
      },
      end: (cause) => this.#end(cause),
    });
  }

  /** False once the wire ended. */
  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** Reads objects, or with none all classes. Throws `dnp3.timeout`, `dnp3.closed`, `dnp3.form`, `dnp3.object`. */
  read(headers: readonly ReadHeader[] = everything): Promise<{
    readonly points: readonly Point[];
    readonly indications: Indications;
  }> {
    const act = () => this.#one(headers);
    const done = this.#last.then(act, act);
    this.#last = done.catch(() => undefined);
    return done;
  }

  close(): void {
    this.#options.wire.close();
    this.#end();
  }

  #one(headers: readonly ReadHeader[]): ReturnType<Dnp3Master["read"]> {
    if (this.#ended) throw fault.closed(undefined, { cause: this.#ended.cause });
    this.#seq = (this.#seq + 1) & 15;
    return new Promise((done, failed) => {
      this.#waiting = { seq: this.#seq, points: [], timer: this.#patience(), done, failed };
      this.#send(encodeRead(this.#seq, headers));
    });
  }

  #patience(): Timer {
    const { clock, timeoutMs, outstation } = this.#options;
    return clock.after(timeoutMs, () =>
      this.#fail(fault.timeout(`outstation ${outstation}, ${timeoutMs} ms`)),
    );
  }

  #send(fragment: Buffer): void {
    for (const segment of segments(fragment, this.#segment)) {
      this.#segment = (this.#segment + 1) & 0x3f;
      this.#frameOut(link.userData, segment);
    }
  }

  #frameOut(control: number, payload: Uint8Array): void {
    const { wire, master, outstation } = this.#options;
    wire.send(linkFrame({ control, destination: outstation, source: master, payload }));
  }

  #frame({ control, destination, source, payload }: LinkFrame): void {
    const { master, outstation } = this.#options;
    const primary = (control & 0x40) !== 0;
    if (destination !== master || source !== outstation || !primary) return;
    const code = control & 15;
    if (code === requestStatus) this.#frameOut(link.status, new Uint8Array(0));
    if (code === confirmedData) this.#frameOut(link.ack, new Uint8Array(0));
    if (code !== confirmedData && code !== unconfirmedData) return;
    const fragment = this.#reassembler.push(payload);
    if (fragment) this.#fragment(fragment);
  }

  #fragment(fragment: Buffer): void {
    let response: Response;
    try {
      response = decodeResponse(fragment);
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    const { seq, unsolicited, confirm, blocks } = response;
    const points = blocks.flatMap((block) => block.points);
    if (unsolicited) {
      if (confirm) this.#send(encodeConfirm(seq, true));
      this.#options.unsolicited?.(points);
      return;
    }
    const waiting = this.#waiting;
    // An answer to what is not asked any more.
    if (waiting?.seq !== seq) return;
    if (confirm) this.#send(encodeConfirm(seq, false));
    waiting.points.push(...points);
    waiting.timer.stop();
    if (!response.last) {
      waiting.seq = (seq + 1) & 15;
      this.#seq = waiting.seq;
      waiting.timer = this.#patience();
      return;
    }
    this.#waiting = undefined;
    waiting.done({ points: waiting.points, indications: response.indications });
  }

  #fail(error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.timer.stop();
    waiting?.failed(error);
  }

  #end(cause?: unknown): void {
    this.#ended ??= { cause };
    this.#fail(fault.closed(undefined, { cause }));
  }
}

/** Events of classes 1 to 3 first, then what is now: an integrity poll. */
const everything: readonly ReadHeader[] = [2, 3, 4, 1].map((variation) => ({ group: 60, variation }));
