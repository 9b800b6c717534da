import type { ServerResponse } from "node:http";
import type { Handle } from "@skep/kernel";
import { release } from "./spool.ts";

/** How much memory is out at a time. */
export interface PieceLimits {
  /** Bytes of one piece; 131,072 by default. */
  readonly bytes?: number;
  /** Pieces of that size; 32 by default. Whoever comes beyond gets small ones. */
  readonly large?: number;
  /** Bytes of a small one; 16,384 by default. */
  readonly small?: number;
}

/**
 * Memory for bytes on their way to clients, used again when they are with the kernel: garbage of such size would be
 * gone late, since the collector counts objects. What a thousand slow clients hold is small.
 */
export class Pieces {
  readonly #limits: Required<PieceLimits>;
  readonly #free: Buffer[] = [];
  /** Pieces that are out. */
  lent = 0;

  constructor({ bytes = 131_072, large = 32, small = 16_384 }: PieceLimits = {}) {
    this.#limits = { bytes, large, small };
  }

  /** One that nobody else has, until it is given back. */
  take(): Buffer {
    const { bytes, large, small } = this.#limits;
    this.lent += 1;
    if (this.lent > large) return Buffer.allocUnsafeSlow(small);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(bytes);
  }

  /** Gives one back, once. Where it is not sure that nobody reads it any more the collector has it. */
  back(piece: Buffer, isUnused: boolean): void {
    const { bytes, large } = this.#limits;
    this.lent -= 1;
    if (!isUnused) return;
    if (piece.length === bytes && this.#free.length < large) this.#free.push(piece);
    else release(piece);
  }
}

/** Where pieces come from and go back to. */
export type Lending = Pick<Pieces, "take" | "back">;

/** The bytes of an open file from `first` to `last`, both included. */
export interface Body {
  readonly handle: Handle;
  readonly first: number;
  readonly last: number;
}

/** Writes a body one piece after the other, each when the one before is with the kernel. */
class Sending {
  readonly #response: ServerResponse;
  readonly #pieces: Lending;
  #told: (isWritten: boolean) => void = () => undefined;

  constructor(response: ServerResponse, pieces: Lending) {
    this.#response = response;
    this.#pieces = pieces;
    // Who left may have had a write under way, of which nothing is told any more.
    response.once("close", () => this.#told(false));
  }

  async run({ handle, first, last }: Body): Promise<void> {
    for (let at = first; at <= last; ) {
      const sent = await this.#piece(handle, at, last + 1 - at);
      if (sent === 0) return;
      at += sent;
    }
    this.#response.end();
  }

  /** Bytes that were sent; 0 where nobody takes them any more. */
  async #piece(handle: Handle, at: number, count: number): Promise<number> {
    const piece = this.#pieces.take();
    let isUnused = false;
    try {
      const part = await handle.read(at, Math.min(piece.length, count), undefined, piece);
      if (part.length === 0) throw new Error(`Cannot read the last ${count} bytes of a blob`);
      isUnused = await this.#written(part);
      return isUnused ? part.length : 0;
    } finally {
      this.#pieces.back(piece, isUnused);
    }
  }

  #written(part: Uint8Array): Promise<boolean> {
    if (this.#response.destroyed) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#told = resolve;
      this.#response.write(part, (error) => resolve(!error));
    });
  }
}

/**
 * Sends a body behind a head that was written, and closes the file. Who leaves is no error; where the file cannot be read
 * to its end the connection is cut, so that nobody takes a part for the whole, and the error is thrown.
 */
export async function sendBody(response: ServerResponse, body: Body, pieces: Lending): Promise<void> {
  try {
    await new Sending(response, pieces).run(body);
  } catch (thrown) {
    response.destroy();
    throw thrown;
  } finally {
    await body.handle.close();
  }
}
