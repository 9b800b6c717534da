import type { Fault } from "@skep/fault";
import type { Intent } from "../gate/intent.ts";

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
  count: number;
}

/** Gathers refusals, so that each ticket and reason costs one record a second. */
export class Refusals {
  #gathered = new Map<string, Refused>();

  add({ actor, found, policy }: Intent, fault: Fault): void {
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
