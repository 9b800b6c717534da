import { canonical } from "@skep/canon";
import type { Fault } from "@skep/fault";
import type { Intent } from "../gate/intent.ts";
import type { Json } from "../namespace/node.ts";

/** Longest command that a refusal is told with, bytes: a longer one leaves too little room for the rest. */
const mostCommand = 32 * 1024;

/** Refusals of one ticket with one reason at one path within a second. */
export interface Refused {
  readonly subject: string;
  readonly role: string;
  readonly ticket: readonly string[];
  readonly path: string;
  readonly kind: string;
  readonly code: string;
  readonly message: string;
  /** Version and rules of the policy that was asked. */
  readonly policy: string;
  /** The first of them, as it is journalled; null where it did not come so far as to be one. */
  readonly command: Json;
  /** When that was judged, and the sequence that would have come next. */
  readonly judged: { readonly seq: number; readonly time: number };
  count: number;
}

// What has no canonical form was refused for that.
function writable(command: Json): Json {
  try {
    return Buffer.byteLength(canonical(command)) <= mostCommand ? command : null;
  } catch {
    return null;
  }
}

/** Gathers refusals, so that each ticket and reason costs one record a second. */
export class Refusals {
  #gathered = new Map<string, Refused>();

  add({ actor, found, policy, stored }: Intent, fault: Fault, judged: Refused["judged"]): void {
    const { subject, role, blocks } = actor.authority;
    const ticket = blocks.map(({ id }) => id);
    const key = `${ticket.join(",")} ${subject} ${fault.code}`;
    const known = this.#gathered.get(key);
    if (known) known.count += 1;
    else if (this.#gathered.size < 1000)
      this.#gathered.set(key, {
        subject,
        role,
        ticket,
        path: found.path,
        kind: fault.kind,
        code: fault.code,
        message: fault.message,
        policy,
        command: writable(stored),
        judged,
        count: 1,
      });
  }

  /** What was gathered since the last call. */
  take(): Refused[] {
    if (this.#gathered.size === 0) return [];
    const taken = [...this.#gathered.values()];
    this.#gathered = new Map();
    return taken;
  }
}
