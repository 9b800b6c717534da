import type { Session } from "@skep/kernel";
import { rulesToCedar } from "@skep/policy";
import type { Config } from "../config/mod.ts";

/** Name of the file that rules of the configuration become. */
const file = "configuration.cedar";

interface InForce {
  readonly version: number;
  readonly rules: readonly { readonly file: string; readonly id: string }[];
}

/**
 * Puts the rules of the configuration in force where no policies ever were. Later they are changed like any others:
 * what the file says then is told, not done, for the file is no way around the rules in force. Gives the session back.
 */
export async function applyConfigured(
  owner: Session,
  { values }: Config,
  log: (line: string) => void,
): Promise<Session> {
  const rules = values["policy.rules"];
  if (rules.length === 0) return owner;
  const told = JSON.parse(Buffer.from(await owner.read("/policy/rules.json")).toString()) as InForce;
  if (told.version > 0) {
    const held = told.rules.filter((rule) => rule.file === file).map(({ id }) => id);
    const missing = rules.filter(({ id }) => !held.includes(id));
    if (missing.length > 0)
      log(
        `policy: rules of the configuration are not in force: ${missing.map(({ id }) => id).join(", ")}; \`skep policy apply\` changes them`,
      );
    return owner;
  }
  const answer = await owner.append("/policy/ctl", { op: "apply", files: { [file]: rulesToCedar(rules) } });
  log(
    answer.verdict === "ok"
      ? `policy: ${rules.length} rules of the configuration in force`
      : `policy: rules of the configuration were refused: ${answer.message ?? answer.code}`,
  );
  return owner;
}
