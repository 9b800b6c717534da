import type { Below } from "@skep/kernel";
import {
  encodeBundle,
  narrowTile,
  parseTilePath,
  printCheckpoint,
  printTlogProof,
  proveInclusion,
  type Signer,
  signNote,
  type TileId,
  tileWidth,
  tileWidthAt,
  treeShape,
} from "@skep/tlog";

/** The durable part of a journal; the kernel's `Journal` fits. */
export interface AuditJournal {
  readonly tree: {
    /** Records that are durable: never more. */
    readonly size: number;
    root(): Uint8Array;
    /** At least `wanted` hashes of a tile that has them. */
    tile(level: number, index: number, wanted: number): Promise<Uint8Array>;
  };
  readonly segments: {
    /** Records from a sequence on: `count`, or fewer, but not none. */
    read(from: number, count: number): Promise<readonly Uint8Array[]>;
  };
}

/** The journal as a C2SP log: checkpoints, tiles and proofs of what is durable. */
export class AuditLog {
  readonly #journal: () => AuditJournal;
  readonly #signer: Signer;
  #signed: { readonly size: number; readonly note: string } | undefined;

  /** The signer's name is the origin of the log. */
  constructor(journal: () => AuditJournal, signer: Signer) {
    this.#journal = journal;
    this.#signer = signer;
  }

  get size(): number {
    return this.#journal().tree.size;
  }

  /** A signed note (C2SP tlog-checkpoint) of the tree as it is durable now; signed once per size. */
  checkpoint(): string {
    const { tree } = this.#journal();
    if (this.#signed?.size !== tree.size) {
      const text = printCheckpoint({ origin: this.#signer.name, size: tree.size, root: tree.root() });
      this.#signed = { size: tree.size, note: signNote(text, [this.#signer]) };
    }
    return this.#signed?.note ?? "";
  }

  #width({ level, index }: Pick<TileId, "level" | "index">): number {
    return tileWidthAt(this.size, level === "entries" ? 0 : level, index);
  }

  /** What stands at a path below `tile/`, such as `0/x001/067` or `entries/000.p/5`. */
  at(below: string): "dir" | "file" | undefined {
    const [level = "", ...groups] = below.split("/");
    if (groups.length === 0) return this.top().some(({ name }) => name === level) ? "dir" : undefined;
    const id = tileOf(below);
    if (id) return this.#width(id) >= id.width ? "file" : undefined;
    const last = groups.at(-1) ?? "";
    // `067.p` holds the partial forms of a tile; `x067` holds the thousand whose paths go on.
    const first = last.endsWith(".p")
      ? tileOf(below.slice(0, -2))
      : last.startsWith("x")
        ? tileOf(`${below}/000`)
        : undefined;
    return first && this.#width(first) > 0 ? "dir" : undefined;
  }

  /** Levels that have tiles, and the bundles of entries. */
  top(): Below[] {
    const levels = treeShape(this.size).map(({ level }) => String(level));
    return [...levels, "entries"].map((name) => ({ name, kind: "dir" }));
  }

  /** The bytes of a tile or bundle that `at` calls a file. */
  async tile(below: string): Promise<Uint8Array> {
    const { level, index, width } = parseTilePath(`tile/${below}`);
    if (level === "entries") return this.#bundle(index * tileWidth, width);
    return narrowTile(await this.#journal().tree.tile(level, index, width), width);
  }

  async #bundle(from: number, count: number): Promise<Uint8Array> {
    const entries: Uint8Array[] = [];
    while (entries.length < count)
      entries.push(...(await this.#journal().segments.read(from + entries.length, count - entries.length)));
    return encodeBundle(entries);
  }

  /** A C2SP tlog-proof that record `seq`, which is durable, is in the log. */
  async proof(seq: number): Promise<string> {
    const { tree } = this.#journal();
    const { size } = tree;
    const checkpoint = this.checkpoint();
    const hashes = await proveInclusion(seq, size, (level, index, width) => tree.tile(level, index, width));
    return printTlogProof({ index: seq, hashes, checkpoint });
  }
}

function tileOf(below: string): TileId | undefined {
  try {
    return parseTilePath(`tile/${below}`);
  } catch {
    return undefined;
  }
}
