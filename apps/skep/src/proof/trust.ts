import { existsSync } from "node:fs";
import { join } from "node:path";
import { faults } from "@skep/fault";
import { createVerifier, parsePolicy, parseVkey, printVkey, type Trust, type Verifier } from "@skep/tlog";
import { readText } from "../client/files.ts";
import { hiveKeys } from "../hive/keys.ts";

const fault = faults("audit-key", {
  read: ["invalid", "Cannot read --key", { cure: "Give the line that `skep audit key` prints" }],
  policy: ["absent", "Cannot read the policy"],
  none: [
    "invalid",
    "Cannot verify without the key of the log",
    { cure: "Give --key with the line that `skep audit key` prints at the hive" },
  ],
});

const verifierOf = (origin: string, publicKey: string): Verifier =>
  createVerifier(origin, Buffer.from(publicKey, "hex"));

/** The verifier keys of a home's log: the one in use first, then those that were rotated away. */
export function logVerifiers(home: string): readonly Verifier[] {
  const { log, old, origin } = hiveKeys(home);
  return [log.publicKey, ...old.log].map((key) => verifierOf(origin, key));
}

/** The key of a home's log in the form that other tools read (C2SP verifier key). */
export function logKeyText(home: string): string {
  const [verifier] = logVerifiers(home);
  return verifier ? printVkey(verifier) : "";
}

/** Keys, witnesses and quorum of a tlog-policy. Throws `audit-key.policy`, `tlog.*`. */
export function trustOfPolicy(file: string): Trust {
  const text = readText(file);
  if (text === undefined) throw fault.policy(file);
  return parsePolicy(text);
}

/** Whom to believe: the keys that were given, else those of the home. Throws `audit-key.*`. */
export function trustFor(given: readonly string[], home: string | undefined): Trust {
  if (given.length > 0)
    return {
      logs: given.map((text) => {
        try {
          return parseVkey(text.trim());
        } catch (cause) {
          throw fault.read(text, { cause });
        }
      }),
    };
  if (home === undefined || !existsSync(join(home, "keys", "log"))) throw fault.none();
  return { logs: logVerifiers(home) };
}
