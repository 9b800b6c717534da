import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import type { Client } from "@skep/ninep";
import type { PolicyFiles, Problem } from "@skep/policy";
import { connectOf, homeOf } from "../client/connect.ts";
import { appendLine } from "../client/control.ts";

const fault = faults("policy-set", {
  problems: ["invalid", "Cannot use these policies: problems found"],
});

const group = "judge";
const control = "/policy/ctl";

const setArg = {
  name: "set",
  kind: "file",
  doc: "A folder of .cedar, .cedarschema and .test.json files, or one file; default: policy/ in the home",
  optional: true,
} as const;

const pathOf = (context: Context, given: string | undefined): string =>
  given ?? join(homeOf(context), "policy");

async function filesOf(context: Context, given: string | undefined): Promise<PolicyFiles> {
  const { readSet } = await import("../policy/set-files.ts");
  return readSet(pathOf(context, given));
}

interface Checked {
  readonly policies: number;
  readonly passed: number;
  readonly problems: readonly Problem[];
  /** What may be meant so. */
  readonly warnings: readonly Problem[];
}

async function checkSet(files: PolicyFiles): Promise<Checked> {
  const { programActs } = await import("../policy/set-files.ts");
  const { checkSet: checked, PolicySet, warningsOf } = await import("@skep/policy");
  const acts = programActs();
  const { policies, problems, passed } = checked(files, acts);
  const warnings = problems.length > 0 ? [] : warningsOf(new PolicySet(policies), acts.describe, Date.now());
  return { policies: policies.length, passed, problems, warnings };
}

async function report(context: Context, found: Checked, said: string): Promise<number> {
  const { out } = context;
  const { printProblem } = await import("@skep/policy");
  const { problems, warnings } = found;
  if (out.wantsJson) await out.json({ ok: problems.length === 0, ...found });
  else for (const problem of problems) await out.line(printProblem(problem));
  for (const warning of warnings) out.warn(printProblem(warning));
  if (problems.length > 0) return out.wantsJson ? 2 : fault.problems(problems.length).row.exit;
  if (!out.wantsJson) await out.line(toned("good", "ok "), said);
  return 0;
}

/** `skep policy show`. */
export const policyShow: Command = command({
  name: "policy show",
  group,
  summary: "Show the rules in force",
  examples: [
    { run: "skep policy show", doc: "One line for each rule" },
    { run: "skep policy show --text", doc: "As they were written" },
    { run: "skep policy show --schema", doc: "What rules can ask about" },
  ],
  flags: {
    text: { kind: "boolean", doc: "The Cedar text of each rule" },
    schema: { kind: "boolean", doc: "The Cedar schema of requests" },
  },
  run: async (context) => {
    const { flags, out, signal } = context;
    await using client = await connectOf(context);
    const read = async (path: string) => Buffer.from(await client.readAll(path, { signal })).toString();
    if (flags.schema) return out.data(await read("/policy/schema"));
    const told = JSON.parse(await read("/policy/rules.json")) as {
      readonly rules: readonly { text: string }[];
    };
    if (out.wantsJson) return out.json(told);
    if (flags.text) return out.data(told.rules.map(({ text }) => `${text}\n`).join("\n"));
    return out.data(await read("/policy/rules"));
  },
});

/** `skep policy check`. */
export const policyCheck: Command = command({
  name: "policy check",
  group,
  summary: "Tell everything that is wrong with a policy set, with file, line and cure",
  examples: [{ run: "skep policy check ./policy", doc: "Needs no hive; runs its cases too" }],
  args: [setArg],
  run: async (context) => {
    const found = await checkSet(await filesOf(context, context.args.set));
    return report(context, found, `${found.policies} policies, ${found.passed} cases`);
  },
});

/** `skep policy test`. */
export const policyTest: Command = command({
  name: "policy test",
  group,
  summary: "Run the cases beside policies",
  doc: 'An x.test.json is a list of cases: {"name","subject","role","path","act","expect":"allow"|"deny"|"ask"}, and where wanted "rules", "class", "data", "at", "lifecycle", "label", "machine". They also run when a set is applied.',
  examples: [{ run: "skep policy test ./policy", doc: "Needs no hive" }],
  args: [setArg],
  run: async (context) => {
    const found = await checkSet(await filesOf(context, context.args.set));
    return report(context, found, `${found.passed} cases passed`);
  },
});

/** Characters of one staged piece: its line must fit the limit however it is escaped. */
const piece = 6000;

async function send(client: Client, files: PolicyFiles, signal: AbortSignal): Promise<unknown> {
  const whole = JSON.stringify({ op: "apply", files });
  if (Buffer.byteLength(whole) <= 12_000) return (await appendLine(client, control, whole, signal)).result;
  for (const [file, text] of Object.entries(files))
    for (let at = 0; at === 0 || at < text.length; at += piece) {
      const part = { op: "stage", file, at, text: text.slice(at, at + piece) };
      await appendLine(client, control, JSON.stringify(part), signal);
    }
  const line = JSON.stringify({ op: "apply", staged: Object.keys(files) });
  return (await appendLine(client, control, line, signal)).result;
}

async function told({ out }: Context, result: unknown): Promise<undefined> {
  if (out.wantsJson) await out.json(result as never);
  else await out.line(`Version ${(result as { readonly version: number }).version} is in force`);
  return undefined;
}

/** `skep policy apply`. */
export const policyApply: Command = command({
  name: "policy apply",
  group,
  summary: "Put a policy set in force, in place of the present one",
  doc: "It is judged by the rules in force: once two people can sign, another one than you must sign it too (exit code 6, then `skep approve`).",
  examples: [{ run: "skep policy apply ./policy", doc: "Checked, tested, then in force" }],
  args: [setArg],
  run: async (context) => {
    const files = await filesOf(context, context.args.set);
    await using client = await connectOf(context);
    return told(context, await send(client, files, context.signal));
  },
});

/** `skep policy rollback`. */
export const policyRollback: Command = command({
  name: "policy rollback",
  group,
  summary: "Put an earlier version in force again",
  doc: "A rollback is a change like any other: it is judged by the rules in force, and makes a new version. Version 0 is that before the first: no policies.",
  examples: [
    { run: "skep policy rollback", doc: "The version before this one" },
    { run: "skep policy rollback 0", doc: "No policies, as before the first" },
    { run: "skep policy rollback 3", doc: "Version 3; `skep cat /policy/versions` lists them" },
  ],
  args: [{ name: "version", kind: "integer", least: 0, doc: "The version", optional: true }],
  run: async (context) => {
    const { version } = context.args;
    await using client = await connectOf(context);
    const line = JSON.stringify({ op: "rollback", ...(version === undefined ? {} : { version }) });
    return told(context, (await appendLine(client, control, line, context.signal)).result);
  },
});

/** `skep policy signers`. */
export const policySigners: Command = command({
  name: "policy signers",
  group,
  summary: "Enrol the people whose signatures count, or show them",
  doc: "ALLOWED is an OpenSSH allowed_signers file; its principals are the owner's name and, after commas, the subjects of tickets that are the same person's. --roles has `OWNER operational[,recovery]` on each line, --groups `OWNER GROUP[,GROUP]` for rules with @role.",
  examples: [
    { run: "skep policy signers allowed_signers --roles roles", doc: "From now on these" },
    { run: "skep policy signers", doc: "Who they are" },
  ],
  args: [{ name: "allowed", kind: "file", doc: "allowed_signers", optional: true }],
  flags: {
    roles: { kind: "file", doc: "Roles of owners; without it all are operational" },
    groups: { kind: "file", doc: "Groups of owners" },
    revoked: { kind: "file", doc: "Keys that count no more: their lines, or a KRL of `ssh-keygen -k`" },
  },
  run: async (context) => {
    const { args, flags, out, signal } = context;
    await using client = await connectOf(context);
    if (args.allowed === undefined)
      return out.data(Buffer.from(await client.readAll("/policy/signers", { signal })).toString());
    const allowed = readFileSync(args.allowed, "utf8");
    const owners = new Set(
      allowed
        .split("\n")
        .filter((line) => /^\s*[^#\s]/.test(line))
        .map((line) => line.trim().split(/[\s,]/, 1)[0] ?? ""),
    );
    const roles = flags.roles
      ? readFileSync(flags.roles, "utf8")
      : [...owners].map((owner) => `${owner} operational\n`).join("");
    const groups = flags.groups ? readFileSync(flags.groups, "utf8") : "";
    const list = flags.revoked ? readFileSync(flags.revoked) : Buffer.alloc(0);
    // A list in the binary form begins so (PROTOCOL.krl of OpenSSH).
    const revoked =
      list.subarray(0, 6).toString() === "SSHKRL" ? `krl:${list.toString("base64")}` : list.toString();
    const line = JSON.stringify({ op: "signers", allowed, roles, groups, revoked });
    const { result } = await appendLine(client, control, line, signal);
    if (out.wantsJson) return out.json(result as never);
    const { owners: enrolled } = result as { readonly owners: readonly string[] };
    return out.line(`Enrolled: ${enrolled.join(", ")}`);
  },
});
