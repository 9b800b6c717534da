import type { Session } from "@skep/kernel";
import { type TileId, tilePath } from "@skep/tlog";

/** What `/healthz` tells. */
export interface Health {
  readonly status: "ok" | "unavailable";
  /** State of the hive: `ONLINE`, `DRAINING` and so on. */
  readonly state: string;
}

/** The part of a hive that is shown over HTTP. What is absent is thrown as a fault of kind `absent`. */
export interface LogPort {
  health(): Promise<Health>;
  /** The signed note. */
  checkpoint(): Promise<Uint8Array>;
  /** Hashes of a tile, or a bundle of entries when its level is `entries`. */
  tile(id: TileId): Promise<Uint8Array>;
}

// 256 entries of 65,535 bytes, each with its two bytes of length.
const largestBundle = 256 * (65_535 + 2);
const serving = new Set(["ONLINE", "DEGRADED"]);

/** The port over a session, which needs to read `/audit/checkpoint`, `/audit/tile` and `/proc/lifecycle/state`. */
export function portOf(session: Session): LogPort {
  return {
    async health() {
      const text = Buffer.from(await session.read("/proc/lifecycle/state")).toString();
      const state = /^(?:state=)?([A-Z]+)$/m.exec(text)?.[1] ?? "UNKNOWN";
      return { status: serving.has(state) ? "ok" : "unavailable", state };
    },
    checkpoint: () => session.read("/audit/checkpoint"),
    tile: (id) => session.read(`/audit/${tilePath(id)}`, 0, largestBundle),
  };
}
