import { type Command, type Context, command } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { connect, homeTarget } from "../client/connect.ts";
import type { Place } from "../client/contexts.ts";
import { loadConfig, parseAddress } from "../config/mod.ts";
import { claimFlags } from "./ticket-flags.ts";

const fault = faults("user", {
  place: [
    "conflict",
    "Cannot tell where the hive can be reached: 9P is off",
    { cure: "Start it with --9p on, or say --9p HOST:PORT" },
  ],
});

interface Boot {
  readonly edges?: Readonly<Record<string, string>>;
}

/** Where 9P listens now, as a running hive tells. */
async function listening(home: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    await using client = await connect(homeTarget(home), signal);
    const { edges } = JSON.parse((await client.readAll("/proc/boot.json", { signal })).toString()) as Boot;
    return edges?.["9p"];
  } catch {
    return undefined;
  }
}

async function placeOf(context: Context, home: string, given: string | undefined): Promise<Place> {
  const usual = { host: "127.0.0.1", port: 5640 };
  const said = given ?? (await listening(home, context.signal));
  if (said === undefined) {
    const configured = loadConfig({ home, env: { ...context.io.env }, flags: {} }).values["listen.9p"];
    if (configured === false || configured.port === 0) throw fault.place();
    return configured;
  }
  const read = parseAddress(said, usual);
  if (!read.ok || read.value === false || read.value.port === 0) throw fault.place(said);
  return read.value;
}

/** `skep user add`. */
export const userAdd: Command = command({
  name: "user add",
  group: "access",
  summary: "Let another person in, with a ticket of their own",
  doc: "Prints one line for them to give to `skep context add NAME --from -`. It is as secret as a key: hand it over in private. Its end is `skep ticket revoke`.",
  examples: [
    { run: "skep user add ann > ann.invitation", doc: "An operator, for 30 days" },
    { run: "skep user add bob --role observer --expires 8h", doc: "Who may look, for a working day" },
  ],
  args: [{ name: "name", kind: "string", doc: "Their subject: who they are in every record" }],
  flags: {
    role: {
      kind: "choice",
      choices: ["queen", "observer"],
      default: "queen",
      doc: "What they are",
    },
    right: claimFlags.right,
    ops: claimFlags.ops,
    bytes: claimFlags.bytes,
    expires: { kind: "string", value: "8h|never", default: "30d", doc: "How long it holds" },
    "9p": { kind: "string", value: "HOST:PORT", doc: "Where they reach 9P; default where it listens" },
  },
  run: async (context) => {
    const { args, flags, io, out } = context;
    const [tickets, { parseRight }, { hiveHome }, { printInvitation }, { hiveKeys }, known] =
      await Promise.all([
        import("../access/tickets.ts"),
        import("../access/grants.ts"),
        import("../access/home.ts"),
        import("../access/invitation.ts"),
        import("../hive/keys.ts"),
        import("../access/known.ts"),
      ]);
    known.checkUserName(args.name);
    const rights = flags.right.map(parseRight);
    for (const text of known.unknownRights(rights)) out.warn(text);
    const home = hiveHome(context);
    const now = io.clock.now();
    const place = await placeOf(context, home, flags["9p"]);
    const ticket = await tickets.mintTicket(home, now, {
      role: flags.role,
      subject: args.name,
      expiresAt: tickets.expiryOf(flags.expires, now),
      budgets: tickets.budgetsOf(flags.ops, flags.bytes),
      ...(rights.length > 0 && { rights }),
    });
    const { hive } = hiveKeys(home);
    const line = printInvitation({ hive, place, ticket });
    out.message(`${args.name} runs: skep context add ${hive} --from FILE --use`);
    await (out.wantsJson
      ? out.json({ invitation: line, hive, place })
      : out.data(`${line}\n`, { raw: true }));
  },
});
