import type { Clock, Timer } from "@skep/clock";
import {
  decodeResponse,
  encodeConfirm,
  encodeRead,
  type Indications,
  type ReadHeader,
  type Response,
} from "./application.ts";
import {
  type Control,
  type ControlAnswer,
  type ControlStep,
  decodeControlAnswer,
  encodeControl,
} from "./control.ts";
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
  /** Points that it tells without being asked, confirmed first, and those of a reading that failed in its midst. */
  readonly unsolicited?: (points: readonly Point[]) => void;
}

interface Waiting {
  seq: number;
  readonly points: Point[];
  /** Of a control: reads its answer, where that is one. */
  readonly answer?: (fragment: Buffer) => void;
  timer: Timer;
  readonly done: (read: { readonly points: readonly Point[]; readonly indications: Indications }) => void;
  readonly failed: (error: unknown) => void;
}

const link = { userData: 0xc4, status: 0x8b, ack: 0x80 } as const;
const requestStatus = 9;
const response = 0x81;
const unsolicitedResponse = 0x82;
const wantsConfirm = 0x20;
const confirmedData = 3;
const unconfirmedData = 4;

/** Reads an outstation: what it has now, and what changed; operates outputs where it is told to, each request once. */
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

  /**
   * Operates an output, selected first or directly. Throws `dnp3.refused`, `dnp3.unselected` and `dnp3.control` where it was
   * surely not operated, `dnp3.closed` where nothing was asked, and `dnp3.unsure` where nobody knows. Nothing is asked twice.
   */
  operate(control: Control, mode: "select" | "direct"): Promise<void> {
    const act = () => this.#operate(control, mode);
    const done = this.#last.then(act, act);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #operate(control: Control, mode: "select" | "direct"): Promise<void> {
    const first = (this.#seq + 1) & 15;
    encodeControl(first, "direct", control);
    if (this.#ended) throw fault.closed(undefined, { cause: this.#ended.cause });
    if (mode === "select") {
      let selected: ControlAnswer;
      try {
        selected = await this.#control("select", control);
      } catch (cause) {
        throw fault.unselected((cause as Error).message, { cause });
      }
      if (selected.told !== "accepted") throw fault.refused(`selection: ${selected.reason}`);
    }
    let answer: ControlAnswer;
    try {
      answer = await this.#control(mode === "select" ? "operate" : "direct", control);
    } catch (cause) {
      throw fault.unsure((cause as Error).message, { cause });
    }
    if (answer.told === "refused") throw fault.refused(answer.reason);
    if (answer.told === "unclear") throw fault.unsure(answer.reason);
  }

  #control(step: ControlStep, control: Control): Promise<ControlAnswer> {
    if (this.#ended) throw fault.closed(undefined, { cause: this.#ended.cause });
    // An operation has the number behind its selection, or the outstation refuses it.
    this.#seq = (this.#seq + 1) & 15;
    return new Promise((done, failed) => {
      const answer = (fragment: Buffer): void => {
        try {
          const read = decodeControlAnswer(fragment, control);
          this.#settle();
          done(read);
        } catch (thrown) {
          this.#fail(thrown);
        }
      };
      this.#waiting = {
        ...{ seq: this.#seq, points: [], timer: this.#patience(), answer, failed },
        done: () => undefined,
      };
      this.#send(encodeControl(this.#seq, step, control));
    });
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
    if (this.#controlled(fragment)) return;
    const [head = 0, code] = fragment;
    // An answer to what is not asked any more.
    if (code === response && (head & 15) !== this.#waiting?.seq) return;
    let read: Response;
    try {
      read = decodeResponse(fragment);
    } catch (thrown) {
      // What comes unasked is no answer to what was asked.
      if (code !== unsolicitedResponse) this.#fail(thrown);
      return;
    }
    const { seq, unsolicited, confirm, blocks } = read;
    const points = blocks.flatMap((block) => block.points);
    if (unsolicited) {
      if (confirm) this.#send(encodeConfirm(seq, true));
      this.#options.unsolicited?.(points);
      return;
    }
    const waiting = this.#waiting;
    if (waiting?.seq !== seq) return;
    if (confirm) this.#send(encodeConfirm(seq, false));
    waiting.points.push(...points);
    waiting.timer.stop();
    if (!read.last) {
      waiting.seq = (seq + 1) & 15;
      this.#seq = waiting.seq;
      waiting.timer = this.#patience();
      return;
    }
    this.#waiting = undefined;
    waiting.done({ points: waiting.points, indications: read.indications });
  }

  /** Takes a fragment that answers a control; false for every other. */
  #controlled(fragment: Buffer): boolean {
    const [head = 0, code] = fragment;
    const { answer, seq } = this.#waiting ?? {};
    if (!answer || code !== response || (head & 15) !== seq) return false;
    if ((head & wantsConfirm) !== 0) this.#send(encodeConfirm(head & 15, false));
    answer(fragment);
    return true;
  }

  #settle(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.timer.stop();
    return waiting;
  }

  #fail(error: unknown): void {
    const waiting = this.#settle();
    if (!waiting) return;
    // They were confirmed: the outstation let go of its events and tells them to nobody again.
    if (waiting.points.length > 0) this.#options.unsolicited?.(waiting.points);
    waiting.failed(error);
  }

  #end(cause?: unknown): void {
    this.#ended ??= { cause };
    this.#fail(fault.closed(undefined, { cause }));
  }
}

/** Events of classes 1 to 3 first, then what is now: an integrity poll. */
const everything: readonly ReadHeader[] = [2, 3, 4, 1].map((variation) => ({ group: 60, variation }));
