import type { Connection } from "@libp2p/interface";
import { type Clock, delay } from "@skep/clock";
import type { MeshStream } from "./contract.ts";

/** The protocol of signs of life: whoever dialled sends a byte, the other sends it back. */
export const beatProtocol = "/skep/beat/1";

/** Milliseconds for the answer to one sign of life. */
export const answerWithin = 3500;

/** Milliseconds without a sign of life after which one who should give them is dead. */
export const silence = (every: number): number => 3 * every + answerWithin;

/** What a heart is given. */
export interface Beating {
  readonly clock: Clock;
  /** Milliseconds between an answer and the next question. */
  readonly every: number;
  /** A round trip took so many milliseconds. */
  readonly rtt: (ms: number) => void;
  /** No answer came in time. */
  readonly dead: (cause: Error) => void;
}

/** Waits. A timer that comes late says that this machine slept or was busy, not that the other side is gone: then it waits anew. */
async function patience(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const due = clock.monotonic() + ms;
    await delay(clock, ms, signal);
    if (clock.monotonic() - due < ms / 4) return;
  }
}

async function round(
  stream: MeshStream,
  iterator: AsyncIterator<Uint8Array>,
  beating: Beating,
): Promise<void> {
  const { clock, rtt } = beating;
  const begun = clock.monotonic();
  const stop = new AbortController();
  const late = patience(clock, answerWithin, stop.signal).then(() => {
    throw new Error("no sign of life");
  });
  try {
    await Promise.race([Promise.all([stream.write(Uint8Array.of(1)), iterator.next()]), late]);
    rtt(clock.monotonic() - begun);
  } finally {
    late.catch(() => undefined);
    stop.abort(new Error("answered"));
  }
}

/** Asks for signs of life until the connection ends, or is found dead. */
export async function beat(connection: Connection, stream: MeshStream, beating: Beating): Promise<void> {
  const { clock, every, dead } = beating;
  const iterator = stream[Symbol.asyncIterator]();
  const ended = new AbortController();
  void stream.closed.then(() => ended.abort(new Error("ended")));
  try {
    while (connection.status === "open" && !ended.signal.aborted) {
      await round(stream, iterator, beating);
      await delay(clock, every, ended.signal);
    }
  } catch (thrown) {
    if (!ended.signal.aborted) dead(thrown instanceof Error ? thrown : new Error(String(thrown)));
  }
}

/** Sends back what comes, and finds the connection dead when nothing comes for long. */
export async function answer(
  stream: MeshStream,
  { clock, every, dead }: Omit<Beating, "rtt">,
): Promise<void> {
  const limit = silence(every);
  let watch = new AbortController();
  const guard = () => {
    watch.abort(new Error("alive"));
    watch = new AbortController();
    patience(clock, limit, watch.signal).then(
      () => dead(new Error("no sign of life")),
      () => undefined,
    );
  };
  guard();
  try {
    for await (const bytes of stream) {
      guard();
      await stream.write(bytes);
    }
  } finally {
    watch.abort(new Error("ended"));
  }
}

/** Finds one who dialled and should begin dead when it has not done so in time: it may be gone before it could. */
export async function expect(
  { clock, every, dead }: Omit<Beating, "rtt">,
  begun: () => boolean,
  ended: AbortSignal,
): Promise<void> {
  const waited = patience(clock, silence(every), ended).then(() => true);
  if ((await waited.catch(() => false)) && !begun()) dead(new Error("no sign of life"));
}
