import type { Connection } from "@libp2p/interface";
import type { Clock } from "@skep/clock";
import type { Link } from "./links.ts";

/** What makes acquaintances is given. */
export interface Acquainting {
  readonly clock: Clock;
  /** Asks for the other side's protocols and addresses. */
  readonly identify: (connection: Connection) => Promise<unknown>;
}

/** Milliseconds of a handshake that say nothing of how busy the two sides are: a long way takes them too. */
const usual = 500;
/** Milliseconds later for each millisecond that the handshake took longer, and at most. */
const later = 5;
const latest = 20_000;

/**
 * How long after a handshake the other side is asked who it is, milliseconds. One that took long says that a side has many
 * of them to do: what is not needed to begin waits until they are through. Who is relayed is asked at once, since its own
 * addresses are how the relay is left.
 */
export function patienceFor({ far, since, connection }: Pick<Link, "far" | "since" | "connection">): number {
  if (far.path === "relayed") return 0;
  const took = since - connection.timeline.open;
  return Math.min(latest, later * Math.max(0, took - usual));
}

/** Asks the other side of a connection who it is, when both have time for it. */
export function acquaint(link: Link, { clock, identify }: Acquainting): void {
  const ask = () => {
    if (link.connection.status === "open") void identify(link.connection).catch(() => undefined);
  };
  const wait = patienceFor(link);
  if (wait === 0) ask();
  else {
    const timer = clock.after(wait, ask);
    link.ended.signal.addEventListener("abort", () => timer.stop(), { once: true });
  }
}
