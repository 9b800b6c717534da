import type { Stream } from "@libp2p/interface";

/** What of a stream of yamux tells the other side how much it may send. */
interface Windowed {
  sendWindowUpdate(): void;
  readonly state: number;
  /** Bytes that may still come before the next update. */
  readonly recvWindowCapacity: number;
  /** Bytes of a full window. */
  readonly recvWindow: number;
}

const established = 3;

/** The library tells of new room after each message, in a packet of its own; half a window is soon enough. */
export function spareUpdates(stream: Stream): void {
  const windowed = stream as Partial<Windowed> as Windowed;
  if (typeof windowed.sendWindowUpdate !== "function") return;
  const tell = windowed.sendWindowUpdate.bind(stream);
  windowed.sendWindowUpdate = () => {
    // Before it stands an update opens it, and a paused one takes note of the time.
    if (windowed.state === established && windowed.recvWindowCapacity * 2 > windowed.recvWindow) return;
    tell();
  };
}
