import { faults, toFault } from "@skep/fault";
import {
  type Checkpoint,
  openCheckpoint,
  parsePolicy,
  type Policy,
  type PolicyParty,
  printAddCheckpoint,
  proveConsistency,
  readWitnessAnswer,
  type TileReader,
  type Verifier,
  type WitnessAnswer,
} from "@skep/tlog";
import type { WitnessStanding } from "@skep/provider-audit";
import { readText, replacePrivate } from "../client/files.ts";
import { exchange, reasonOf } from "../http/exchange.ts";
import { cosignedFile } from "./place.ts";

const fault = faults("witnesses", {
  read: ["absent", "Cannot read the policy of witnesses", { cure: "Name a file with a C2SP tlog-policy" }],
  key: [
    "invalid",
    "Cannot use the policy of witnesses: it has not the key of this log",
    { cure: "Put the line of `skep audit key` in it: `log VKEY`" },
  ],
  url: [
    "invalid",
    "Cannot use the policy of witnesses: a witness has no address",
    { cure: "Write `witness NAME VKEY URL`" },
  ],
});

/** Rounds of one asking: the witness tells another size, we prove from there. */
const mostRounds = 3;
const withinMs = 10_000;
const mostBytes = 64 * 1024;

/** What asking needs of the log. */
export interface AskedLog {
  /** The newest signed checkpoint, its size and how to prove from an earlier one. */
  readonly head: () => { readonly checkpoint: string; readonly size: number };
  readonly tile: TileReader;
}

/** The text of a policy of witnesses for this log, checked. Throws `witnesses.*`, `tlog.*`. */
export function witnessText(file: string, own: Verifier): string {
  const text = readText(file);
  if (text === undefined) throw fault.read(file);
  const policy = parsePolicy(text);
  if (
    !policy.logs.some(
      ({ publicKey, name }) => name === own.name && Buffer.from(publicKey).equals(own.publicKey),
    )
  )
    throw fault.key(own.name);
  const silent = policy.parties.witnesses.find(({ url }) => url === undefined);
  if (silent) throw fault.url(silent.verifier.name);
  return text;
}

/** A policy of witnesses for the log with this key, whatever log it names: keys and origins of a log change. */
export function witnessPolicy(text: string, own: Verifier): Policy {
  return { ...parsePolicy(text), logs: [own] };
}

/** Posts a request to a witness. Throws `exchange.*`. */
export async function post(url: string, request: string, signal: AbortSignal): Promise<WitnessAnswer> {
  const target = new URL("add-checkpoint", url.endsWith("/") ? url : `${url}/`);
  const question = { method: "POST", body: request, mostBytes, withinMs, signal };
  const { status, body, contentType } = await exchange(target, question);
  return { status, body, ...(contentType !== undefined && { contentType }) };
}

/** Asks witnesses for cosignatures and keeps the newest checkpoint that has enough of them. */
export class Witnesses {
  readonly #policy: Policy;
  readonly #log: AskedLog;
  readonly #file: string;
  readonly #say: (line: string) => void;
  readonly #sizes = new Map<string, number>();
  readonly #standing = new Map<string, WitnessStanding>();
  readonly #now: () => number;
  #cosigned: { readonly note: string; readonly size: number } | undefined;
  #asking = false;

  constructor(
    home: string,
    policy: Policy,
    log: AskedLog,
    deps: { readonly say: (line: string) => void; readonly now: () => number },
  ) {
    this.#policy = policy;
    this.#log = log;
    this.#say = deps.say;
    this.#now = deps.now;
    this.#file = cosignedFile(home);
    this.#restore();
  }

  // What was kept under another policy, or of another origin before a restore, counts no more.
  #restore(): void {
    const note = readText(this.#file);
    if (note === undefined) return;
    try {
      const { size } = this.#open(note);
      this.#cosigned = { note, size };
    } catch (thrown) {
      this.#say(`kept cosignatures do not count: ${toFault(thrown).message}`);
    }
  }

  #open(note: string): Checkpoint {
    return openCheckpoint(note, this.#policy).checkpoint;
  }

  /** The newest checkpoint with a quorum of cosignatures; empty before the first. */
  get cosigned(): string {
    return this.#cosigned?.note ?? "";
  }

  get standing(): readonly WitnessStanding[] {
    return [...this.#standing.values()];
  }

  /** Asks all witnesses about the newest checkpoint, unless that has its quorum or an asking is under way. */
  async ask(signal: AbortSignal): Promise<void> {
    const head = this.#log.head();
    if (this.#asking || head.size === this.#cosigned?.size || head.size === 0) return;
    this.#asking = true;
    try {
      const { witnesses } = this.#policy.parties;
      const notes = await Promise.all(witnesses.map((party) => this.#one(party, head, signal)));
      this.#keep(head, notes);
    } finally {
      this.#asking = false;
    }
  }

  #keep(
    head: { readonly checkpoint: string; readonly size: number },
    notes: readonly (string | undefined)[],
  ): void {
    let note = head.checkpoint;
    for (const cosigned of notes) if (cosigned !== undefined) note += cosigned.slice(head.checkpoint.length);
    try {
      this.#open(note);
    } catch {
      return;
    }
    replacePrivate(this.#file, note);
    this.#cosigned = { note, size: head.size };
  }

  #tell(
    { verifier, url = "" }: PolicyParty,
    state: WitnessStanding["state"],
    more: { size?: number; reason?: string },
  ) {
    const { name } = verifier;
    const before = this.#standing.get(name);
    const size = more.size ?? before?.size ?? 0;
    const reason = more.reason ?? "";
    this.#standing.set(name, { name, url, state, size, reason, time: this.#now() });
    if (before?.state !== state || before.reason !== reason)
      this.#say(`witness ${name} ${state}${reason === "" ? "" : `: ${reason}`}`);
  }

  async #one(
    party: PolicyParty,
    { checkpoint, size }: { readonly checkpoint: string; readonly size: number },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { verifier, url = "" } = party;
    let oldSize = Math.min(this.#sizes.get(verifier.name) ?? 0, size);
    for (let round = 0; round < mostRounds; round += 1)
      try {
        const proof =
          oldSize === 0 || oldSize === size ? [] : await proveConsistency(oldSize, size, this.#log.tile);
        const answer = await post(url, printAddCheckpoint({ oldSize, proof, checkpoint }), signal);
        const outcome = readWitnessAnswer(answer, { checkpoint, size, oldSize }, [verifier]);
        if (outcome.kind === "again") {
          oldSize = outcome.oldSize;
          continue;
        }
        if (outcome.kind === "cosigned") {
          this.#sizes.set(verifier.name, size);
          this.#tell(party, "cosigned", { size });
          return outcome.checkpoint;
        }
        if (outcome.kind === "ahead")
          this.#tell(party, "ahead", {
            size: outcome.theirSize,
            reason: `it cosigned ${outcome.theirSize} records of this log, which has ${size}: the log went back`,
          });
        else this.#tell(party, "refused", { reason: outcome.reason });
        return undefined;
      } catch (thrown) {
        if (!signal.aborted) this.#tell(party, "silent", { reason: reasonOf(thrown) });
        return undefined;
      }
    this.#tell(party, "refused", { reason: "it names one size after the other" });
    return undefined;
  }
}
