import type { Trust } from "./checkpoint.ts";
import { decodeDecimal, decodeText, sameBytes } from "./encoding.ts";
import { fault } from "./faults.ts";
import { signatureTypes } from "./key-id.ts";
import type { Verifier } from "./note.ts";
import { parseVkey } from "./vkey.ts";

/** A log or witness of a policy, with its address where one stands there. */
export interface PolicyParty {
  readonly verifier: Verifier;
  readonly url?: string;
}

/** A parsed C2SP tlog-policy; it can be given wherever a `Trust` is asked for. */
export interface Policy extends Required<Omit<Trust, "origin">> {
  readonly parties: { readonly logs: readonly PolicyParty[]; readonly witnesses: readonly PolicyParty[] };
}

type Met = (cosigned: readonly Verifier[]) => boolean;

class PolicyReader {
  readonly logs: PolicyParty[] = [];
  readonly witnesses: PolicyParty[] = [];
  readonly #names = new Map<string, Met>();
  readonly #members = new Set<string>();
  quorum: Met | undefined;

  readonly lines: Record<string, (words: readonly string[]) => void> = {
    log: ([vkey = "", url, ...rest]) => {
      const verifier = this.#party(vkey, rest, this.logs);
      this.logs.push(url === undefined ? { verifier } : { verifier, url });
    },
    witness: ([name = "", vkey = "", url, ...rest]) => {
      const verifier = this.#party(vkey, rest, this.witnesses);
      if (verifier.type !== signatureTypes.cosignature)
        throw fault.policy("a witness key must be of type 0x04");
      this.#define(name, (cosigned) => cosigned.some((one) => one === verifier));
      this.witnesses.push(url === undefined ? { verifier } : { verifier, url });
    },
    group: ([name = "", threshold = "", ...members]) => {
      const parts = members.map((member) => this.#join(member));
      const named: Record<string, number> = { all: parts.length, any: 1 };
      const due = named[threshold] ?? decodeDecimal(threshold) ?? 0;
      if (due < 1 || due > parts.length) throw fault.policy(`threshold ${threshold}`);
      this.#define(name, (cosigned) => parts.filter((met) => met(cosigned)).length >= due);
    },
    quorum: ([name = "", ...rest]) => {
      if (this.quorum || rest.length > 0) throw fault.policy("quorum");
      this.quorum = name === "none" ? () => true : this.#find(name);
    },
  };

  #party(vkey: string, rest: readonly string[], among: readonly PolicyParty[]): Verifier {
    if (rest.length > 0) throw fault.policy(`too many words after ${vkey}`);
    const verifier = parseVkey(vkey);
    if (among.some((other) => sameBytes(other.verifier.publicKey, verifier.publicKey)))
      throw fault.policy(`duplicate key ${vkey}`);
    return verifier;
  }

  #define(name: string, met: Met): void {
    if (name === "" || name === "none" || this.#names.has(name)) throw fault.policy(`name ${name}`);
    this.#names.set(name, met);
  }

  #find(name: string): Met {
    const met = this.#names.get(name);
    if (!met) throw fault.policy(`unknown name ${name}`);
    return met;
  }

  #join(member: string): Met {
    const met = this.#find(member);
    if (this.#members.has(member)) throw fault.policy(`${member} is in two groups`);
    this.#members.add(member);
    return met;
  }
}

/** Reads a policy file, C2SP tlog-policy; throws `tlog.policy`, or `tlog.key` for a bad verifier key. */
export function parsePolicy(source: string | Uint8Array): Policy {
  const text = decodeText(source);
  if (text === undefined || /[\0-\x08\x0b-\x1f\x7f]/.test(text)) throw fault.policy("control character");
  const reader = new PolicyReader();
  for (const line of text.split("\n")) {
    const [verb, ...words] = line.split(/[ \t]+/).filter((word) => word !== "");
    if (verb === undefined || verb.startsWith("#")) continue;
    const read = Object.hasOwn(reader.lines, verb) ? reader.lines[verb] : undefined;
    if (!read) throw fault.policy(line);
    read(words);
  }
  const { quorum, logs, witnesses } = reader;
  if (!quorum) throw fault.policy("no quorum line");
  return {
    quorum,
    logs: logs.map(({ verifier }) => verifier),
    witnesses: witnesses.map(({ verifier }) => verifier),
    parties: { logs, witnesses },
  };
}
