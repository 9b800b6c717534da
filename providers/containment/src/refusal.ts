import { type Fault, faults } from "@skep/fault";
import type { Bans } from "@skep/kernel";
import { escapeForeign, formatTime } from "@skep/text";
import type { Ban, Containment } from "./state.ts";

const fault = faults("containment", {
  blocked: ["denied", "Cannot act: the subject is blocked", { detail: "denied" }],
  revoked: ["denied", "Cannot act: the ticket is revoked for now", { detail: "denied" }],
  node: ["denied", "Cannot act: the machine is revoked for now", { detail: "denied" }],
  quarantined: ["denied", "Cannot run this: it is in quarantine", { detail: "denied" }],
});

const kinds = {
  subject: fault.blocked,
  ticket: fault.revoked,
  node: fault.node,
  module: fault.quarantined,
  class: fault.quarantined,
} as const;

/** Who, until when and why, as refusals tell it. */
export function toldOf(id: string, { target, by, until, reason }: Ban): string {
  const told = `${target}, ban ${id} of ${by} until ${formatTime(until)}: ${reason}`;
  return escapeForeign(told, { form: "wire" });
}

/** A subject and those that stand above it: `ann/ci` is of `ann`. */
function* above(subject: string): Generator<string> {
  for (let at = subject.length; at > 0; at = subject.lastIndexOf("/", at - 1)) yield subject.slice(0, at);
}

/** What bans say of whoever acts, and of what a command would use. */
export class Refusals implements Bans {
  readonly #state: Containment;

  constructor(state: Containment) {
    this.#state = state;
  }

  get active(): boolean {
    return this.#state.bans.size > 0;
  }

  refusal({ subject, blocks }: Parameters<Bans["refusal"]>[0], uses: readonly string[]): Fault | undefined {
    if (!this.active) return undefined;
    for (const name of above(subject)) {
      const found = this.#fault(`subject:${name}`) ?? this.#fault(`node:${name}`);
      if (found) return found;
    }
    for (const block of blocks) {
      const found = this.#fault(`ticket:${block}`);
      if (found) return found;
    }
    for (const name of uses) {
      const found = this.#fault(name);
      if (found) return found;
    }
    return undefined;
  }

  #fault(target: string): Fault | undefined {
    const id = this.#state.targets.get(target);
    const ban = id === undefined ? undefined : this.#state.bans.get(id);
    if (id === undefined || !ban) return undefined;
    const kind = target.slice(0, target.indexOf(":")) as keyof typeof kinds;
    return kinds[kind]?.(toldOf(id, ban), {
      cure: `Ask ${escapeForeign(ban.by, { form: "wire" })}; they take it back with \`skep unban ${id}\``,
    });
  }
}

/** Whether a session is one that a ban on this target ends. */
export function endsBy(
  target: string,
  { subject, blocks }: { readonly subject: string; readonly blocks: readonly string[] },
): boolean {
  const at = target.indexOf(":");
  const [kind, name] = [target.slice(0, at), target.slice(at + 1)];
  if (kind === "ticket") return blocks.includes(name);
  return (kind === "subject" || kind === "node") && (subject === name || subject.startsWith(`${name}/`));
}
