import { spawn } from "node:child_process";
import type { Clock } from "@skep/clock";
import type { CanFrame, Dumped } from "@skep/can";
import { fault } from "./faults.ts";

/** Classes of errors that a controller tells (`linux/can/error.h`). */
const classes: readonly (readonly [number, string])[] = [
  [0x01, "no room in time"],
  [0x02, "arbitration lost"],
  [0x04, "the controller has trouble"],
  [0x08, "the protocol was broken"],
  [0x10, "the transceiver has trouble"],
  [0x20, "nobody acknowledged it"],
  [0x40, "the controller is off the bus"],
  [0x80, "the bus has errors"],
  [0x100, "the controller was restarted"],
];

/** What the controller tells in a frame of errors. */
export const errorsIn = ({ id }: Pick<CanFrame, "id">): string =>
  classes
    .filter(([bit]) => (id & bit) !== 0)
    .map(([, text]) => text)
    .join(", ") || `error ${id}`;

/** Waits for a frame of this machine to come back from the bus, as it does once somebody acknowledged it there. */
export class Echo {
  readonly #frame: CanFrame;
  readonly #errors = new Set<string>();
  readonly #back = Promise.withResolvers<void>();

  constructor(frame: CanFrame) {
    this.#frame = frame;
  }

  /** Told of each frame that is heard. */
  heard({ frame, sent }: Dumped): void {
    if (frame.error) this.#errors.add(errorsIn(frame));
    const { id, extended, data } = this.#frame;
    // One of another sender may look the same.
    if (sent !== true || frame.error || frame.id !== id || frame.extended !== extended) return;
    if (Buffer.compare(frame.data, data) === 0) this.#back.resolve();
  }

  /** Resolves when it is back. Throws `bridge.lost` where it is not in time, with what the controller said meanwhile. */
  async back(clock: Pick<Clock, "after">, ms: number): Promise<void> {
    const timer = clock.after(ms, () => {
      const errors = [...this.#errors];
      this.#back.reject(
        fault.lost(
          `it did not come back from the bus within ${ms} ms${errors.length > 0 ? `: ${errors.join("; ")}` : ""}`,
        ),
      );
    });
    try {
      await this.#back.promise;
    } finally {
      timer.stop();
    }
  }
}

/** Hands a frame to an interface. Throws `bridge.send` where it was not taken, `bridge.lost` where nobody knows. */
export function cansend(
  program: string,
  name: string,
  { id, extended, data }: CanFrame,
  ms: number,
): Promise<void> {
  const word = id
    .toString(16)
    .toUpperCase()
    .padStart(extended ? 8 : 3, "0");
  const text = `${word}#${Buffer.from(data).toString("hex").toUpperCase()}`;
  const child = spawn(program, [name, text], { stdio: ["ignore", "ignore", "pipe"], timeout: ms });
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(0, 300);
  });
  return new Promise((done, failed) => {
    child.once("error", (cause) => failed(fault.send(cause.message, { cause })));
    child.once("close", (code) => {
      if (code === 0) done();
      else if (code === null) failed(fault.lost(`${program} did not end within ${ms} ms`));
      else failed(fault.send(`${name}: ${said.trim() || `${program} ended with ${code}`}`));
    });
  });
}
