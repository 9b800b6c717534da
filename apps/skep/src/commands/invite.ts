import { type Command, command, parseDuration } from "@skep/edge-cli";
import { type Clock, delay } from "@skep/clock";
import { faults } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { z } from "zod";

const fault = faults("invite-flags", {
  id: ["absent", "Cannot find invitation", { cure: "`skep invites` lists them by their ids, 16 hex digits" }],
  expires: ["invalid", "Cannot read --expires", { cure: "Write a duration as in 15m or 24h, at most 30d" }],
  mesh: [
    "conflict",
    "Cannot invite: the mesh of this hive is off, so no machine could reach it",
    { cure: "Start it with `skep up --mesh on`" },
  ],
});

const Invited = z.object({ invite: z.string(), expires_ms: z.int(), owner: z.string() });
const Self = z.object({
  mesh: z.string(),
  peer: z.string().default(""),
  addresses: z.array(z.string()).default([]),
  relays: z.array(z.string()).default([]),
});

function durationOf(text: string): number {
  const read = parseDuration(text);
  if (!read.ok || read.value <= 0) throw fault.expires(text);
  return read.value;
}

// The first invitation starts the mesh, which takes a moment.
async function reachable(client: Client, clock: Clock, signal: AbortSignal): Promise<z.infer<typeof Self>> {
  for (let tries = 0; ; tries += 1) {
    const self = Self.parse(JSON.parse((await client.readAll("/net/self.json", { signal })).toString()));
    if (self.mesh === "on" && self.addresses.length > 0) return self;
    if (self.mesh === "refused" || tries === 100) throw fault.mesh();
    await delay(clock, 50, signal);
  }
}

/** `skep invite`. */
export const invite: Command = command({
  name: "invite",
  group: "access",
  summary: "Let another machine join, with one line that counts once",
  doc: "Prints the line for `skep join` there. Whoever holds it can join one machine with it until it expires, so hand it over in private. Take it back with `skep uninvite`; what joined with it is listed by `skep nodes`.",
  examples: [
    { run: "skep invite | ssh desk npx skep join", doc: "A machine of your own, over SSH" },
    { run: "skep invite --lan", doc: "For a machine on the same network, found without any address" },
    { run: "skep invite --class borrowed --owner ann --expires 24h", doc: "A machine of somebody else" },
  ],
  flags: {
    class: {
      kind: "choice",
      choices: ["owned", "borrowed", "rented", "volunteer"],
      default: "owned",
      doc: "Whose machine it is: decides what may run there and how it is checked",
    },
    owner: { kind: "string", value: "NAME", doc: "Its owner; machines of one owner never outvote others" },
    label: {
      kind: "string",
      repeat: true,
      value: "LABEL",
      doc: "A label that jobs can ask for, as gpu or site=home",
    },
    role: { kind: "choice", choices: ["worker", "observer"], default: "worker", doc: "What it may do" },
    expires: { kind: "string", value: "15m|24h", default: "15m", doc: "How long it can be used" },
    term: {
      kind: "duration",
      doc: "How long the machine's ticket lasts before the hive renews it, which it does for one that is attached; 1h for a volunteer, for ever otherwise",
    },
    address: {
      kind: "string",
      repeat: true,
      value: "MULTIADDR",
      doc: "Where the joiner reaches this hive, instead of all that it knows of itself",
    },
    lan: {
      kind: "boolean",
      doc: "Write no address into it: the machine finds this hive by mDNS on the network that both are on",
    },
    qr: { kind: "boolean", doc: "Show it as a QR code too, which a terminal gets by itself" },
  },
  run: async (context) => {
    const { flags, io, out, signal } = context;
    const [
      { printInvite },
      { mintTicket },
      { hiveHome },
      { hiveKeys },
      { connect, homeTarget },
      { appendLine },
      { shortAddresses },
    ] = await Promise.all([
      import("@skep/invite"),
      import("../access/tickets.ts"),
      import("../access/home.ts"),
      import("../hive/keys.ts"),
      import("../client/connect.ts"),
      import("../client/control.ts"),
      import("../hive/addresses.ts"),
    ]);
    const home = hiveHome(context);
    await using client = await connect(homeTarget(home), signal);
    const { owner, label: labels, role } = flags;
    const asked = {
      op: "invite",
      class: flags.class,
      role,
      labels,
      ttl_ms: durationOf(flags.expires),
      ...(owner && { owner }),
      ...(flags.term !== undefined && { term_ms: flags.term }),
    };
    const { result } = await appendLine(client, "/net/ctl", JSON.stringify(asked), signal);
    const { invite: id, expires_ms: expiresAt } = Invited.parse(result);
    const keys = hiveKeys(home);
    const ticket = await mintTicket(home, io.clock.now(), {
      role: "observer",
      subject: `invite/${id}`,
      rights: [{ path: "/net", verb: "rw" }],
      expiresAt,
    });
    const self = await reachable(client, io.clock, signal);
    const addresses = flags.lan ? [] : flags.address.length > 0 ? flags.address : shortAddresses(self);
    const of = {
      hiveKey: keys.identity.publicKey,
      hive: keys.hive,
      id,
      class: flags.class,
      role,
      expiresAt,
      ticket,
      addresses,
    };
    const line = printInvite(of, keys.identity.key);
    if (out.wantsJson) return out.json({ invitation: line, invite: id, expires_ms: expiresAt, addresses });
    if (flags.qr || (io.stderr.isTTY && io.stdout.isTTY)) {
      const { renderUnicodeCompact } = await import("uqr");
      out.message(renderUnicodeCompact(line, { ecc: "L", border: 1 }));
    }
    const { programTyped } = await import("../client/words.ts");
    out.message(
      `On the other machine: ${programTyped(io.env)} join    (then paste; it counts once, until ${new Date(expiresAt).toISOString()})`,
    );
    await out.data(`${line}\n`, { raw: true });
  },
});

/** `skep uninvite`. */
export const inviteRevoke: Command = command({
  name: "uninvite",
  group: "access",
  summary: "Take an invitation back; a machine that is joining with it is removed",
  examples: [{ run: "skep uninvite 0011223344556677", doc: "By its id, as `skep invites` shows it" }],
  args: [{ name: "id", kind: "string", doc: "Id of the invitation" }],
  run: async (context) => {
    const [{ connectOf }, { appendLine }] = await Promise.all([
      import("../client/connect.ts"),
      import("../client/control.ts"),
    ]);
    await using client = await connectOf(context);
    if (!/^[0-9a-f]{16}$/.test(context.args.id)) throw fault.id(context.args.id);
    const line = JSON.stringify({ op: "revoke", invite: context.args.id });
    await appendLine(client, "/net/ctl", line, context.signal);
    context.out.message(`Revoked ${context.args.id}`);
  },
});

const Row = z.object({
  invite: z.string(),
  state: z.string(),
  class: z.string(),
  owner: z.string(),
  expires_ms: z.int(),
  node: z.string(),
});

/** `skep invites`. */
export const inviteList: Command = command({
  name: "invites",
  group: "access",
  summary: "List the invitations of the last day and what became of them",
  examples: [{ run: "skep invites", doc: "Open, redeemed, used and revoked ones" }],
  run: async (context) => {
    const [{ connectOf }, { formatTime }, { ownerShown }] = await Promise.all([
      import("../client/connect.ts"),
      import("@skep/text"),
      import("./machine.ts"),
    ]);
    await using client = await connectOf(context);
    const text = (await client.readAll("/net/invites.json", { signal: context.signal })).toString();
    const rows = z.array(Row).parse(JSON.parse(text));
    const now = context.io.clock.now();
    const stateOf = ({ state, expires_ms }: z.infer<typeof Row>) =>
      state === "open" && expires_ms <= now ? "expired" : state;
    await context.out.table(
      rows,
      [
        { title: "id", cell: ({ invite: id }) => id },
        { title: "state", cell: stateOf },
        { title: "class", cell: ({ class: of }) => of },
        { title: "owner", cell: ({ owner }) => ownerShown(owner) },
        { title: "expires", cell: ({ expires_ms }) => formatTime(expires_ms) },
        { title: "machine", cell: ({ node }) => node },
      ],
      { empty: "No invitation of the last day; `skep invite` makes one" },
    );
  },
});
