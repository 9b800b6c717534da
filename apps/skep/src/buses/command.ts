import { setTimeout as wait } from "node:timers/promises";
import { type Command, command, type Context } from "@skep/edge-cli";
import { setupFlags, setupOf } from "../attached/setup.ts";
import { fault, mint } from "./faults.ts";

/** Reads every point once, and shows what came. */
async function once({ io, out, signal }: Context, file: string): Promise<void> {
  const { deviceOf, rulesOf } = await import("./program.ts");
  const rules = rulesOf(file);
  const device = deviceOf(rules, io.clock);
  try {
    let readings = await device.poll(signal);
    // Who is listened to has said nothing yet.
    if (readings.length === 0) {
      await wait(rules.device.every, undefined, { signal });
      readings = await device.poll(signal);
    }
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
    ...setupFlags,
    "no-keep": { kind: "boolean", doc: "Show readings in /bus alone, and keep none in /queen/telemetry" },
    folder: { kind: "directory", doc: "The bridge's own folder; default: skep-bus in the state directory" },
  },
  onSignal: "drain",
  run: async (context) => {
    const { flags, signal } = context;
    const { ticket, bus: name, rules } = flags;
    if (flags.once) return once(context, rules);
    if (ticket === undefined) throw fault.where();
    const setup = await setupOf(context, { ...flags, ticket }, { program: "skep-bus", mint });
    const { runBridge } = await import("./program.ts");
    return runBridge({ ...setup, bus: name, rules, keep: !flags["no-keep"] }, signal);
  },
});
