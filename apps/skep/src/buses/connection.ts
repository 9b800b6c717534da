import { fault } from "./faults.ts";

/** Somebody on the other end of a wire. */
interface Peer {
  readonly isOpen: boolean;
  close(): void;
}

/** One connection, made when it is first needed and again when it has ended. */
export class Connection<P extends Peer> {
  readonly #open: () => Promise<P>;
  #peer: Promise<P> | undefined;
  #closed = false;

  constructor(open: () => Promise<P>) {
    this.#open = open;
  }

  /** Throws why it cannot be made; then it is tried again the next time. Throws `bridge.device` once it is closed. */
  async peer(): Promise<P> {
    const before = await this.#made();
    if (before.isOpen) return before;
    this.#peer = undefined;
    return this.#made();
  }

  async #made(): Promise<P> {
    if (this.#closed) throw fault.device("its bridge ends");
    this.#peer ??= this.#open();
    try {
      return await this.#peer;
    } catch (thrown) {
      this.#peer = undefined;
      throw thrown;
    }
  }

  /** Closes what there is or is being made; nothing is made any more. */
  close(): void {
    this.#closed = true;
    this.#peer?.then((peer) => peer.close()).catch(() => undefined);
  }
}
