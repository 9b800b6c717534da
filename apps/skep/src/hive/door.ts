import type { Credential } from "@skep/edge-ninep";
import { faults } from "@skep/fault";
import { type Authority, type Bans, fullAuthority, type Kernel, type Session, within } from "@skep/kernel";
import { isWorker, type RootView } from "@skep/provider-lifecycle";
import type { SpawnedView } from "@skep/provider-queen";
import { createVerifier, type Ticket } from "@skep/ticket";
import type { HiveKeys } from "./keys.ts";

const fault = faults("door", {
  gone: [
    "denied",
    "Cannot attach as a worker that was killed",
    { cure: "Spawn another one", detail: "denied" },
  ],
  revoked: ["unauthenticated", "Cannot attach: the ticket is revoked", { detail: "denied" }],
  quiesced: [
    "busy",
    "Cannot attach while the hive stands still",
    {
      cure: "An operator ends that: `skep echo resume /queen/lifecycle/ctl`",
      detail: "lifecycle-denied state=QUIESCED",
    },
  ],
  cut: [
    "cut",
    "Cannot attach as a worker while workers have no authority",
    { cure: "An operator gives it back: see `skep cat /proc/root/cut_reason`", detail: "root-unreachable" },
  ],
});

/** Tickets whose signatures need not be verified again: of those who come back, and of requests without a session. */
const remembers = 1024;

/** A verified ticket as the kernel sees it. */
export function authorityOf(ticket: Ticket): Authority {
  return {
    subject: ticket.subject,
    role: ticket.role,
    expiresAt: ticket.expiresAt,
    blocks: ticket.blocks.map(({ id, budgets }) => ({
      id,
      ...(budgets.ops === undefined ? {} : { ops: budgets.ops }),
      ...(budgets.bytes === undefined ? {} : { bytes: budgets.bytes }),
    })),
    allows: (path, verb) => ticket.allows(path, verb),
    touches: (path) => ticket.reaches(path),
  };
}

/** An authority of the program itself that can read what lies at or below some paths, and no more. */
export function readOnly(subject: string, paths: readonly string[]): Authority {
  const grant = { meters: [] };
  return {
    subject,
    role: "observer",
    blocks: [{ id: subject }],
    allows: (path, verb) => (verb === "read" && paths.some((at) => within(path, at)) ? grant : undefined),
    touches: (path) => paths.some((at) => within(path, at) || within(at, path)),
  };
}

/** Where credentials become sessions; every edge is given this and nothing more. */
export class Door {
  readonly #kernel: Kernel;
  readonly #keys: HiveKeys;
  readonly #owner: string;
  readonly #verifier = createVerifier({ remembers });

  constructor(kernel: Kernel, keys: HiveKeys, owner: string) {
    this.#kernel = kernel;
    this.#keys = keys;
    this.#owner = owner;
  }

  /** Whoever reaches the socket in the home is its owner. */
  owner(edge: string): Session {
    return this.#attach(fullAuthority(this.#owner), edge);
  }

  get #spawned(): SpawnedView {
    return this.#kernel.slices.view("spawned");
  }

  /** Throws the `ticket.*` fault of a refusal, and `door.gone` for a worker that was killed. */
  async ticket(token: string): Promise<Ticket> {
    const { slices, time, metrics } = this.#kernel;
    try {
      const ticket = await this.#verifier.verify(token, {
        rootPublicKeys: [this.#keys.ticket.publicKey, ...this.#keys.old.ticket],
        now: time.now(),
        hive: this.#keys.hive,
        revoked: (block) => slices.kernel.revoked.has(block),
      });
      // Else its ticket would come back without the budget that it was spawned with.
      if (this.#spawned.gone(ticket.subject)) throw fault.gone(ticket.subject);
      return ticket;
    } catch (error) {
      metrics.counts.attachesFailed += 1;
      throw error;
    }
  }

  async attach(credential: Credential, edge: string): Promise<Session> {
    if (credential.kind === "socket") return this.owner(edge);
    return this.admit(authorityOf(await this.ticket(credential.token)), edge);
  }

  // Whoever runs the hive comes in always: else nobody could resume it.
  #checkLifecycle(role: string): void {
    const { slices } = this.#kernel;
    if (role === "queen") return;
    if (slices.kernel.lifecycle.get().state === "QUIESCED") throw fault.quiesced();
    const cause = isWorker(role) ? slices.view<RootView>("root").cutBy() : undefined;
    if (cause !== undefined) throw fault.cut(cause);
  }

  #attach(authority: Authority, edge: string): Session {
    this.#checkLifecycle(authority.role);
    const { subject, blocks } = authority;
    const bans = this.#kernel.slices.view<Bans>("bans");
    const banned = bans.refusal({ subject, blocks: blocks.map(({ id }) => id) }, []);
    if (banned) throw banned;
    const budget = this.#spawned.budget(authority.subject);
    // Whoever speaks as a spawned worker uses up what it was spawned with, beside what the ticket says.
    return this.#kernel.attach(
      budget ? { ...authority, blocks: [...authority.blocks, budget] } : authority,
      edge,
    );
  }

  /** A session for an authority that an edge verified itself. */
  admit(authority: Authority, edge: string): Session {
    // Asked here also for tickets that were verified: that takes its time, and this does not.
    const { revoked } = this.#kernel.slices.kernel;
    if (authority.blocks.some(({ id }) => revoked.has(id))) throw fault.revoked();
    return this.#attach(authority, edge);
  }
}
