import { readFileSync, writeFileSync } from "node:fs";
import { type Command, command } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { connectOf } from "../client/connect.ts";
import { appendLine } from "../client/control.ts";
import { actionOf, agreed, found, live, read, statusOf, unknownAction } from "./actions.ts";

const fault = faults("action", {
  ended: ["conflict", "Cannot export an action that has ended"],
  statement: [
    "invalid",
    "Cannot use this as a statement",
    { cure: "`skep action export ID` writes one; nothing in it may be changed" },
  ],
  signature: [
    "absent",
    "Cannot find the signature of the statement",
    { cure: "Sign with `skep action sign FILE`, or name it with --signature" },
  ],
});

const group = "judge";
const statementArg = { name: "file", kind: "file", doc: "The statement, as it was exported" } as const;

/** A statement and the action that it is for. Throws `action.statement`. */
async function statementIn(file: string): Promise<{ readonly text: string; readonly action: string }> {
  const text = readFileSync(file, "utf8");
  return { text, action: await actionOf(text, (cause) => fault.statement(file, { cause })) };
}

/** `skep action export`. */
const actionExport: Command = command({
  name: "action export",
  group,
  summary: "Write the statement of an action, to be signed on a machine without network",
  doc: "The file is what approvers read and sign, byte for byte. There `skep action sign FILE`, or `ssh-keygen -Y sign -n skep-statement@v1 -f KEY FILE`; back here `skep action import FILE`.",
  examples: [
    { run: "skep action export 17 17.statement", doc: "Then carry 17.statement over" },
    { run: "skep action export 17 -", doc: "To stdout" },
  ],
  args: [
    { name: "id", kind: "string", doc: "An action" },
    { name: "file", kind: "file", doc: "The file; must not be there; - is stdout" },
  ],
  run: async (context) => {
    const { args, out, signal } = context;
    await using client = await connectOf(context);
    const status = await statusOf(client, args.id, signal);
    if (!live(status)) throw fault.ended(`${args.id} ${status.state}`);
    const statement = await found(
      read(client, `/actions/${args.id}/statement`, signal),
      unknownAction(args.id),
    );
    if (args.file === "-") return out.data(statement);
    writeFileSync(args.file, statement, { flag: "wx", mode: 0o644 });
    if (out.wantsJson) return out.json({ action: args.id, file: args.file });
    return out.line(`Wrote the statement of action ${args.id} to ${args.file}`);
  },
});

/** `skep action sign`. */
const actionSign: Command = command({
  name: "action sign",
  group,
  summary: "Read a statement that was exported, and sign it; needs no hive",
  doc: "Shows the statement, asks, and signs exactly those bytes with the agent's key or that of a file. The signature is what `ssh-keygen -Y sign -n skep-statement@v1` writes.",
  examples: [{ run: "skep action sign 17.statement", doc: "Writes 17.statement.sig beside it" }],
  args: [statementArg],
  flags: { key: { kind: "file", doc: "A private key, or the .pub of one in the agent" } },
  danger: "moderate",
  run: async (context) => {
    const { args, flags, io, out } = context;
    const { text, action } = await statementIn(args.file);
    // As it is: a statement has printable ASCII only, and what is signed is what stands on the screen.
    if (!out.wantsJson) await out.data(text);
    await context.confirm({ act: "Sign this", name: action });
    const { signStatement } = await import("../policy/signing.ts");
    const signature = await signStatement(text, flags.key, io.env);
    const file = `${args.file}.sig`;
    writeFileSync(file, signature, { mode: 0o644 });
    if (out.wantsJson) return out.json({ action, signature: file });
    return out.line(`Signed: ${file}`);
  },
});

/** `skep action import`. */
const actionImport: Command = command({
  name: "action import",
  group,
  summary: "Bring back the signature of a statement that was signed elsewhere",
  doc: "Where the statement is not the one of the action, it is told in what it differs.",
  examples: [
    { run: "skep action import 17.statement", doc: "With 17.statement.sig, as ssh-keygen names it" },
    { run: "skep action import 17.statement --signature bob.sig", doc: "With another one" },
  ],
  args: [statementArg],
  flags: { signature: { kind: "file", doc: "The signature; default FILE.sig" } },
  run: async (context) => {
    const { args, flags, out, signal } = context;
    const { text, action } = await statementIn(args.file);
    const file = flags.signature ?? `${args.file}.sig`;
    let signature: string;
    try {
      signature = readFileSync(file, "utf8");
    } catch (cause) {
      throw fault.signature(file, { cause });
    }
    await using client = await connectOf(context);
    const asked = appendLine(
      client,
      "/actions/queue",
      JSON.stringify({ action, decision: "approve", signature, statement: text }),
      signal,
    );
    const { result } = await found(asked, unknownAction(action));
    if (out.wantsJson) return out.json(result as never);
    return out.line(agreed(action, result));
  },
});

/** The commands with which an action is signed on a machine without network. */
export const actionCommands: readonly Command[] = [actionExport, actionSign, actionImport];
