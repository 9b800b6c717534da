import type { Act, Done, Evidence, Target } from "../attached/target.ts";
import type { Slots } from "../updates/slots.ts";
import { fault } from "./faults.ts";
import type { Use } from "./hive-acts.ts";

/** Something of this machine that updates are for. */
export interface UpdatePlace {
  /** Folder of the two slots. */
  readonly to: string;
  /** Folder with the owner.toml that names the release keys. */
  readonly owner: string;
  /** Program that says by its exit code 0 whether the new version is healthy; none asks nobody. */
  readonly health: string | undefined;
  /** Milliseconds that it may take. */
  readonly timeout: number;
}

/** What runs, what ran before and could run again, and when that was switched. */
const evidenceOf = (slots: Slots): Evidence => ({
  epoch: slots.manifest(slots.current)?.epoch ?? "",
  before: slots.before?.epoch ?? "",
  switched: slots.switched,
});

/** Goes back where a trial was under way when the power went. True where one was. */
export async function recoverPlace({ to }: UpdatePlace): Promise<boolean> {
  const { withSlots } = await import("../updates/apply.ts");
  return withSlots(to, undefined, async (_slots, recovered) => recovered);
}

/**
 * Updates of the hive, applied on this machine by the keys of its owner. Whoever asks what runs ends first what a crash left:
 * a version that was not found healthy goes back.
 */
export class Updates implements Target {
  readonly settleMs = 0;
  readonly #use: Use;
  readonly #places: () => ReadonlyMap<string, UpdatePlace>;
  readonly #step: ((name: string) => void) | undefined;

  /** `step` is told of each step: a test cuts the power there. */
  constructor(use: Use, places: () => ReadonlyMap<string, UpdatePlace>, step?: (name: string) => void) {
    this.#use = use;
    this.#places = places;
    this.#step = step;
  }

  #place(target: string): UpdatePlace {
    const place = this.#places().get(target);
    if (!place) throw fault.act(`the host's rules have no [update.${target}]`);
    return place;
  }

  async evidence(target: string): Promise<Evidence> {
    const { to } = this.#place(target);
    const { withSlots } = await import("../updates/apply.ts");
    return withSlots(to, this.#step, async (slots) => evidenceOf(slots));
  }

  async act({ verb, target, params, signal }: Act): Promise<{ readonly output: string }> {
    const { to, owner, health, timeout } = this.#place(target);
    const { applyUpdate, withSlots } = await import("../updates/apply.ts");
    const step = this.#step;
    if (verb === "rollback") {
      const back = await withSlots(to, step, async (slots) => slots.rollback());
      return { output: JSON.stringify({ epoch: back.epoch }) };
    }
    const words = health === undefined ? [] : [health];
    const applying = { to, owner, health: words, timeout, signal, ...(step && { step }) };
    const applied = await this.#use((client) => applyUpdate(client, String(params.epoch), applying), signal);
    const { epoch, key, fetched } = applied;
    return { output: JSON.stringify({ epoch, key, fetched }) };
  }

  done({ verb, params }: Act, before: Evidence | undefined, now: Evidence | undefined): Done {
    if (!before || !now) return "unknown";
    if (before.switched === now.switched) return "no";
    if (verb === "rollback") return now.epoch === before.before ? "yes" : "unknown";
    if (now.epoch === params.epoch) return "yes";
    // A trial that was cut left nothing to go back to; another switch is somebody else's.
    return now.epoch === before.epoch && now.before === "" ? "no" : "unknown";
  }
}
