import { type Fault, faults, toFault } from "@skep/fault";
import type { Approved, PolicyEngine } from "../gate/policy.ts";
import { within } from "../namespace/path.ts";
import type { Authority } from "../session/authority.ts";
import type { SessionHost } from "../session/host.ts";
import { Session } from "../session/session.ts";

/** Name of the provider whose events tell of policies and approvals. */
export const policyProvider = "policy";

const fault = faults("approved", {
  revoked: ["unauthenticated", "Cannot run an approved action: the ticket it was asked with is revoked"],
  gone: ["absent", "Cannot run an approved action: its control is there no more"],
});

/** What passes by itself: the action stays approved, and is tried again. */
const passing = new Set(["busy", "quota", "cut"]);

/** A ticket as far as it was used for one control; it was judged whole when the action was asked for. */
function authorityOf({ path, right, subject, role, blocks, expiresAt }: Approved): Authority {
  return {
    subject,
    role,
    blocks,
    expiresAt,
    allows: (at, verb) => (at === path && (verb === "write" || verb === right) ? { meters: [] } : undefined),
    touches: (at) => within(path, at),
  };
}

/** Runs actions that were approved, each once, in the order in which they were asked for; judged again whole. */
export class ApprovedRuns {
  readonly #host: SessionHost;
  readonly #engine: PolicyEngine;
  readonly #tried = new Map<string, number>();
  #running = false;

  constructor(host: SessionHost, engine: PolicyEngine) {
    this.#host = host;
    this.#engine = engine;
  }

  /** Begins with what is due; harmless while it is under way. */
  run(): void {
    if (this.#running || !this.#engine.active) return;
    const now = this.#host.time.monotonic();
    const due = [...this.#engine.due(this.#host.time.now())].filter(
      ({ id }) => now - (this.#tried.get(id) ?? -1000) >= 1000,
    );
    if (due.length === 0) return;
    this.#running = true;
    void this.#all(due).finally(() => {
      this.#running = false;
    });
  }

  async #all(due: readonly Approved[]): Promise<void> {
    for (const action of due) {
      this.#tried.set(action.id, this.#host.time.monotonic());
      try {
        await this.#one(action);
        this.#tried.delete(action.id);
      } catch (thrown) {
        this.#failed(action, toFault(thrown));
      }
    }
  }

  async #one({ id, line, key, ...action }: Approved): Promise<void> {
    const { revoked } = this.#host.slices.kernel;
    if (action.blocks.some((block) => revoked.has(block.id))) throw fault.revoked(id);
    const session = new Session(
      this.#host,
      "approved",
      authorityOf({ id, line, key, ...action }),
      "approved",
    );
    const found = await session.find(action.path);
    const { node } = found.place;
    if (node.kind !== "control" && node.kind !== "value") throw fault.gone(action.path);
    await session.prepare(found, node, line);
    session.judge(found, node, line, { approved: id, ...(key === undefined ? {} : { key }) });
  }

  #failed({ id }: Approved, failed: Fault): void {
    if (passing.has(failed.kind)) return;
    this.#tried.delete(id);
    this.#host.system(policyProvider, "/actions/queue", { op: "end", action: id }, () => ({
      events: this.#engine.stale(id, failed),
    }));
  }
}
