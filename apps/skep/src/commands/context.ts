import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { formatTime } from "@skep/text";
import { placeName } from "../client/connect.ts";
import {
  currentContext,
  type HiveContext,
  listContexts,
  type Place,
  readContext,
  removeContext,
  useContext,
  writeContext,
} from "../client/contexts.ts";
import { readExpiry } from "../worker/who.ts";
import { parseAddress } from "../config/mod.ts";

const fault = faults("context-add", {
  place: [
    "invalid",
    "Cannot add a context: say where its hive is",
    { cure: "Give --9p HOST:PORT, --socket PATH, or --from FILE with what `skep user add` printed" },
  ],
  address: ["invalid", "Cannot read --9p", { cure: "Write HOST:PORT, as in 127.0.0.1:5640" }],
  there: [
    "conflict",
    "Cannot add context: there is one of that name",
    { cure: "Say --replace, or remove it first" },
  ],
  ticket: ["invalid", "Cannot add a context on TCP without a ticket", { cure: "Give --ticket FILE" }],
});

function placeOf(socket: string | undefined, ninep: string | undefined): Place {
  if (socket !== undefined && ninep === undefined) return { path: socket };
  if (socket !== undefined || ninep === undefined) throw fault.place();
  const read = parseAddress(ninep, { host: "127.0.0.1", port: 0 });
  if (!read.ok || read.value === false || read.value.port === 0) throw fault.address(ninep);
  return read.value;
}

interface Given {
  readonly name: string;
  readonly from: string | undefined;
  readonly socket: string | undefined;
  readonly ninep: string | undefined;
  readonly ticket: string | undefined;
}

async function contextFrom(context: Context, given: Given): Promise<HiveContext> {
  const { readTicket } = await import("../access/tickets.ts");
  if (given.from !== undefined) {
    const { parseInvitation } = await import("../access/invitation.ts");
    return { name: given.name, ...parseInvitation(await readTicket(context, given.from)) };
  }
  const place = placeOf(given.socket, given.ninep);
  const ticket = given.ticket === undefined ? "" : await readTicket(context, given.ticket);
  if ("host" in place && ticket === "") throw fault.ticket();
  return { name: given.name, place, ticket };
}

const nameArg = { name: "name", kind: "string", doc: "The context's name", completer: "context" } as const;

/** `skep context add`. */
export const contextAdd: Command = command({
  name: "context add",
  group: "access",
  summary: "Remember another hive, or this one with another ticket",
  doc: "The ticket is kept in a file that only you can read. `--context NAME` uses it, before or after any command; with `run` before the module's file, whose arguments follow.",
  examples: [
    { run: "skep context add lab --from lab.invitation", doc: "With what `skep user add` printed there" },
    {
      run: "skep context add guest --9p 127.0.0.1:5640 --ticket guest.ticket",
      doc: "A ticket for a hive of this machine",
    },
  ],
  args: [nameArg],
  flags: {
    from: { kind: "file", doc: "File with what `skep user add` printed; - is stdin" },
    socket: { kind: "file", doc: "Unix socket of the hive" },
    "9p": { kind: "string", value: "HOST:PORT", doc: "Where its 9P listens; another machine by a tunnel" },
    ticket: { kind: "file", doc: "File of the ticket; - is stdin" },
    replace: { kind: "boolean", doc: "In place of one of that name" },
    use: { kind: "boolean", doc: "Use it from now on where nothing else is said" },
  },
  run: async (context) => {
    const { args, flags, io, out } = context;
    if (!flags.replace && listContexts(io.env).includes(args.name)) throw fault.there(args.name);
    const { from, socket, ticket } = flags;
    const made = await contextFrom(context, { name: args.name, from, socket, ninep: flags["9p"], ticket });
    const expiresAt = made.ticket === "" ? undefined : readExpiry(made.ticket);
    if (expiresAt !== undefined && expiresAt <= io.clock.now())
      out.warn(`the ticket of ${made.name} expired at ${formatTime(expiresAt)}`);
    writeContext(io.env, made);
    if (flags.use) useContext(io.env, args.name);
    if (out.wantsJson) await out.json({ name: made.name, place: placeName(made.place), hive: made.hive });
    else out.message(`Added context ${made.name}: ${placeName(made.place)}`);
  },
});

/** `skep context list`. */
export const contextList: Command = command({
  name: "context list",
  group: "access",
  summary: "List the contexts; the one in use is marked",
  examples: [{ run: "skep context list", doc: "All of them" }],
  run: ({ io, out }) => {
    const current = currentContext(io.env);
    const rows = listContexts(io.env).map((name) => {
      const { place, hive, ticket } = readContext(io.env, name);
      return { name, place: placeName(place), hive, ticket: ticket !== "", current: name === current };
    });
    return out.table(
      rows,
      [
        { title: "", cell: ({ current: used }) => (used ? "*" : "") },
        { title: "name", cell: ({ name }) => name },
        { title: "where", cell: ({ place }) => place },
        { title: "hive", cell: ({ hive }) => hive ?? "" },
        { title: "ticket", cell: ({ ticket }) => (ticket ? "yes" : "none") },
      ],
      {
        empty:
          "No contexts: commands go to the home here; `skep context add NAME --9p HOST:PORT --ticket FILE` makes one",
      },
    );
  },
});

/** `skep context use`. */
export const contextUse: Command = command({
  name: "context use",
  group: "access",
  summary: "Use a context where nothing else is said",
  examples: [
    { run: "skep context use lab", doc: "From now on" },
    { run: "skep context use --none", doc: "The hive of this machine again" },
  ],
  args: [{ ...nameArg, optional: true }],
  flags: { none: { kind: "boolean", doc: "Use none" } },
  run: async ({ args, flags, io, out }) => {
    if (args.name === undefined && !flags.none) {
      const current = currentContext(io.env);
      if (out.wantsJson) return out.json({ current: current ?? null });
      return out.line(current === undefined ? toned("dim", "none") : current);
    }
    useContext(io.env, flags.none ? undefined : args.name);
    return undefined;
  },
});

/** `skep context remove`. */
export const contextRemove: Command = command({
  name: "context remove",
  group: "access",
  summary: "Forget a context and its ticket",
  doc: "The ticket stays valid for whoever has a copy: `skep ticket revoke` ends it.",
  examples: [{ run: "skep context remove lab", doc: "Nothing else is touched" }],
  args: [nameArg],
  run: ({ args, io }) => removeContext(io.env, args.name),
});
