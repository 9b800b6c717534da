import { type Command, command } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import type { Client } from "@skep/ninep";
import type { Decided, PolicySet } from "@skep/policy";
import { formatCount } from "@skep/text";
import { connectOf } from "../client/connect.ts";
import { logFlags, openLog } from "./audit-source.ts";

const fault = faults("what-if", {
  invalid: ["invalid", "Cannot use these policies", { cure: "`skep policy check` shows every problem" }],
});

interface InForce {
  readonly version: number;
  readonly rules: readonly { readonly file: string; readonly text: string }[];
}

const rulesOf = ({ decision, rules }: Decided): string =>
  `${decision}${rules.length === 0 ? "" : ` (${rules.join(", ")})`}`;

async function checked(files: Readonly<Record<string, string>>, acts: Iterable<string>): Promise<PolicySet> {
  const { loadPolicies, PolicySet: Prepared, printProblem } = await import("@skep/policy");
  const { policies, problems } = loadPolicies(files, acts);
  const [first] = problems;
  if (first) throw fault.invalid(printProblem(first));
  return new Prepared(policies);
}

/** What is in force, which was checked when it was applied; undefined where there are no policies. */
async function inForce(client: Client, signal: AbortSignal): Promise<PolicySet | undefined> {
  const { PolicySet: Prepared, readPolicies } = await import("@skep/policy");
  const { version, rules } = JSON.parse(
    (await client.readAll("/policy/rules.json", { signal })).toString(),
  ) as InForce;
  const files: Record<string, string> = {};
  for (const { file, text } of rules) files[file] = `${files[file] ?? ""}${text}\n`;
  return version === 0 ? undefined : new Prepared(readPolicies(files));
}

/** `skep policy what-if`. */
export const policyWhatIf: Command = command({
  name: "policy what-if",
  group: "judge",
  summary: "List what would have been decided otherwise under another policy set",
  doc: "Judges the commands of the last records again, by the rules in force and by SET. Refusals are left out: their commands are not kept. Nothing is changed.",
  examples: [
    { run: "skep policy what-if ./policy", doc: "The last 100,000 records" },
    { run: "skep policy what-if ./policy --last 1000 --json", doc: "For a program" },
  ],
  args: [{ name: "set", kind: "file", doc: "The folder or file of the other set" }],
  flags: { ...logFlags, last: { kind: "integer", least: 1, default: "100000", doc: "How many records" } },
  run: async (context) => {
    const { args, flags, out, signal } = context;
    const { programActs, readSet } = await import("../policy/set-files.ts");
    const { Requests } = await import("../policy/recorded.ts");
    const { compareSets } = await import("@skep/policy");
    const { decodeRecord } = await import("@skep/kernel");
    const acts = programActs();
    const after = await checked(readSet(args.set), acts.names());
    await using client = await connectOf(context);
    const before = await inForce(client, signal);
    await using log = await openLog(context, flags.offline);
    const { size } = log.source;
    const requests = new Requests(acts);
    const changes = new Map<string, { count: number; first: number; line: string }>();
    let judged = 0;
    for await (const bytes of log.source.entries(Math.max(0, size - flags.last), size)) {
      const asked = requests.of(decodeRecord(bytes));
      if (!asked) continue;
      judged += 1;
      const { subject, path, act } = asked.request;
      for (const { before: was, after: will } of compareSets([[asked.seq, asked.request]], before, after)) {
        const line = `${subject} ${act} at ${path}: ${rulesOf(was)} would be ${rulesOf(will)}`;
        const known = changes.get(line) ?? { count: 0, first: asked.seq, line };
        known.count += 1;
        changes.set(line, known);
      }
    }
    if (out.wantsJson) return out.json({ judged, skipped: requests.skipped, changes: [...changes.values()] });
    for (const { count, first, line } of changes.values())
      await out.line(line, `  ${formatCount(count)} times, first record ${first}`);
    const total = [...changes.values()].reduce((sum, { count }) => sum + count, 0);
    return out.line(`${formatCount(total)} of ${formatCount(judged)} commands would be decided otherwise`);
  },
});
