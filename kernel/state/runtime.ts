import type { Bound } from "../session/space.ts";
import type { Ring } from "./ring.ts";

/** What volatile consequences may touch. */
export interface Runtime {
  /** The ring of a stream, made on first use; `capacity` in bytes. */
  ring(path: string, capacity?: number): Ring;
  /** The ring if somebody made it. */
  known(path: string): Ring | undefined;
  /** Forgets a ring; its followers see the end. */
  dropRing(path: string): void;
  /** Ends sessions at once and clunks their handles. */
  closeSessions(
    match: (session: {
      readonly id: string;
      readonly subject: string;
      readonly blocks: readonly string[];
    }) => boolean,
  ): number;
  /** Gives a session a place of its own, as long as it lives. */
  bind(session: string, bound: Bound): void;
  /** A line for `/log/queen.log`, where it stands behind `[hive] `; controls in it are escaped. */
  log(line: string): void;
}
