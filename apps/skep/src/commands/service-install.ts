import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, type Context, command } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { makeHome } from "../config/mod.ts";
import { secrets } from "../config/settings.table.ts";
import {
  daemonWords,
  ownerOf,
  runAsOf,
  type Scope,
  scopeOf,
  socketOutside,
  unitDirectory,
  unitHome,
  unitName,
} from "../service/place.ts";
import { systemctl, systemctlLine } from "../service/systemctl.ts";
import { systemHome, unitText } from "../service/unit.ts";

const fault = faults("service-install", {
  credential: [
    "invalid",
    "Cannot read --credential",
    { cure: "Write NAME=FILE with a name that `skep config doc` lists under Secrets and an absolute path" },
  ],
  home: [
    "absent",
    "Cannot install a system unit for a home that is not there",
    { cure: "Make it with mode 0700 for the user of the unit, or leave --home out" },
  ],
  write: [
    "denied",
    "Cannot write unit",
    { cure: "A system unit takes root: sudo skep service install --system" },
  ],
});

function credentialsOf(given: readonly string[]): { name: string; file: string }[] {
  return given.map((text) => {
    const [, name = "", file = ""] = /^([a-z.-]+)=(\/[^\n]*)$/.exec(text) ?? [];
    if (!(name in secrets)) throw fault.credential(text);
    return { name, file };
  });
}

function prepareHome(home: string, scope: Scope): void {
  if (scope === "user") makeHome(home, process.getuid?.() ?? 0);
  else if (home !== systemHome && ownerOf(home) === undefined) throw fault.home(home);
}

function write(file: string, text: string): void {
  try {
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, text, { mode: 0o644 });
  } catch (cause) {
    throw fault.write(file, { cause });
  }
}

async function tell(context: Context, scope: Scope, file: string, unit: string, home: string): Promise<void> {
  const { io, out } = context;
  const why = systemctl(io.env, scope, "daemon-reload");
  const next = [
    ...(why === undefined ? [] : [systemctlLine(scope, "daemon-reload")]),
    systemctlLine(scope, "enable", "--now", unit),
    ...(scope === "user" ? ["loginctl enable-linger"] : []),
  ];
  if (why !== undefined) out.warn(`systemd was not told of it: ${why}`);
  if (out.wantsJson) return out.json({ scope, unit, file, home, next });
  await out.line(`Wrote ${file}; home ${home}`);
  await out.line("Start it, now and at each boot:");
  for (const line of next) await out.line("  ", line);
  return undefined;
}

/** `skep service install`. */
export const serviceInstall: Command = command({
  name: "service install",
  group: "care",
  summary: "Write a systemd unit that keeps the hive up",
  doc: "A user unit unless --system is said; nothing is started. The unit restarts a hive that failed or no longer answers and is hardened, but for what bubblewrap needs to make sandboxes.",
  examples: [
    { run: "skep service install", doc: "For this user" },
    {
      run: "sudo skep service install --system --as skep",
      doc: "For the machine, with its home in /var/lib/skep",
    },
    { run: "skep service install --print", doc: "Only look at it" },
  ],
  flags: {
    user: { kind: "boolean", doc: "A unit of the user's own manager, the default" },
    system: { kind: "boolean", doc: "A unit of the machine" },
    as: {
      kind: "string",
      value: "USER",
      doc: "Whom a system unit runs as; the caller of sudo where left out",
    },
    credential: {
      kind: "string",
      repeat: true,
      value: "NAME=FILE",
      doc: "A secret that systemd reads from a file for the hive, as in console.token=/etc/skep/token",
    },
    print: { kind: "boolean", doc: "Print the unit, change nothing" },
  },
  run: async (context) => {
    const { flags, io, out } = context;
    const scope = scopeOf(flags);
    const home = unitHome(context, scope);
    const name = unitName(home, scope, io.env);
    const text = unitText({
      scope,
      name,
      words: daemonWords(home),
      home,
      runAs: runAsOf(scope, flags.as, io.env),
      socketOutside: socketOutside(home),
      credentials: credentialsOf(flags.credential ?? []),
    });
    const file = join(unitDirectory(scope, io.env), `${name}.service`);
    if (flags.print)
      return out.wantsJson ? out.json({ scope, file, unit: text }) : out.data(text, { raw: true });
    prepareHome(home, scope);
    write(file, text);
    return tell(context, scope, file, `${name}.service`, home);
  },
});
