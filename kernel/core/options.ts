import type { Clock } from "@skep/clock";
import type { Limits } from "../limits.ts";
import type { Provider } from "../state/provider.ts";
import type { Files } from "../store/files.ts";
import type { Index } from "../store/index.ts";
import type { Made } from "./made.ts";

/** What a kernel is made of; time, chance, storage and threads come in here. */
export interface KernelOptions {
  readonly files: Files;
  readonly index?: Index;
  readonly providers: readonly Provider[];
  /** Version of the program, part of every record and of what names a snapshot's code. */
  readonly version: string;
  readonly clock: Clock;
  readonly limits?: Limits;
  /** Runs an act after the input at hand was handled (`setImmediate`). */
  readonly defer: (act: () => void) => void;
  /** Told once when the disk failed: the process must end, and the next start recovers by replay. */
  readonly fatal: (error: unknown) => void;
  /**
   * 32 bytes, hex: the chance of the intent that becomes this record. Nobody else may guess it; where a secret of the
   * home and the place in the journal make it, a replay comes to the same.
   */
  readonly chance: (seq: number, epoch: number) => string;
  /** Identity given to a hive that is born in an empty home. */
  readonly born: () => { readonly id: string; readonly name: string };
  readonly space?: () => "ok" | "low" | "tight" | "full";
  /** For the operator's log, not for clients: escaped by the writer. */
  readonly log?: (line: string) => void;
  /** Folds and stores a snapshot up to `seq` in another thread. */
  readonly fold?: (seq: number) => Promise<Made>;
  /** Records after which a snapshot is due; by what folding costs where nothing is told. */
  readonly snapshotEvery?: number;
  /** Bytes after which a segment of the journal is sealed; 64 MiB unless told. */
  readonly segmentSize?: number;
  /** Bytes of `/log/queen.log` and other rings unless the provider says otherwise. */
  readonly ringCapacity?: number;
}
