import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { faults } from "@skep/fault";
import { parseRevocations } from "@skep/sshsig";
import {
  type JudgeContext,
  type Judgement,
  judge,
  parseBurnt,
  parseSigners,
  printBurnt,
} from "@skep/statement";

const fault = faults("agent", {
  unsigned: [
    "denied",
    "Cannot carry this out: nobody's signature came with it",
    { cure: "Ask for it again once signers are enrolled: `skep policy signers`; then `skep approve`" },
  ],
  open: ["corrupt", "Cannot carry anything out: a pinned file cannot be read"],
});

/** Something irreversible that is asked of an agent, as the hive delivers it. */
export interface Order {
  readonly act: string;
  /** The target as the agent finds it, never as the hive says. */
  readonly target: JudgeContext["target"];
  readonly parameters: JudgeContext["parameters"];
  /** The text that was signed, and the signatures; undefined where the hive has none. */
  readonly mandate: { readonly statement: string; readonly signatures: readonly string[] } | undefined;
}

/** What is pinned in the folder of an agent: nothing of it ever comes from the hive. */
export const pinned = ["signers", "roles", "revoked", "burnt", "sweep-after"] as const;

/**
 * Carries irreversible acts out, or does not: it verifies statement, signatures, nonce and target itself, with signers
 * and revocations of its own folder. A hive can deliver a statement and never replace one.
 */
export class Agent {
  readonly #folder: string;
  readonly #hive: string;
  readonly #now: () => number;

  /** `now` in seconds since 1970 UTC, by the agent's own clock. */
  constructor(folder: string, hive: string, now: () => number) {
    this.#folder = folder;
    this.#hive = hive;
    this.#now = now;
  }

  #path(name: (typeof pinned)[number]): string {
    return join(this.#folder, name);
  }

  #text(name: (typeof pinned)[number]): string | undefined {
    const path = this.#path(name);
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  }

  /** Whether signers are pinned here: without them nothing asks this agent. Read each time: the file is the operator's. */
  get active(): boolean {
    return existsSync(this.#path("signers"));
  }

  /** Age from which this agent lets go without a signature, seconds; undefined where it never does. */
  get sweepAfter(): number | undefined {
    const text = this.#text("sweep-after")?.trim();
    if (text === undefined) return undefined;
    const seconds = /^\d{1,10}$/.test(text) ? Number(text) : 0;
    if (seconds === 0) throw fault.open(`${this.#path("sweep-after")}: no whole number of seconds`);
    return seconds;
  }

  // Durable before the act: after a crash in between the act is not begun again.
  #burn(nonce: string, notAfter: number, whole: number): void {
    const file = openSync(this.#path("burnt"), "a", 0o600);
    try {
      ftruncateSync(file, whole);
      // All of it: half a line is no nonce that is burnt.
      writeFileSync(file, printBurnt({ nonce, notAfter }));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const folder = openSync(this.#folder, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  /**
   * Returns once the act may be done, its nonce burnt durably. Throws `agent.unsigned`, `agent.open`, or the one
   * `statement.*` refusal.
   */
  accept({ act, target, parameters, mandate }: Order): Judgement {
    if (!mandate) throw fault.unsigned(act);
    const burnt = parseBurnt(this.#text("burnt") ?? "");
    const revoked = this.#text("revoked");
    const judgement = judge(mandate.statement, mandate.signatures, {
      signers: parseSigners(this.#text("signers") ?? "", this.#text("roles") ?? ""),
      ...(revoked === undefined ? {} : { revocations: parseRevocations(revoked) }),
      now: this.#now(),
      hive: this.#hive,
      act,
      target,
      parameters,
      burnt: (nonce) => burnt.has(nonce),
    });
    const { nonce, notAfter } = judgement.statement;
    this.#burn(nonce, notAfter, burnt.whole);
    return judgement;
  }
}
