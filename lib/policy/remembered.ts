import { stretchOf } from "./instants.ts";
import { attributes, fleeting, type PolicyRequest } from "./request.ts";
import type { Policy } from "./source.ts";

/** What is kept of one kind of answers. */
const most = 10_000;

/** Whether what a policy says can be remembered: not where it does more with the time than compare it with constants. */
export function isRemembered({ reads, instants }: Policy): boolean {
  return instants !== undefined || ![...fleeting].some((name) => reads.has(name));
}

/** Attributes that a request may be without: then its context is, which is not the same as with an empty text. */
const optional = ["label", "machine", "work"] as const;

function isWithout(name: string, request: PolicyRequest): boolean {
  const found = optional.find((one) => one === name);
  return found !== undefined && request[found] === undefined;
}

/** Answers of some policies, by the values of the attributes that they read. */
export class Remembered<T> {
  readonly #known = new Map<string, T>();
  readonly #parts: readonly ((request: PolicyRequest) => string | number | boolean | undefined)[] | undefined;

  constructor(policies: readonly Policy[]) {
    const reads = new Set(policies.flatMap((policy) => [...policy.reads]));
    if (!policies.every(isRemembered)) return;
    const timed = policies.filter(({ reads: those }) => those.has("now"));
    const instants = [...new Set(timed.flatMap((policy) => policy.instants ?? []))].sort((a, b) => a - b);
    this.#parts = Object.entries(attributes)
      .filter(([name]) => reads.has(name))
      .map(([name, read]) => {
        if (name === "now") return ({ now }) => stretchOf(instants, now);
        return (request) => (isWithout(name, request) ? undefined : read(request));
      });
  }

  /** The values of what the policies read; undefined where nothing can be remembered. */
  keyOf(request: PolicyRequest): string | undefined {
    if (!this.#parts) return undefined;
    let key = "";
    for (const read of this.#parts) {
      const value = read(request);
      // By their lengths, since a value may hold whatever would part them.
      key += value === undefined ? "-" : `${String(value).length}:${value}`;
    }
    return key;
  }

  get(key: string | undefined): T | undefined {
    return key === undefined ? undefined : this.#known.get(key);
  }

  set(key: string | undefined, answer: T): T {
    if (key === undefined) return answer;
    if (this.#known.size >= most) this.#known.clear();
    this.#known.set(key, answer);
    return answer;
  }
}
