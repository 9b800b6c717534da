import { toFault } from "@skep/fault";
import { fault } from "./faults.ts";
import { parseKey } from "./key.ts";
import type { SshKey } from "./ssh-key.ts";
import type { SshSigner } from "./sshsig.ts";
import { Reader, string, u32 } from "./wire.ts";

/** An open connection to an agent; a socket of node:net is one. Whoever opened it closes it. */
export interface AgentStream extends AsyncIterable<Uint8Array> {
  write(bytes: Uint8Array): unknown;
}

/** A key that an agent holds. */
export interface AgentIdentity {
  readonly comment: string;
  /** Verifies here, signs there; a security key waits for its touch. */
  readonly signer: SshSigner;
}

/** An SSH agent, draft-ietf-sshm-ssh-agent. */
export interface SshAgent {
  /**
   * Keys that it holds and that we can verify. Throws `sshsig.agent-protocol`, `sshsig.agent-gone` or the signal's
   * reason; after an abort the connection is of no more use.
   */
  identities(signal?: AbortSignal): Promise<readonly AgentIdentity[]>;
}

const messages = { failure: 5, list: 11, listed: 12, sign: 13, signed: 14, extensionFailure: 28 } as const;
const rsaSha512 = 4;
const maxMessage = 256 * 1024;
const bad = fault["agent-protocol"];

class AgentConnection {
  readonly #stream: AgentStream;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #pending = Buffer.alloc(0);
  #last: Promise<unknown> = Promise.resolve();
  #broken: unknown;

  constructor(stream: AgentStream) {
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** One at a time: the protocol has no numbers to tell answers apart by. */
  ask(request: Uint8Array, signal: AbortSignal | undefined): Promise<Reader> {
    const answer = this.#last.then(() => this.#exchange(request, signal));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #exchange(request: Uint8Array, signal: AbortSignal | undefined): Promise<Reader> {
    if (this.#broken) throw this.#broken;
    signal?.throwIfAborted();
    try {
      this.#stream.write(string(request));
      return new Reader(await unlessAborted(this.#receive(), signal), bad);
    } catch (thrown) {
      this.#broken = thrown;
      throw thrown;
    }
  }

  async #receive(): Promise<Buffer> {
    const length = (await this.#take(4)).readUInt32BE();
    if (length === 0 || length > maxMessage) throw bad(`message of ${length} bytes`);
    return this.#take(length);
  }

  async #take(count: number): Promise<Buffer> {
    while (this.#pending.length < count) {
      const { value, done } = await this.#chunks.next().catch((cause: unknown) => {
        throw fault["agent-gone"](undefined, { cause });
      });
      if (done) throw fault["agent-gone"]();
      this.#pending = Buffer.concat([this.#pending, value]);
    }
    const taken = this.#pending.subarray(0, count);
    this.#pending = this.#pending.subarray(count);
    return taken;
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

function expectKind(answer: Reader, due: number): void {
  const kind = answer.u8();
  if (kind === messages.failure || kind === messages.extensionFailure) throw fault["agent-refused"]();
  if (kind !== due) throw bad(`message ${kind}`);
}

function createAgentSigner(connection: AgentConnection, key: SshKey): SshSigner {
  const blob = string(key.certificate?.blob ?? key.blob);
  const flags = u32(key.type === "ssh-rsa" ? rsaSha512 : 0);
  return {
    key,
    sign: async (data, signal) => {
      const request = [Buffer.of(messages.sign), blob, string(data), flags];
      const answer = await connection.ask(Buffer.concat(request), signal);
      expectKind(answer, messages.signed);
      const signature = answer.string();
      answer.end();
      return signature;
    },
  };
}

/** The key, or undefined for one of a type that is not spoken here: an agent may hold such beside ours. */
function tryParseKey(blob: Uint8Array): SshKey | undefined {
  try {
    return parseKey(blob);
  } catch (thrown) {
    if (toFault(thrown).code.startsWith("sshsig.")) return undefined;
    throw thrown;
  }
}

/** Speaks to an agent over `stream`. An old agent that signs RSA by SHA-1 is found by `signSshsig`. */
export function openAgent(stream: AgentStream): SshAgent {
  const connection = new AgentConnection(stream);
  return {
    identities: async (signal) => {
      const answer = await connection.ask(Buffer.of(messages.list), signal);
      expectKind(answer, messages.listed);
      const found: AgentIdentity[] = [];
      for (let left = answer.u32(); left > 0; left -= 1) {
        const key = tryParseKey(answer.string());
        const comment = answer.string().toString("utf8");
        if (key) found.push({ comment, signer: createAgentSigner(connection, key) });
      }
      answer.end();
      return found;
    },
  };
}
