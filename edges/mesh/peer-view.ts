import type { PeerView } from "./contract.ts";
import type { DialReport } from "./dial-report.ts";
import type { Dialer } from "./dialer.ts";
import type { Links } from "./links.ts";
import type { Upkeep } from "./upkeep.ts";

/** What is known about peers, and where. */
export interface Known {
  readonly links: Links;
  readonly upkeep: Upkeep;
  readonly report: DialReport;
  readonly dialer: Dialer;
  readonly now: () => number;
}

const seconds = (ms: number): string => `${Math.max(0, Math.round(ms / 1000))} s`;

function tried(peer: string, { report, dialer }: Known): string {
  const direct = dialer.candidates(peer, "direct");
  if (direct.length === 0) return "it names no address of its own that could be dialled";
  const failed = report.of(peer).filter(({ target }) => direct.some((address) => address.startsWith(target)));
  if (failed.length === 0) return "its own addresses were not tried yet";
  return `none of its own addresses answered: ${failed.map(({ target, cause }) => `${target} ${cause}`).join(", ")}`;
}

function reason(peer: string, known: Known): string {
  const { links, upkeep, now } = known;
  const best = links.best(peer);
  if (best?.far.path === "direct")
    return `direct: ${best.connection.direction === "inbound" ? "it reached us" : "we reached it"} over ${best.far.transport}`;
  const at = upkeep.retryAt(peer);
  const next = at === undefined ? "" : `; next try in ${seconds(at - now())}`;
  if (best) return `relayed: ${tried(peer, known)}${next}`;
  return upkeep.isKept(peer)
    ? `not connected: ${tried(peer, known)}; it is dialled again by itself`
    : "not connected";
}

/** A peer as others see it. */
export function peerView(peer: string, known: Known): PeerView {
  const { links, upkeep } = known;
  const best = links.best(peer);
  const retryAt = upkeep.retryAt(peer);
  return {
    peer,
    path: best?.far.path ?? "none",
    ...(best && { transport: best.far.transport, address: best.far.address, since: best.since }),
    ...(best?.rtt !== undefined && { latency: best.rtt }),
    ...(retryAt !== undefined && { retryAt }),
    streams: links.of(peer).reduce((sum, { streams }) => sum + streams.size, 0),
    why: reason(peer, known),
    inspected: best?.far.inspected ?? false,
  };
}

/** Why a peer is reached as it is, the reason first, then every dial that failed. */
export function whyLines(peer: string, known: Known): readonly string[] {
  const failed = known.report.of(peer);
  const lines = failed.map(
    ({ target, cause, ms, at }) => `${target}: ${cause} after ${ms} ms, ${seconds(known.now() - at)} ago`,
  );
  return [reason(peer, known), ...lines];
}
