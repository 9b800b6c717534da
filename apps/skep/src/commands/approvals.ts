import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Command, type Context, command } from "@skep/edge-cli";
import { Fault, faults, toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { connectOf } from "../client/connect.ts";
import { appendLine } from "../client/control.ts";
import { list } from "../client/tree.ts";
import { actionOf, agreed, found, live, read, type Status, statusOf, unknownAction } from "./actions.ts";

const fault = faults("approve", {
  ended: ["conflict", "Cannot approve an action that has ended"],
  statement: [
    "invalid",
    "Cannot show what the hive sent, which is no statement",
    { cure: "Nothing was signed; `skep action export` writes it as it is" },
  ],
  record: ["absent", "Cannot find record", { cure: "`skep audit cat` lists them" }],
});

const group = "judge";

function refusedAs({ code, message, kind, cure }: Fault, id: string): Fault {
  const extra = { cure: cure ?? `\`skep why ${id} --long\` tells what it did` };
  return new Fault(kind, code, message, extra);
}

/**
 * The statement of an action, byte for byte what is signed. A statement has printable ASCII only, so a terminal shows it as
 * it is; of a hive that sends anything else `approve.statement` is thrown.
 */
async function statementOf(client: Client, action: string, signal: AbortSignal): Promise<string> {
  const text = await read(client, `/actions/${action}/statement`, signal);
  await actionOf(text, (cause) => fault.statement(action, { cause }));
  return text;
}

function needText({ needs = [] }: Status): string {
  return needs
    .map(({ approvals, role, by, have }) => `${have} of ${approvals} ${by}${role === null ? "" : ` ${role}`}`)
    .join(", ");
}

/** `skep approvals`. */
export const approvals: Command = command({
  name: "approvals",
  group,
  summary: "List what waits for approval, or show one action",
  examples: [
    { run: "skep approvals", doc: "Everything that waits, and what lies in the queue" },
    { run: "skep approvals 17", doc: "How far it is, and what is signed" },
  ],
  args: [{ name: "id", kind: "string", doc: "An action", optional: true }],
  flags: { all: { kind: "boolean", doc: "Those that have ended lately, too" } },
  run: async (context) => {
    const { args, flags, out, signal } = context;
    await using client = await connectOf(context);
    if (args.id !== undefined) {
      const status = await statusOf(client, args.id, signal);
      if (out.wantsJson) return out.json(status as never);
      await out.data(await read(client, `/actions/${args.id}/status`, signal));
      if (status.kind === "action") await out.data(`\n${await statementOf(client, args.id, signal)}`);
      return undefined;
    }
    const names = (await list(client, "/actions", signal)).filter(({ kind }) => kind === "dir");
    const all: Status[] = [];
    for (const { name } of names) all.push(await statusOf(client, name, signal));
    const shown = all.filter((status) => flags.all || live(status));
    if (out.wantsJson) return out.json(shown as never);
    for (const status of shown) {
      const what = status.kind === "queued" ? `for ${status.target}` : `${status.act} at ${status.path}`;
      await out.line(status.id, `  ${status.state}  ${what}  by ${status.by}  ${needText(status)}`);
    }
    if (shown.length === 0)
      out.message("Nothing waits; rules that ask for approvals come with `skep policy apply`");
    return undefined;
  },
});

async function queueFor(context: Context, client: Client, target: string, decision: "approve" | "deny") {
  const id = `${decision}-${randomBytes(6).toString("hex")}`;
  const line = JSON.stringify({ id, target, decision });
  await appendLine(client, "/actions/queue", line, context.signal);
  if (context.out.wantsJson) return context.out.json({ id, target, decision });
  return context.out.line(
    decision === "approve"
      ? `Queued ${id}: the next command at ${target} uses it up`
      : `Queued ${id}: ${target} is denied`,
  );
}

/** `skep approve`. */
export const approve: Command = command({
  name: "approve",
  group,
  summary: "Read what is about to happen, and sign it with your SSH key",
  doc: "Shows the statement, asks, and signs exactly those bytes with the agent's key or that of a file. Where the rules ask for no signature your ticket is enough. A PATH instead of an action queues an approval for the next command there. On a machine without network: `skep action export`, sign there, `skep action import`.",
  examples: [
    { run: "skep approve 17", doc: "With the agent's only key, or ~/.ssh/id_ed25519" },
    { run: "skep approve 17 --key ~/.ssh/work.pub", doc: "With that key, in the agent" },
    { run: "skep approve 17 --signature statement.sig", doc: "Signed elsewhere" },
    { run: "skep approve /queen/ctl", doc: "For a rule that wants an approval presented" },
  ],
  args: [{ name: "action", kind: "string", doc: "An action, as `skep approvals` lists them, or a path" }],
  flags: {
    key: { kind: "file", doc: "A private key, or the .pub of one in the agent" },
    signature: { kind: "file", doc: "A signature that was made elsewhere" },
  },
  danger: "moderate",
  run: async (context) => {
    const { args, flags, io, out, signal } = context;
    await using client = await connectOf(context);
    if (args.action.startsWith("/")) return await queueFor(context, client, args.action, "approve");
    const status = await statusOf(client, args.action, signal);
    if (!live(status)) throw fault.ended(`${args.action} ${status.state}`);
    const statement = await statementOf(client, args.action, signal);
    const signs = flags.signature !== undefined || (status.needs ?? []).some(({ by }) => by === "signer");
    if (!out.wantsJson) await out.data(statement);
    await context.confirm({ act: `${signs ? "Sign" : "Approve"} this`, name: args.action });
    let signature: string | undefined;
    if (flags.signature !== undefined) signature = readFileSync(flags.signature, "utf8");
    else if (signs) {
      const { signStatement } = await import("../policy/signing.ts");
      signature = await signStatement(statement, flags.key, io.env);
    }
    const line = {
      action: args.action,
      decision: "approve",
      ...(signature === undefined ? {} : { signature }),
    };
    const { result } = await appendLine(client, "/actions/queue", JSON.stringify(line), signal);
    if (out.wantsJson) return out.json(result as never);
    return out.line(agreed(args.action, result));
  },
});

/** `skep reject`. */
export const reject: Command = command({
  name: "reject",
  group,
  summary: "End an action that waits, with a reason",
  examples: [
    { run: "skep reject 17 'not tonight'", doc: "It will not run; whoever asked reads why" },
    { run: "skep reject /queen/ctl", doc: "Deny that path in the queue until somebody approves it again" },
  ],
  args: [
    { name: "action", kind: "string", doc: "An action, as `skep approvals` lists them, or a path" },
    { name: "reason", kind: "string", doc: "Why", optional: true },
  ],
  run: async (context) => {
    const { args, out, signal } = context;
    await using client = await connectOf(context);
    if (args.action.startsWith("/")) return await queueFor(context, client, args.action, "deny");
    const line = { action: args.action, decision: "reject", reason: args.reason ?? "no reason given" };
    if (!/^\d{1,15}$/.test(args.action)) throw unknownAction(args.action)(undefined);
    await found(
      appendLine(client, "/actions/queue", JSON.stringify(line), signal),
      unknownAction(args.action),
    );
    if (out.wantsJson) return out.json({ action: args.action, state: "rejected" });
    return out.line(`Rejected ${args.action}`);
  },
});

/** `skep undo`. */
export const undo: Command = command({
  name: "undo",
  group,
  summary: "Take back what a record did, where that can be done",
  doc: "Shows the command that undoes it, asks, and sends it through the same gate. What cannot be undone tells what a person can do instead.",
  examples: [
    { run: "skep undo 42", doc: "Record 42 of `skep audit cat`, the number that commands answer with" },
  ],
  args: [{ name: "id", kind: "integer", least: 0, doc: "Number of the record" }],
  danger: "moderate",
  run: async (context) => {
    const { args, out, signal } = context;
    await using client = await connectOf(context);
    const id = String(args.id);
    const unknown = (cause: unknown) => fault.record(id, { cause });
    const inverse = await found(read(client, `/actions/${id}/undo`, signal), unknown).catch((thrown) => {
      throw refusedAs(toFault(thrown), id);
    });
    const told = JSON.parse(inverse) as {
      readonly path: string;
      readonly command: unknown;
    };
    const line = typeof told.command === "string" ? told.command : JSON.stringify(told.command);
    await context.confirm({ act: `Append ${line} to ${told.path}`, name: id });
    const answer = await appendLine(client, told.path, line, signal);
    if (out.wantsJson) return out.json({ undone: args.id, ...told, answer } as never);
    return out.line(`Undone ${args.id}: ${line} at ${told.path}`);
  },
});
