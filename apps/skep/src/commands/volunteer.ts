import { type Command, command, parseDuration } from "@skep/edge-cli";
import { delay } from "@skep/clock";
import { faults } from "@skep/fault";
import { z } from "zod";
import { configSources, loadConfig, makeHome } from "../config/mod.ts";
import { defaultNodeFolder, nodeSources } from "../node/place.ts";
import { userHome } from "../person.ts";

const fault = faults("volunteer-flags", {
  lasts: ["invalid", "Cannot read --lasts", { cure: "Write a duration as in 15m or 24h" }],
  rejected: [
    "conflict",
    "Cannot engage volunteer: it does not come",
    { cure: "See who offers a machine now: `skep volunteers`" },
  ],
  name: [
    "invalid",
    "Cannot engage volunteer: that is no name of one",
    { cure: "Names begin with 12D3KooW: `skep volunteers` lists them" },
  ],
  module: [
    "invalid",
    "Cannot engage volunteer for this module: it is no SHA-256 digest",
    { cure: "Write 64 lower-case hex digits, as `sha256sum FILE` prints them" },
  ],
  late: ["timeout", "Cannot tell what the volunteer answered", { cure: "Look with `skep volunteers`" }],
});

const MiB = 1024 * 1024;

/** `skep volunteer`. */
export const volunteer: Command = command({
  name: "volunteer",
  group: "access",
  summary: "Offer this machine to hives that it does not know, and work for one at a time",
  doc: "Puts a signed record of what is lent into the distributed table of the mesh and answers what hives offer. Whoever engages it gives it a ticket of its own and nothing else of the hive; every module runs in a process of its own, within what is lent here and within the owner's rules. What the hive gave is wiped when the time is over or on Ctrl-C. Somebody of the mesh must be known: `mesh.bootstrap`, or the local network.",
  examples: [
    {
      run: "skep volunteer --bootstrap /dns/hive.example/tcp/7781/p2p/12D3Koo…",
      doc: "Known by one address",
    },
    {
      run: "skep volunteer --memory 128 --lasts 8h",
      doc: "At most 128 MiB for a module, eight hours for a hive",
    },
  ],
  flags: {
    bootstrap: {
      kind: "string",
      repeat: true,
      value: "MULTIADDR",
      doc: "Somebody who is in the mesh; besides those of the configuration",
    },
    "worker-home": {
      kind: "directory",
      doc: "This machine's own folder; ~/.local/state/skep-worker by default",
    },
    cores: { kind: "integer", default: "1", doc: "Jobs at a time" },
    memory: { kind: "integer", value: "MIB", doc: "Most memory of a module; never above sandbox.memory" },
    lasts: { kind: "string", value: "8h", default: "24h", doc: "How long it works for one hive" },
    isolation: {
      kind: "choice",
      choices: ["auto", "require", "off"],
      doc: "bubblewrap around the sandbox, as for `skep worker`",
    },
  },
  onSignal: "drain",
  run: async (context) => {
    const { flags, io, out, signal } = context;
    const folder = flags["worker-home"] ?? defaultNodeFolder(io.env, userHome);
    makeHome(folder, process.getuid?.() ?? 0, "worker home");
    const { values } = loadConfig(nodeSources(configSources(context, {}, userHome), folder));
    const lasts = parseDuration(flags.lasts);
    if (!lasts.ok || lasts.value <= 0) throw fault.lasts(flags.lasts);
    const [{ volunteer: offer }, { lentOf }] = await Promise.all([
      import("../node/volunteer/volunteer.ts"),
      import("../node/volunteer/offer.ts"),
    ]);
    const own = {
      ...values,
      "mesh.bootstrap": [...values["mesh.bootstrap"], ...flags.bootstrap],
      ...(flags.isolation ? { "sandbox.isolation": flags.isolation } : {}),
    };
    const lent = lentOf(
      { cores: flags.cores, ...(flags.memory !== undefined && { memory: flags.memory * MiB }) },
      own,
    );
    const log = (line: string) => out.message(line);
    await offer({ folder, values: own, lent, lasts: lasts.value, clock: io.clock, log }, signal);
  },
});

const Row = z.object({
  volunteer: z.string(),
  arch: z.string(),
  cpu_cores: z.int(),
  memory_mb: z.int(),
  timeout_seconds: z.int(),
  until_ms: z.int(),
  answer: z.string(),
});

/** `skep volunteers`. */
export const volunteers: Command = command({
  name: "volunteers",
  group: "access",
  summary: "List machines that offer themselves in the mesh, and what they answered",
  doc: "Offers whose signature does not hold or whose time is over are not listed. The hive looks when it is asked, for some seconds.",
  examples: [{ run: "skep volunteers", doc: "Each with what it lends" }],
  flags: {
    wait: { kind: "integer", default: "10", value: "SECONDS", doc: "How long to wait for the first" },
  },
  run: async (context) => {
    const [{ connectOf }, { formatTime }] = await Promise.all([
      import("../client/connect.ts"),
      import("@skep/text"),
    ]);
    await using client = await connectOf(context);
    const { flags, io, out, signal } = context;
    const look = async () =>
      z.array(Row).parse(JSON.parse((await client.readAll("/net/volunteers.json", { signal })).toString()));
    let rows = await look();
    for (let left = flags.wait * 4; rows.length === 0 && left > 0; left -= 1) {
      await delay(io.clock, 250, signal);
      rows = await look();
    }
    if (rows.length === 0) out.message("Nobody offers a machine: `skep volunteer` does so");
    await out.table(rows, [
      { title: "volunteer", cell: ({ volunteer: peer }) => peer },
      { title: "arch", cell: ({ arch }) => arch },
      { title: "cores", cell: ({ cpu_cores }) => String(cpu_cores) },
      { title: "memory", cell: ({ memory_mb }) => `${memory_mb} MiB` },
      { title: "longest job", cell: ({ timeout_seconds }) => `${timeout_seconds} s` },
      { title: "until", cell: ({ until_ms }) => formatTime(until_ms) },
      { title: "answer", cell: ({ answer }) => answer },
    ]);
  },
});

/** `skep engage`. */
export const engage: Command = command({
  name: "engage",
  group: "access",
  summary: "Offer work to a volunteer; where it accepts it joins, as a machine of that class",
  examples: [{ run: "skep engage 12D3KooW…", doc: "By its name in `skep volunteers`" }],
  args: [{ name: "volunteer", kind: "string", doc: "Its name" }],
  flags: {
    memory: {
      kind: "integer",
      least: 1,
      most: 4096,
      default: "64",
      value: "MIB",
      doc: "Memory that the jobs need",
    },
    "wall-time": {
      kind: "integer",
      least: 1,
      most: 86_400,
      default: "60",
      value: "SECONDS",
      doc: "Time that one job needs",
    },
    cores: { kind: "integer", least: 1, most: 1024, default: "1", doc: "Processors that it must have" },
    arch: { kind: "string", default: "any", doc: "Architecture that it must have" },
    module: { kind: "string", value: "DIGEST", doc: "SHA-256 of the module that comes, where it is settled" },
    term: {
      kind: "duration",
      doc: "How long its ticket lasts before the hive renews it, which it does while it is attached; 1h by default",
    },
  },
  run: async (context) => {
    const { args, flags, io, out, signal } = context;
    if (!/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/.test(args.volunteer)) throw fault.name(args.volunteer);
    if (flags.module !== undefined && !/^[0-9a-f]{64}$/.test(flags.module)) throw fault.module(flags.module);
    const [{ connectOf }, { appendLine }] = await Promise.all([
      import("../client/connect.ts"),
      import("../client/control.ts"),
    ]);
    await using client = await connectOf(context);
    const asked = {
      op: "engage",
      volunteer: args.volunteer,
      requirements: {
        cpu_cores: flags.cores,
        memory_mb: flags.memory,
        timeout_seconds: flags["wall-time"],
        arch: flags.arch,
      },
      ...(flags.module !== undefined && { module: flags.module }),
      term_ms: flags.term,
    };
    const { result } = await appendLine(client, "/net/ctl", JSON.stringify(asked), signal);
    const { invite } = z.object({ invite: z.string() }).parse(result);
    const Invite = z.array(z.object({ invite: z.string(), answer: z.string().default("") }));
    for (let left = 160; left > 0; left -= 1) {
      const text = (await client.readAll("/net/invites.json", { signal })).toString();
      const answer = Invite.parse(JSON.parse(text)).find(({ invite: id }) => id === invite)?.answer ?? "";
      if (answer !== "" && answer !== "Accepted") throw fault.rejected(answer);
      if (answer === "Accepted") {
        if (out.wantsJson) await out.json({ invite, answer });
        else out.message(`${args.volunteer} accepted; \`skep nodes\` shows it when it is there`);
        return;
      }
      await delay(io.clock, 250, signal);
    }
    throw fault.late(args.volunteer);
  },
});
