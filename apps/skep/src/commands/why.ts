import { type Command, command } from "@skep/edge-cli";
import { Fault, faults } from "@skep/fault";
import type { Changed, Why } from "@skep/provider-audit";
import type { Client } from "@skep/ninep";
import { escapeForeign, formatTime } from "@skep/text";
import { connectOf, targetOf } from "../client/connect.ts";
import { keyFlag } from "./audit-source.ts";
import { joinedMachine, type MachineRow } from "./machine.ts";
import type { Unchanged } from "./why-unchanged.ts";

const fault = faults("why", {
  unknown: [
    "absent",
    "Cannot find a record, job, action, machine or path of that name",
    {
      cure: "`skep audit cat`, `skep jobs`, `skep approvals --all`, `skep nodes` and `skep ls PATH` list what there is",
    },
  ],
});

type Told = Why | Changed;

const chainOf = (told: Told): Why => ("why" in told ? told.why : told);

function summaryOf(told: Told): string {
  if (!("why" in told)) return told.summary;
  const [newest] = told.changes;
  // Records of a machine's files stand under one of its two names.
  const part = told.path.endsWith(told.of) ? "" : ` (as part of ${told.of})`;
  return `${told.path}${part} was last changed by record ${newest?.seq}: ${newest?.act} at ${newest?.path} by ${newest?.subject}`;
}

async function read(client: Client, path: string, signal: AbortSignal): Promise<string> {
  return Buffer.from(await client.readAll(path, { signal })).toString();
}

interface Found {
  readonly told: Told;
  readonly text: string;
}

/** What is there, where the refusal means that no record tells of it rather than that the caller may not read the log. */
async function untold(
  client: Client,
  of: string,
  thrown: unknown,
  signal: AbortSignal,
): Promise<Unchanged | undefined> {
  if (!(thrown instanceof Fault) || thrown.kind !== "absent" || !of.startsWith("/")) return undefined;
  const { unchanged } = await import("./why-unchanged.ts");
  return await unchanged(client, of, signal);
}

/** What the log tells; whoever may not read the log reads what is told of their own jobs. */
async function find(client: Client, of: string, signal: AbortSignal): Promise<Found | Unchanged> {
  const at = `/audit/why/${encodeURIComponent(of)}/chain`;
  try {
    const told = JSON.parse(await read(client, `${at}.json`, signal)) as Told;
    return { told, text: await read(client, at, signal) };
  } catch (thrown) {
    const job = /^(?:\/jobs\/)?(\d+)(?:\/|$)/.exec(of)?.[1];
    const hidden = thrown instanceof Fault && (thrown.kind === "absent" || thrown.kind === "denied");
    const there = await untold(client, of, thrown, signal);
    if (there) return there;
    if (hidden && job === undefined) throw fault.unknown(of, { cause: thrown });
    if (!hidden || job === undefined) throw thrown;
    const own = JSON.parse(
      await read(client, `/jobs/${job}/why.json`, signal).catch(() => {
        throw thrown.kind === "absent" ? fault.unknown(of, { cause: thrown }) : thrown;
      }),
    ) as { readonly chain?: Why };
    if (!own.chain) throw thrown;
    return { told: own.chain, text: await read(client, `/jobs/${job}/why`, signal) };
  }
}

/** Checks every proof of a chain; the number of records that were proven. Throws `tlog.*`, `audit.*`. */
async function verifyChain(
  client: Client,
  { proofs }: Why,
  keys: readonly string[],
  home: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  const [{ trustFor }, tlog] = await Promise.all([import("../proof/trust.ts"), import("@skep/tlog")]);
  const trust = trustFor(keys, home);
  for (const [seq, proof] of Object.entries(proofs)) {
    const index = Math.floor(Number(seq) / tlog.tileWidth);
    const { size } = tlog.openCheckpoint(tlog.parseTlogProof(proof).checkpoint, trust).checkpoint;
    const width = Math.min(tlog.tileWidth, size - index * tlog.tileWidth);
    const bundle = await client.readAll(`/audit/${tlog.tilePath({ level: "entries", index, width })}`, {
      signal,
    });
    const record = tlog.decodeBundle(bundle, width)[Number(seq) - index * tlog.tileWidth];
    tlog.verifyTlogProof(proof, tlog.leafHash(record ?? new Uint8Array(0)), trust);
  }
  return Object.keys(proofs).length;
}

/** A machine that joined, by the name of its worker or its own. */
async function machineOf(client: Client, of: string, signal: AbortSignal): Promise<MachineRow | undefined> {
  if (!/^[\w.@:+-]+$/.test(of) || /^\d+$/.test(of)) return undefined;
  return await joinedMachine(client, of, signal);
}

function machineLine({ node, name, state, path, why, since_ms }: MachineRow): string {
  const reason = why === "" ? (path === "none" ? "it is not connected" : path) : why;
  return `${node} (${name}) is ${state} since ${formatTime(since_ms)}: ${reason}`;
}

/** `skep why`. */
export const why: Command = command({
  name: "why",
  group: "proof",
  summary: "Tell why something happened, was refused, or is as it is",
  doc: "For a record, a job or an action by its number, for a machine by its name (how it is reached, and why not better), or for a file by its path: what no record ever changed is told as what it is. One line; with --long the whole chain from ticket over rule, approvals, decision and effects to the receipt, each link with its record. --verify checks the proof of every record with the key of the log.",
  examples: [
    { run: "skep why 17", doc: "Record, job or action 17" },
    { run: "skep why /jobs/17/status --long", doc: "Which acts last changed a file, and why the newest was" },
    { run: "skep why desk", doc: "Why a machine is relayed, or absent" },
    { run: "skep why 17 --json", doc: "The chain with its proofs, for programs" },
  ],
  args: [{ name: "of", kind: "string", doc: "A number, a machine, or a path" }],
  flags: {
    ...keyFlag,
    long: { kind: "boolean", short: "l", doc: "The whole chain" },
    verify: { kind: "boolean", doc: "Check the proof of every record that the chain names" },
  },
  run: async (context) => {
    const { args, flags, out, signal } = context;
    await using client = await connectOf(context);
    const machine = await machineOf(client, args.of, signal);
    if (machine) {
      if (out.wantsJson) return out.json(machine);
      return await out.line(escapeForeign(machineLine(machine), { form: "wire" }));
    }
    const found = await find(client, args.of, signal);
    if ("summary" in found) {
      if (out.wantsJson) return out.json(found);
      return await out.line(escapeForeign(found.summary, { form: "wire" }));
    }
    const { told, text } = found;
    const proven = flags.verify
      ? await verifyChain(client, chainOf(told), flags.key, targetOf(context).home, signal)
      : undefined;
    if (out.wantsJson) return out.json({ ...told, ...(proven !== undefined && { proven }) } as never);
    if (flags.long) await out.data(text);
    else await out.line(escapeForeign(summaryOf(told), { form: "wire" }));
    if (proven !== undefined) await out.line(`${proven} records proven to be in the log`);
    return undefined;
  },
});
