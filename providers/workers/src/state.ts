import type { Table } from "@skep/kernel";
import type { Owners } from "./owner.ts";

/** What is known of a worker process. */
export type Known = {
  /** Chosen at random by each process: a new one means that its predecessor is gone. */
  readonly incarnation: string;
  readonly session: string;
  /** Ed25519 public key of its receipts, hex; empty for a worker that does not sign. */
  readonly key: string;
  readonly slots: number;
  /** Jobs that it takes beyond its slots while jobs are short; none where absent. */
  readonly ahead?: number;
  /** It tells that it lives at `beat`, which makes no record; absent where it renews its leases. */
  readonly beats?: true;
  readonly kinds: readonly string[];
  readonly grades: readonly string[];
  readonly layers: readonly string[];
  readonly version: string;
  /** Of its machine; absent where it did not tell. */
  readonly arch?: string;
  readonly memoryBytes?: number;
  readonly since: number;
  readonly present: boolean;
  readonly clockOffset: number;
};

/** The slice. Bound: one entry for each worker ticket that ever said hello. */
export interface Workers {
  readonly known: Table<Known>;
  readonly owners: Owners;
}

/** What others may ask. */
export interface WorkersView {
  get(id: string): Known | undefined;
  /** A rule of the machine's owner by its name, as text. */
  rule(id: string, name: string): string | undefined;
}

/** Workers that the queen spawned. */
export interface SpawnedView {
  ids(): Iterable<string>;
  has(id: string): boolean;
}

export interface Uses {
  readonly spawned: SpawnedView;
}
