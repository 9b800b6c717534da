import { join } from "node:path";
import { type Command, command, type Context } from "@skep/edge-cli";
import { readText } from "../client/files.ts";
import type { Target } from "../client/connect.ts";
import { parseAddress } from "../config/mod.ts";
import { userHome } from "../person.ts";
import { fault } from "./faults.ts";

// Throws `bridge.hive`.
function targetFrom(hive: string, aname: string): Target {
  if (hive.startsWith("/")) return { place: { path: hive }, aname, name: hive };
  const read = parseAddress(hive, { host: "127.0.0.1", port: 5640 });
  if (!read.ok || read.value === false) throw fault.hive(hive);
  return { place: read.value, aname, name: hive };
}

/** Reads every point once, and shows what came. */
async function once({ io, out, signal }: Context, file: string): Promise<void> {
  const { deviceOf, rulesOf } = await import("./program.ts");
  const device = deviceOf(rulesOf(file), io.clock);
  try {
    const readings = await device.poll(signal);
    if (out.wantsJson) return out.json(readings);
    return out.table(readings, [
      { title: "POINT", cell: ({ point }) => point },
      { title: "VALUE", cell: ({ value }) => String(value), align: "right" },
    ]);
  } finally {
    device.close();
  }
}

/** `skep bus`. */
export const bus: Command = command({
  name: "bus",
  group: "hive",
  summary: "Read a field bus for a hive, and write what its tickets ask for",
  doc: "Points of MODBUS devices (TCP, or RTU on a serial line or through a gateway), DNP3 outstations and CAN interfaces become telemetry of /bus/NAME. What is read is kept on this disk until the hive has it. Nothing is written but the points that the rules on this machine name; only root and the bridge's own user may be able to write those. docs/buses.md has the rest; its ticket is made with `skep ticket mint --role worker-bus --subject bus/NAME`.",
  examples: [
    { run: "skep bus --rules plant.toml --once", doc: "Read every point once, without a hive" },
    { run: "skep bus --rules plant.toml --ticket plant.ticket", doc: "For the hive of this machine" },
    {
      run: "skep bus --rules plant.toml --ticket plant.ticket --hive 127.0.0.1:5640",
      doc: "For another one, through a tunnel",
    },
  ],
  flags: {
    rules: { kind: "file", required: true, doc: "What is read, and what may be written" },
    ticket: { kind: "file", doc: "File of the bridge's ticket" },
    once: { kind: "boolean", doc: "Read every point once, show the values, and end" },
    bus: { kind: "string", doc: "Its name in the hive; default: the last step of the ticket's subject" },
    hive: {
      kind: "string",
      value: "HOST:PORT|SOCKET",
      doc: "Where the hive is; its home here where left out",
    },
    "no-keep": { kind: "boolean", doc: "Show readings in /bus alone, and keep none in /queen/telemetry" },
    folder: { kind: "directory", doc: "The bridge's own folder; default: skep-bus in the state directory" },
  },
  onSignal: "drain",
  run: async (context) => {
    const { flags, global, io, out, signal } = context;
    if (flags.once) return once(context, flags.rules);
    if (flags.ticket === undefined) throw fault.where();
    const text = readText(flags.ticket)?.trim();
    if (text === undefined || text === "") throw fault.ticket(flags.ticket);
    const [{ runBridge }, { connect, targetOf }] = await Promise.all([
      import("./program.ts"),
      import("../client/connect.ts"),
    ]);
    const target =
      flags.hive === undefined ? { ...targetOf({ global, io }), aname: text } : targetFrom(flags.hive, text);
    const state = io.env.XDG_STATE_HOME || join(userHome, ".local", "state");
    return runBridge(
      {
        ...{ ticket: text, bus: flags.bus, rules: flags.rules, keep: !flags["no-keep"] },
        dial: (aname) => connect({ ...target, aname }),
        folder: flags.folder ?? join(state, "skep-bus"),
        clock: io.clock,
        log: (line) => out.message(line),
      },
      signal,
    );
  },
});
