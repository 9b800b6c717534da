import type { Decision, Kernel } from "@skep/kernel";
import { retained, witnessed, type GovernedView } from "@skep/provider-policy";
import type { Config } from "../config/mod.ts";
import type { HiveKeys } from "../hive/keys.ts";
import { createVerifier, type Verifier } from "@skep/tlog";
import { witnessText } from "../witness/ask.ts";

type Say = (line: string) => void;

const control = "/policy/ctl";

/**
 * What the configuration says of retention and witnesses, where nothing was ever set: a new home, or one that an older
 * program made. Later both are changed through `/policy/ctl` like rules and signers, and the configuration is no way around
 * these: what it says otherwise is told, not done. Witnesses may still come first from it while there is neither rule nor signer.
 */
export function giveFirstValues(kernel: Kernel, config: Config, keys: HiveKeys, say: Say): void {
  const governed = kernel.slices.view<GovernedView>("governed");
  const { active } = kernel.slices.view<{ readonly active: boolean }>("policy");
  const { values } = config;
  const first = (op: string, decide: () => Decision) =>
    kernel.system("policy", control, { op: `first-${op}` }, decide);
  const line = {
    outputs_age_ms: values["retention.outputs_age"],
    outputs_size: values["retention.outputs_size"],
    ended_jobs_age_ms: values["retention.ended_jobs_age"],
  };
  const fresh = governed.retention === undefined;
  if (fresh) first("retention", () => retained(line));
  else tellRetention(governed, config, say);
  const file = values["audit.witnesses"];
  if (file === "") return;
  const own = createVerifier(keys.origin, Buffer.from(keys.log.publicKey, "hex"));
  if (governed.witnesses === undefined && (fresh || !active)) {
    const text = witnessText(file, own);
    first("witnesses", () => witnessed(text));
  } else tellWitnesses(governed, file, own, say);
}

function tellRetention({ retention }: GovernedView, { values }: Config, say: Say): void {
  const same =
    retention?.outputsAge === values["retention.outputs_age"] &&
    retention.outputsSize === values["retention.outputs_size"] &&
    retention.jobsAge === values["retention.ended_jobs_age"];
  if (!same)
    say(
      "policy: retention of the configuration is not in force; /policy/retention is, and `skep policy retention` changes it",
    );
}

function tellWitnesses({ witnesses }: GovernedView, file: string, own: Verifier, say: Say): void {
  let text: string | undefined;
  try {
    text = witnessText(file, own);
  } catch {
    // It counts no more, so a home that lost it starts all the same.
  }
  if (text !== witnesses)
    say(
      "policy: audit.witnesses of the configuration is not in force; /policy/witnesses is, and `skep policy witnesses FILE` changes it",
    );
}
