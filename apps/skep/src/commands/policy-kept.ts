import { type Command, command } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { formatBytes, formatDuration } from "@skep/text";
import { connectOf } from "../client/connect.ts";
import { appendLine } from "../client/control.ts";
import { readText } from "../client/files.ts";

const fault = faults("policy-witnesses", {
  both: [
    "invalid",
    "Cannot set witnesses and ask none at once",
    { cure: "Give the file with a policy, or --none" },
  ],
  file: ["absent", "Cannot read the policy of witnesses", { cure: "Name a file with a C2SP tlog-policy" }],
});

const group = "judge";
const control = "/policy/ctl";
const judged =
  "A change is judged by the rules in force, like one of rules and signers: once two people can sign, another one than you must sign it too.";

interface Kept {
  readonly outputs_age_ms: number;
  readonly outputs_size: number;
  readonly ended_jobs_age_ms: number;
}

/** `skep policy retention`. */
export const policyRetention: Command = command({
  name: "policy retention",
  group,
  summary: "Show or set how long outputs and ended jobs are kept",
  doc: `${judged} The section [retention] of the configuration only gives the values of a new home.`,
  examples: [
    { run: "skep policy retention", doc: "What is in force" },
    { run: "skep policy retention --outputs-age 7d --outputs-size 2GB", doc: "The rest stays as it is" },
  ],
  flags: {
    "outputs-age": { kind: "duration", doc: "How long outputs of jobs are kept" },
    "outputs-size": { kind: "size", doc: "Most bytes of outputs; the oldest go first" },
    "ended-jobs-age": { kind: "duration", doc: "How long ended jobs are kept" },
  },
  run: async (context) => {
    const { flags, out, signal } = context;
    await using client = await connectOf(context);
    const read = async (): Promise<Kept> =>
      JSON.parse(Buffer.from(await client.readAll("/policy/retention.json", { signal })).toString());
    let now = await read();
    const set = [flags["outputs-age"], flags["outputs-size"], flags["ended-jobs-age"]];
    if (set.some((value) => value !== undefined)) {
      const line: Kept = {
        outputs_age_ms: flags["outputs-age"] ?? now.outputs_age_ms,
        outputs_size: flags["outputs-size"] ?? now.outputs_size,
        ended_jobs_age_ms: flags["ended-jobs-age"] ?? now.ended_jobs_age_ms,
      };
      await appendLine(client, control, JSON.stringify({ op: "retention", ...line }), signal);
      now = await read();
    }
    if (out.wantsJson) return out.json(now as never);
    await out.line(
      `Outputs are kept ${formatDuration(now.outputs_age_ms)}, at most ${formatBytes(now.outputs_size)}`,
    );
    return out.line(`Ended jobs are kept ${formatDuration(now.ended_jobs_age_ms)}`);
  },
});

/** `skep policy witnesses`. */
export const policyWitnesses: Command = command({
  name: "policy witnesses",
  group,
  summary: "Show or set whose cosignatures of the log are asked for",
  doc: `FILE is a C2SP tlog-policy with an address behind each witness. ${judged} audit.witnesses of the configuration only gives the first value.`,
  examples: [
    { run: "skep policy witnesses", doc: "The policy in force" },
    { run: "skep policy witnesses witnesses.policy", doc: "From now on these" },
    { run: "skep policy witnesses --none", doc: "Nobody is asked any more" },
  ],
  args: [{ name: "file", kind: "file", doc: "The tlog-policy", optional: true }],
  flags: { none: { kind: "boolean", doc: "Ask nobody" } },
  run: async (context) => {
    const { args, flags, out, signal } = context;
    const { file } = args;
    if (flags.none && file !== undefined) throw fault.both();
    await using client = await connectOf(context);
    if (!flags.none && file === undefined) {
      const text = Buffer.from(await client.readAll("/policy/witnesses", { signal })).toString();
      if (out.wantsJson) return out.json({ policy: text });
      return text === "" ? out.line("Nobody is asked to cosign the log") : out.data(text);
    }
    const policy = file === undefined ? "" : readText(file);
    if (policy === undefined) throw fault.file(file);
    const line = JSON.stringify({ op: "witnesses", policy });
    const { result } = await appendLine(client, control, line, signal);
    if (out.wantsJson) return out.json(result as never);
    const { witnesses } = result as { readonly witnesses: number };
    return out.line(
      witnesses === 0 ? "Nobody is asked to cosign the log" : `${witnesses} witnesses are asked`,
    );
  },
});
