import { randomBytes } from "node:crypto";
import type { Mesh } from "@skep/edge-mesh";
import { Fault, toFault } from "@skep/fault";
import { type JobOffer, mostExchanged, type Offer, printInvite, readJobResponse } from "@skep/invite";
import type { Engagement } from "@skep/provider-peers";
import { mintTicket } from "../access/tickets.ts";
import {
  architectures,
  capabilityKey,
  fault,
  invitationProtocol,
  lineFrom,
  offerKey,
  offerProtocol,
  offerUnder,
  patience,
} from "../node/volunteer/wire.ts";
import { shortAddresses } from "./addresses.ts";
import type { HiveKeys } from "./keys.ts";

/** What looking for volunteers is given. */
export interface Looking {
  readonly home: string;
  readonly keys: HiveKeys;
  readonly mesh: Mesh;
  readonly relays: readonly string[];
  readonly keyOfPeer: (peer: string) => Uint8Array;
  readonly now: () => number;
  readonly log: (line: string) => void;
}

/** Milliseconds between two looks into the table, however often it is asked for. */
const calm = 3000;
const oneLook = 10_000;
const mostListed = 1000;

/** Machines that offer themselves in the table, and the exchange with them. */
export class Volunteers {
  readonly #with: Looking;
  readonly #offers = new Map<string, Offer>();
  readonly #answers = new Map<string, string>();
  #looked = Number.NEGATIVE_INFINITY;
  #looking = false;

  constructor(looking: Looking) {
    this.#with = looking;
  }

  /** The offers that were found and stand; asking for them is what lets the hive look again. */
  rows(): readonly Readonly<Record<string, string | number>>[] {
    const now = this.#with.now();
    if (!this.#looking && now - this.#looked >= calm) void this.#look();
    for (const [peer, { until }] of this.#offers) if (until <= now) this.#offers.delete(peer);
    return [...this.#offers].map(([volunteer, offer]) => ({
      volunteer,
      arch: offer.arch,
      cpu_cores: offer.cpu_cores,
      memory_mb: offer.memory_mb,
      timeout_seconds: offer.timeout_seconds,
      until_ms: offer.until,
      answer: this.#answers.get(volunteer) ?? "",
    }));
  }

  async #look(): Promise<void> {
    this.#looking = true;
    try {
      const stop = AbortSignal.timeout(oneLook);
      await Promise.all(architectures.map((arch) => this.#lookFor(arch, stop).catch(() => undefined)));
    } finally {
      this.#looking = false;
      this.#looked = this.#with.now();
    }
  }

  async #lookFor(arch: string, stop: AbortSignal): Promise<void> {
    for await (const { peer } of this.#with.mesh.find(capabilityKey(arch), stop))
      await this.#note(peer, stop);
  }

  async #note(peer: string, stop: AbortSignal): Promise<Offer | undefined> {
    const { mesh, keyOfPeer, now, log } = this.#with;
    const key = offerKey(Buffer.from(keyOfPeer(peer)).toString("hex"));
    const value = await mesh.get(key, stop);
    if (value === undefined) return undefined;
    try {
      const offer = offerUnder(key, value, now());
      if (this.#offers.size < mostListed || this.#offers.has(peer)) this.#offers.set(peer, offer);
      return offer;
    } catch (thrown) {
      log(`the offer of ${peer} does not count: ${toFault(thrown).message}`);
      return undefined;
    }
  }

  /** Offers the work, and hands the invitation over where it is accepted. Gives what the volunteer said. */
  async engage(engagement: Engagement): Promise<string> {
    const { volunteer } = engagement;
    const said = await this.#engage(engagement).catch((thrown: unknown) =>
      thrown instanceof Fault ? thrown.message : "Cannot engage volunteer: it does not answer",
    );
    this.#answers.set(volunteer, said);
    this.#with.log(`${volunteer} is asked to work for invitation ${engagement.invite}: ${said}`);
    return said;
  }

  async #engage({ volunteer, invite, expiresAt, module, requirements }: Engagement): Promise<string> {
    const { home, keys, mesh, relays, now } = this.#with;
    const stop = AbortSignal.timeout(2 * patience);
    if (!this.#offers.has(volunteer) && !(await this.#note(volunteer, stop))) throw fault.unknown(volunteer);
    const offer: JobOffer = {
      job_id: invite,
      nonce: randomBytes(16).toString("hex"),
      module_hash: `sha256:${module}`,
      requirements,
    };
    const answer = readJobResponse(
      await this.#ask(volunteer, offerProtocol, JSON.stringify(offer), stop),
      invite,
    );
    if (!answer) throw fault.answer(volunteer);
    if ("Rejected" in answer) return `Rejected ${JSON.stringify(answer.Rejected.reason)}`;
    const ticket = await mintTicket(home, now(), {
      role: "observer",
      subject: `invite/${invite}`,
      rights: [{ path: "/net", verb: "rw" }],
      expiresAt,
    });
    const line = printInvite(
      {
        hiveKey: keys.identity.publicKey,
        hive: keys.hive,
        id: invite,
        class: "volunteer",
        role: "worker",
        expiresAt,
        ticket,
        addresses: shortAddresses({ addresses: mesh.addresses(), peer: mesh.peer, relays }),
      },
      keys.identity.key,
    );
    const said = await this.#ask(volunteer, invitationProtocol, line, stop);
    return said === "coming" ? "Accepted" : `Rejected after acceptance: ${said.slice(0, 200)}`;
  }

  async #ask(peer: string, protocol: string, line: string, signal: AbortSignal): Promise<string> {
    await using stream = await this.#with.mesh.open(peer, protocol, { signal, timeout: patience });
    await stream.write(Buffer.from(`${line}\n`));
    const cut = () => stream.abort(fault.silent(peer));
    signal.addEventListener("abort", cut, { once: true });
    try {
      return await lineFrom(stream, mostExchanged);
    } finally {
      signal.removeEventListener("abort", cut);
    }
  }
}
