import type { SessionHost } from "./host.ts";

/** Milliseconds for which the small works of one request may hold the event loop. */
const most = 2;

/** Begins a piece of work; the answer gives what to wait for once its time is used up, and nothing before. */
export function pieceOf(kernel: Pick<SessionHost, "time" | "laterTurn">): () => Promise<void> | undefined {
  const began = kernel.time.monotonic();
  return () => (kernel.time.monotonic() - began < most ? undefined : kernel.laterTurn());
}
