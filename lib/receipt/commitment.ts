import { createHash, hash } from "node:crypto";
import { fault } from "./faults.ts";

/** Bytes of every chunk of stdout and stderr but the last of each. */
export const chunkBytes = 65_536;

/** What a chunk of output may be. */
export type ChunkKind = "token" | "image_tile" | "progress_log" | "stdout" | "stderr";

/** A piece of output in the order in which it is committed to. */
export interface Chunk {
  readonly kind: ChunkKind;
  readonly data: Uint8Array;
}

/** The end of the chain over all chunks, and how many they were. */
export interface Committed {
  /** 32 bytes. */
  readonly commitment: Buffer;
  readonly chunks: number;
}

const start: Buffer = hash("sha256", "phase-protocol:v1:commitment", "buffer");
/** Chunks up to this size are copied behind their head, which costs less than a hash in three steps. */
const small = 4096;

/** The running hash of phase-protocol: s(n) = SHA256(s(n-1) ‖ seq ‖ len(kind) ‖ kind ‖ len(data) ‖ data). */
class Chain {
  #state = start;
  #seq = 0;

  add(kind: string, data: Uint8Array): void {
    const copied = data.length <= small ? data.length : 0;
    const headBytes = 48 + kind.length;
    const head = Buffer.allocUnsafe(headBytes + copied);
    head.set(this.#state, 0);
    head.writeUInt32BE(Math.floor(this.#seq / 0x1_0000_0000), 32);
    head.writeUInt32BE(this.#seq % 0x1_0000_0000, 36);
    head.writeUInt32BE(kind.length, 40);
    head.write(kind, 44, "latin1");
    head.writeUInt32BE(data.length, 44 + kind.length);
    if (copied === data.length) {
      head.set(data, headBytes);
      this.#state = hash("sha256", head, "buffer");
    } else this.#state = createHash("sha256").update(head).update(data).digest();
    this.#seq += 1;
  }

  end(): Committed {
    return { commitment: Buffer.from(this.#state), chunks: this.#seq };
  }
}

/** The commitment over chunks that are cut already. */
export function commitTo(chunks: Iterable<Chunk>): Committed {
  const chain = new Chain();
  for (const { kind, data } of chunks) chain.add(kind, data);
  return chain.end();
}

function* chunksOf(kind: "stdout" | "stderr", bytes: Uint8Array): Generator<Chunk> {
  for (let at = 0; at < bytes.length; at += chunkBytes)
    yield { kind, data: bytes.subarray(at, at + chunkBytes) };
}

/** The commitment over output that is at hand as a whole; what `createCommitment` gives for the same bytes. */
export function commitToOutput(output: {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}): Committed {
  const chain = new Chain();
  for (const { kind, data } of chunksOf("stdout", output.stdout)) chain.add(kind, data);
  for (const { kind, data } of chunksOf("stderr", output.stderr)) chain.add(kind, data);
  return chain.end();
}

/** Takes output as it comes, in pieces of any size, and commits to it. */
export interface Commitment {
  /** Adds bytes of one stream; both may alternate. Throws `receipt.order` after `finish`. */
  add(kind: "stdout" | "stderr", bytes: Uint8Array): void;
  /** Commits to all of stdout, then all of stderr; further calls give the same answer. */
  finish(): Committed;
}

/** Cuts one stream into whole chunks; holds at most one chunk. */
class Cutter {
  readonly #held = Buffer.allocUnsafe(chunkBytes);
  readonly #emit: (chunk: Uint8Array) => void;
  #fill = 0;

  constructor(emit: (chunk: Uint8Array) => void) {
    this.#emit = emit;
  }

  add(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length) {
      const take = Math.min(chunkBytes - this.#fill, bytes.length - from);
      if (take === chunkBytes) this.#emit(bytes.subarray(from, from + take));
      else {
        this.#held.set(bytes.subarray(from, from + take), this.#fill);
        this.#fill += take;
        if (this.#fill === chunkBytes) this.flush();
      }
      from += take;
    }
  }

  flush(): void {
    if (this.#fill > 0) this.#emit(this.#held.subarray(0, this.#fill));
    this.#fill = 0;
  }
}

/**
 * Starts a commitment over the output of a batch job: stdout, then stderr, in chunks of exactly 65,536 bytes; only
 * the last of each stream is shorter, and an empty stream has none. All of stderr is held until `finish`, because
 * its place in the chain is after stdout: the caller's cap on stderr bounds the memory.
 */
export function createCommitment(): Commitment {
  const chain = new Chain();
  const stdout = new Cutter((chunk) => chain.add("stdout", chunk));
  const stderr = new Cutter((chunk) => chain.add("stderr", chunk));
  const later: Uint8Array[] = [];
  let end: Committed | undefined;
  return {
    add(kind, bytes) {
      if (end) throw fault.order();
      if (kind === "stdout") stdout.add(bytes);
      else later.push(Uint8Array.from(bytes));
    },
    finish() {
      if (end) return end;
      stdout.flush();
      for (const bytes of later.splice(0)) stderr.add(bytes);
      stderr.flush();
      end = chain.end();
      return end;
    },
  };
}
