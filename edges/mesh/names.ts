import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import { type Clock, delay } from "@skep/clock";
import { view } from "./addresses.ts";
import type { Events } from "./events.ts";
import { fault } from "./faults.ts";

const upstreams = ["https://1.1.1.1/dns-query", "https://8.8.8.8/resolve"];
/** Milliseconds for the system's resolver, and for one upstream. */
const patience = 5000;
/** Bytes of an answer at most, which is what a message of DNS holds (RFC 1035 §4.2.2), and addresses that are used of it. */
const most = { bytes: 65_535, addresses: 16 } as const;
/** What is nobody's business outside: such names are never asked of a public service. */
const inward = /^[^.]+$|\.(local|lan|internal|home\.arpa|localhost|test|invalid)$/i;

async function within<T>(clock: Clock, ms: number, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const late = delay(clock, ms, stop.signal).then(() => {
    throw new Error("ETIMEDOUT");
  });
  try {
    return await Promise.race([act(stop.signal), late]);
  } finally {
    late.catch(() => undefined);
    stop.abort(new Error("done"));
  }
}

type Answer = { readonly Answer?: readonly { readonly type: number; readonly data: string }[] };

/** The text of an answer. Throws where it is longer than any message of DNS. */
async function textOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let left = most.bytes;
  for await (const part of body ?? []) {
    left -= part.length;
    if (left < 0) throw new Error(`an answer of more than ${most.bytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

async function ask(
  upstream: string,
  name: string,
  type: "A" | "AAAA",
  signal: AbortSignal,
): Promise<string[]> {
  const url = new URL(upstream);
  url.searchParams.set("name", name);
  url.searchParams.set("type", type);
  const response = await fetch(url, {
    headers: { accept: "application/dns-json" },
    redirect: "error",
    signal,
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const { Answer: answers = [] } = JSON.parse(await textOf(response)) as Answer;
  const wanted = type === "A" ? 1 : 28;
  const found = answers.filter((one) => one.type === wanted && isIP(one.data) !== 0);
  return found.slice(0, most.addresses).map(({ data }) => data);
}

/** Turns names into addresses: by the system, and where that fails by HTTPS. */
export class Names {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #upstreams: readonly string[];
  readonly #system: (name: string) => Promise<readonly string[]>;

  constructor(
    clock: Clock,
    events: Events,
    given: readonly string[] = upstreams,
    system = async (name: string): Promise<readonly string[]> =>
      (await lookup(name, { all: true })).map(({ address }) => address),
  ) {
    this.#clock = clock;
    this.#events = events;
    this.#upstreams = given;
    this.#system = system;
  }

  /** IP addresses of a name. Throws `mesh.names`. */
  async resolve(name: string): Promise<readonly string[]> {
    if (isIP(name) !== 0) return [name];
    try {
      const found = await within(this.#clock, patience, () => this.#system(name));
      if (found.length > 0) return found;
    } catch (cause) {
      return await this.#outside(name, cause);
    }
    return await this.#outside(name, new Error("no address"));
  }

  async #outside(name: string, cause: unknown): Promise<readonly string[]> {
    if (inward.test(name) || this.#upstreams.length === 0) throw fault.names(name, { cause });
    const asked = this.#upstreams.map(async (upstream) => {
      const found = await within(this.#clock, patience, async (signal) =>
        (await Promise.all([ask(upstream, name, "A", signal), ask(upstream, name, "AAAA", signal)])).flat(),
      );
      if (found.length === 0) throw new Error(`${upstream}: no address`);
      return { upstream, found };
    });
    try {
      const { upstream, found } = await Promise.any(asked);
      this.#events.tell({ kind: "names", name, by: "https", upstream, cause: String(cause) });
      return found;
    } catch (failed) {
      this.#events.tell({ kind: "names", name, by: "https", cause: String(cause) });
      throw fault.names(name, { cause: failed });
    }
  }

  /** An address with its name replaced: one for each IP address of it. TLS keeps its name, which its certificate has. */
  async expand(address: string): Promise<readonly string[]> {
    const { scope, host, transport } = view(address);
    if (scope !== "name" || transport === "wss") return [address];
    const [, protocol = "dns"] = address.split("/", 2);
    const found = await this.resolve(host);
    return found
      .filter((ip) => protocol === "dns" || (protocol === "dns6") === isIPv6(ip))
      .map((ip) => address.replace(`/${protocol}/${host}`, `/ip${isIPv6(ip) ? 6 : 4}/${ip}`));
  }
}
