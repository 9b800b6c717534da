import type { Mesh, MeshStream } from "@skep/edge-mesh";
import { toFault } from "@skep/fault";
import {
  answerJobOffer,
  type Invite,
  mostExchanged,
  type Offer,
  parseInvite,
  printOffer,
} from "@skep/invite";
import { type Clock, delay } from "@skep/clock";
import { meshLinks, type Values } from "../../config/mod.ts";
import { homeKey, type HomeKey } from "../../hive/keys.ts";
import { nodePlaces } from "../folder.ts";
import { joinHive } from "../join.ts";
import { wipe } from "../wipe.ts";
import { workFor } from "../work.ts";
import { clamped, type Lent, offerOf } from "./offer.ts";
import { capabilityKey, invitationProtocol, lineFrom, offerKey, offerProtocol, offerValues } from "./wire.ts";

/** What offering a machine is given. */
export interface Volunteering {
  readonly folder: string;
  readonly values: Values;
  readonly lent: Lent;
  /** Milliseconds that it works for one hive, and that an offer stands. */
  readonly lasts: number;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** Milliseconds within which a hive that was accepted must send its invitation. */
const promised = 60_000;
const mostNonces = 10_000;

/** A machine that knows no hive and lends itself to one at a time. */
class Volunteer {
  readonly #with: Volunteering;
  readonly #identity: HomeKey;
  readonly #mesh: Mesh;
  readonly #nonces = new Set<string>();
  #promise: { readonly peer: string; readonly until: number } | undefined;
  #offer: Offer;
  #working = false;
  #called = Promise.withResolvers<Invite>();

  constructor(volunteering: Volunteering, identity: HomeKey, mesh: Mesh) {
    this.#with = volunteering;
    this.#identity = identity;
    this.#mesh = mesh;
    this.#offer = this.#made();
  }

  #made(): Offer {
    const { clock, lent, lasts } = this.#with;
    return offerOf(this.#identity.publicKey, lent, clock.now(), lasts);
  }

  async #publish(signal: AbortSignal): Promise<void> {
    this.#offer = this.#made();
    const text = printOffer(this.#offer, this.#identity.key);
    await this.#mesh.put(offerKey(this.#offer.node), Buffer.from(text), signal);
    await this.#mesh.provide(capabilityKey(this.#offer.arch), signal);
  }

  /** Told again long before it is over, and soon where nobody was there to take it. */
  async #keepPublished(signal: AbortSignal): Promise<void> {
    const { clock, lasts, log } = this.#with;
    let told = false;
    while (!signal.aborted) {
      const alone = this.#mesh.peers().every(({ path }) => path === "none");
      if (!alone && !this.#working)
        await this.#publish(signal).then(
          () => {
            if (!told) log(`offered as ${this.#mesh.peer}`);
            told = true;
          },
          (thrown: unknown) => log(`the offer was not taken: ${toFault(thrown).message}`),
        );
      await delay(clock, told ? Math.min(lasts / 3, 10 * promised) : 500, signal).catch(() => undefined);
    }
  }

  async #asked(stream: MeshStream): Promise<void> {
    const { clock, log } = this.#with;
    const now = clock.now();
    const fresh = (nonce: string): boolean => {
      if (this.#nonces.has(nonce)) return false;
      if (this.#nonces.size >= mostNonces) this.#nonces.clear();
      this.#nonces.add(nonce);
      return true;
    };
    const isPromised = this.#promise !== undefined && this.#promise.until > now;
    const busy = this.#working || isPromised;
    const text = await lineFrom(stream, mostExchanged);
    const answer = answerJobOffer(text, { offer: this.#offer, peer: this.#mesh.peer, now, busy, fresh });
    if ("Accepted" in answer) this.#promise = { peer: stream.peer, until: now + promised };
    else log(`rejected what ${stream.peer} offers: ${JSON.stringify(answer.Rejected.reason)}`);
    await stream.write(Buffer.from(`${JSON.stringify(answer)}\n`));
  }

  /** Only the hive that was accepted, by its own key, and only as a volunteer. */
  async #invited(stream: MeshStream, keyOfPeer: (peer: string) => Uint8Array): Promise<void> {
    const now = this.#with.clock.now();
    const due = this.#promise?.peer === stream.peer && this.#promise.until > now;
    const refuse = (why: string) => stream.write(Buffer.from(`refused ${why}\n`));
    if (!due || this.#working) return await refuse("nothing was accepted");
    this.#promise = undefined;
    const invite = parseInvite(await lineFrom(stream, mostExchanged), now);
    const isItsOwn = Buffer.from(keyOfPeer(stream.peer)).toString("hex") === invite.hiveKey;
    if (!isItsOwn || invite.class !== "volunteer") return await refuse("it is no invitation for a volunteer");
    this.#working = true;
    this.#called.resolve(invite);
    await stream.write(Buffer.from("coming\n"));
  }

  async #work(invite: Invite, signal: AbortSignal): Promise<void> {
    const { folder, values, lent, clock, lasts, log } = this.#with;
    const mesh = this.#mesh;
    const over = new AbortController();
    const timer = clock.after(lasts, () => over.abort(new Error("it has lasted")));
    const until = AbortSignal.any([signal, over.signal]);
    const own = clamped(values, lent);
    try {
      await mesh.withdraw(capabilityKey(this.#offer.arch));
      const { membership } = await joinHive(
        { folder, invite, clock, values: own, mdns: false, log, mesh },
        until,
      );
      log(`works for ${membership.hive} as ${membership.worker}`);
      const slots = Math.max(1, Math.floor(lent.cores));
      const ended = await workFor({ folder, values: own, slots, clock, strangers: ["*"], log, mesh }, until);
      const why = {
        stopped: "",
        removed: ": it wants no more of it",
        expired: ": its ticket ran out meanwhile",
      }[ended];
      log(`has worked for ${membership.hive}${why}; what it gave is wiped`);
    } finally {
      timer.stop();
      // What a hive gave to a volunteer ends with the work.
      wipe(folder, false);
      this.#working = false;
      this.#called = Promise.withResolvers();
    }
  }

  async run(keyOfPeer: (peer: string) => Uint8Array, signal: AbortSignal): Promise<void> {
    const { log } = this.#with;
    await this.#mesh.handle(offerProtocol, (stream) => this.#asked(stream), { streams: 2 });
    await this.#mesh.handle(invitationProtocol, (stream) => this.#invited(stream, keyOfPeer), { streams: 1 });
    const publishing = this.#keepPublished(signal);
    const stopped = new Promise<undefined>((resolve) =>
      signal.addEventListener("abort", () => resolve(undefined), { once: true }),
    );
    while (!signal.aborted) {
      const invite = await Promise.race([this.#called.promise, stopped]);
      if (!invite) break;
      await this.#work(invite, signal).catch((thrown: unknown) => {
        if (!signal.aborted) log(toFault(thrown).message);
      });
      if (!signal.aborted) await this.#publish(signal).catch(() => undefined);
    }
    await publishing;
  }
}

/** Offers this machine, and works for who engages it, until the signal aborts. Throws `mesh.*`, `home.*`. */
export async function volunteer(volunteering: Volunteering, signal: AbortSignal): Promise<void> {
  const { folder, values, clock, log } = volunteering;
  const { createMesh, keyOfPeer, listenAddresses } = await import("@skep/edge-mesh");
  const identity = homeKey(nodePlaces.identity(folder));
  const where = values["listen.mesh"];
  const { host, port } = where && where !== "invited" ? where : { host: "::", port: 0 };
  await using mesh = await createMesh({
    ...meshLinks(values),
    key: identity.seed,
    clock,
    listen: where ? await listenAddresses(host, port, { quic: values["mesh.quic"] }) : [],
    announce: values["mesh.announce"],
    bootstrap: values["mesh.bootstrap"],
    relays: values["mesh.relays"],
    mdns: values["mesh.mdns"],
    upnp: values["mesh.port_mapping"],
    autonat: values["mesh.reachability"],
    dht: true,
    values: offerValues(() => clock.now()),
    log,
  });
  await new Volunteer(volunteering, identity, mesh).run(keyOfPeer, signal);
}
