import type { Connection } from "@libp2p/interface";
import type { Clock } from "@skep/clock";

/** What of a connection shows that the other side lives, without a stream of its own. */
export interface Pulse {
  /** When anything came last, milliseconds of the monotonic clock. */
  heard: number;
  /** When more came or went than a sign of life. */
  used: number;
  /** Whether the system finds a connection dead that nobody uses: without work for the processes at either end. */
  readonly watched: boolean;
  /** Asks the other side's multiplexer, which answers by itself. */
  ask(): Promise<unknown>;
}

interface Message {
  readonly data: { readonly byteLength: number };
}

/** A sign of life is 30 bytes on the wire. */
const signOfLife = 64;

/** What the system does on a TCP connection without traffic, milliseconds: the other side's does not answer for 8 s, then it is cut. */
const keepAlive = { enable: true, initialDelay: 4000, interval: 1000, count: 4 };

/** What libp2p's connection has inside, where its multiplexer is yamux. */
interface Inside {
  readonly maConn?: {
    addEventListener?(type: "message", act: (event: Message) => void): void;
    readonly socket?: { setKeepAlive?(options: typeof keepAlive): unknown };
  };
  readonly muxer?: { ping?(): Promise<number> };
}

/** The pulse of a connection; undefined where it can only be felt by a stream (QUIC has a multiplexer of its own). */
export function pulseOf(connection: Connection, clock: Clock): Pulse | undefined {
  const { maConn, muxer } = connection as unknown as Inside;
  if (!maConn?.addEventListener || !muxer?.ping) return undefined;
  const now = clock.monotonic();
  maConn.socket?.setKeepAlive?.(keepAlive);
  const pulse: Pulse = {
    heard: now,
    used: now,
    watched: maConn.socket?.setKeepAlive !== undefined,
    ask: () => muxer.ping?.() ?? Promise.reject(),
  };
  maConn.addEventListener("message", ({ data }) => {
    pulse.heard = clock.monotonic();
    if (data.byteLength > signOfLife) pulse.used = pulse.heard;
  });
  return pulse;
}
