import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "@skep/clock";
import { openFiles } from "@skep/storage";
import { runUntil } from "../attached/attached.ts";
import { FileMemory } from "../attached/memory.ts";
import { nameIn, type Setup } from "../attached/setup.ts";
import { lock } from "../hive/storage.ts";
import { Spool } from "../spool/spool.ts";
import { spoolBytes } from "../telemetry/spooled.ts";
import { version } from "../version.ts";
import { AsideFile } from "./aside.ts";
import { Bridge } from "./bridge.ts";
import { CanDevice } from "./can.ts";
import type { Device } from "./device.ts";
import { Dnp3Device } from "./dnp3.ts";
import { fault, mint } from "./faults.ts";
import { ModbusDevice } from "./modbus.ts";
import { areOf, readRules, type Rules, writableOf } from "./rules.ts";

/** How a bridge is started. */
export interface BridgeSetup extends Setup {
  /** Name of the bus in the hive; the last step of the ticket's subject where left out. */
  readonly bus: string | undefined;
  readonly rules: string;
  /** Whether readings are kept in the hive's telemetry too. */
  readonly keep: boolean;
}

/** The field side that rules describe. */
export function deviceOf(rules: Rules, clock: Clock): Device {
  if (areOf(rules, "modbus")) return new ModbusDevice(rules, clock);
  if (areOf(rules, "dnp3")) return new Dnp3Device(rules, clock);
  if (areOf(rules, "can")) return new CanDevice(rules, clock);
  throw fault.rules("of no protocol");
}

/** The bus that a ticket is for. Throws `attached.subject`. */
export const busOf = (ticket: string): string =>
  nameIn(ticket, (name) => /^[A-Za-z0-9][\w.-]{0,63}$/.test(name), `${mint}, or say --bus`);

/** The rules of this machine, as they are now. */
export const rulesOf = (file: string): Rules => readRules(file, process.getuid?.() ?? 0);

/** Works as the bridge of a bus until the signal aborts. Throws `bridge.*`, `home.held`. */
export async function runBridge(setup: BridgeSetup, signal: AbortSignal): Promise<void> {
  const { ticket, dial, rules: file, clock, log } = setup;
  const bus = setup.bus ?? busOf(ticket);
  const rules = rulesOf(file);
  const { writable, operable } = writableOf(rules);
  const folder = join(setup.folder, bus);
  using _held = lock(folder, { daemon: false });
  await using spool = await Spool.open(openFiles(folder), {
    most: spoolBytes,
    name: () => `bridge:${randomBytes(8).toString("hex")}`,
    now: () => clock.now(),
  });
  log(
    `bus ${bus}: ${rules.point.length} points of ${rules.device.protocol}, ${writable.length + operable.length} may be written`,
  );
  const bridge = new Bridge({
    ...{ bus, spool, version, clock, log },
    dial: () => dial(ticket),
    device: deviceOf(rules, clock),
    rules: () => rulesOf(file),
    telemetry: setup.keep ? bus : undefined,
    aside: new AsideFile(folder),
    memory: new FileMemory(folder),
  });
  await runUntil(signal, bridge);
}
