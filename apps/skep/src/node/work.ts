import { type Clock, delay } from "@skep/clock";
import type { Mesh } from "@skep/edge-mesh";
import { toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import type { Values } from "../config/mod.ts";
import { homeKey } from "../hive/keys.ts";
import { lock } from "../hive/storage.ts";
import { openWorker } from "../worker/program.ts";
import { type Membership, membershipOf, nodePlaces, writeMembership } from "./folder.ts";
import { openNodeMesh } from "./mesh.ts";
import { hasRunOut, keepRenewed, ticketIn } from "./renew.ts";
import { finishWipe, wipe } from "./wipe.ts";

/** How a machine that joined works. */
export interface Working {
  readonly folder: string;
  readonly values: Values;
  readonly slots: number;
  readonly strangers: readonly string[];
  /** Files that may hold the rules of the machine's owner, beside the one in the folder. */
  readonly ownerFiles?: readonly string[];
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** A mesh of this machine that is there already. */
  readonly mesh?: Mesh;
  /** What is no problem; `log` where left out. */
  readonly tell?: (line: string) => void;
}

/** Refusals in a row after which a machine takes it that the hive removed it. */
const refusals = 3;
const pause = 700;

// A hive says nothing to whom it does not let in; only the hive itself, proven by its key, can say even that.
function isRefused(thrown: unknown): boolean {
  const { code, kind, row } = toFault(thrown);
  return kind === "unauthenticated" || (code === "ninep.remote" && row.errnoName === "EACCES");
}

/** Why the hive is over for a machine: it takes it no more, or the ticket ran out while the machine was away. */
export type Over = "removed" | "expired";

/** Tells when a ticket no longer opens the door. */
class Door {
  readonly over = Promise.withResolvers<Over>();
  readonly #folder: string;
  readonly #clock: Clock;
  #refused = 0;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  async dial(attach: () => Promise<Client>): Promise<Client> {
    try {
      if (hasRunOut(this.#folder, this.#clock.now())) this.over.resolve("expired");
      const client = await attach();
      this.#refused = 0;
      return client;
    } catch (thrown) {
      if (isRefused(thrown)) {
        this.#refused += 1;
        if (this.#refused >= refusals) this.over.resolve("removed");
        else await delay(this.#clock, pause);
      }
      throw thrown;
    }
  }
}

// So that the hive is found again after both have moved, or were off.
function keepAddresses(folder: string, membership: Membership): (addresses: readonly string[]) => void {
  let kept = membership.addresses;
  return (addresses) => {
    if (addresses.join(" ") === kept.join(" ")) return;
    kept = [...addresses];
    writeMembership(folder, { ...membershipOf(folder), addresses: kept });
  };
}

/**
 * Works for the hive that the folder's machine joined, over the mesh, until the signal aborts; or until the hive no longer lets
 * it in: then what the hive gave is wiped, and why is the answer. Throws `node.*`, `worker.*`, `home.held`.
 */
export async function workFor(working: Working, signal: AbortSignal): Promise<"stopped" | Over> {
  const { folder, clock, mesh: own, ...setup } = working;
  using _held = lock(folder);
  finishWipe(folder);
  const membership = membershipOf(folder);
  const reaching = {
    ...membership,
    values: setup.values,
    seed: homeKey(nodePlaces.identity(folder)).seed,
    mdns: membership.addresses.length === 0,
    log: setup.log,
    ...(setup.tell && { tell: setup.tell }),
    moved: keepAddresses(folder, membership),
    ...(own && { mesh: own }),
  };
  const door = new Door(folder, clock);
  let over: Over | undefined;
  {
    await using mesh = await openNodeMesh(reaching);
    let outdated = new AbortController();
    const dial = () => door.dial(() => mesh.client(ticketIn(folder), undefined, outdated.signal));
    await using opened = await openWorker({ ...setup, workerHome: folder, dial });
    const stop = () => void opened.worker.stop();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    void door.over.promise.then((why) => {
      over = why;
      stop();
    });
    const ended = new AbortController();
    const renewing = keepRenewed(
      {
        ...{ folder, clock, log: setup.log },
        open: (ticket, until) => mesh.client(ticket, until),
        renewed: () => {
          const before = outdated;
          outdated = new AbortController();
          before.abort(new Error("there is a newer ticket"));
        },
      },
      ended.signal,
    ).catch((thrown: unknown) => setup.log(`the ticket is no more renewed: ${toFault(thrown).message}`));
    await opened.worker.run();
    ended.abort(new Error("the work has ended"));
    await renewing;
  }
  if (!over) return "stopped";
  wipe(folder, false);
  return over;
}
