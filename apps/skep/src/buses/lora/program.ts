import { randomBytes } from "node:crypto";
import { openFiles } from "@skep/storage";
import { runUntil } from "../../attached/attached.ts";
import { nameIn, type Setup } from "../../attached/setup.ts";
import { lock } from "../../hive/storage.ts";
import { Spool } from "../../spool/spool.ts";
import { spoolBytes } from "../../telemetry/spooled.ts";
import { version } from "../../version.ts";
import { AsideFile } from "../aside.ts";
import { GatewayAgent } from "./agent.ts";
import { mint } from "./faults.ts";
import { FrameFile } from "./memory.ts";
import { readRules, type Rules } from "./rules.ts";

/** How the agent of a radio is started. */
export interface GatewaySetup extends Setup {
  /** Name of the radio in the hive; the last step of the ticket's subject where left out. */
  readonly radio: string | undefined;
  readonly rules: string;
  /** Whether what was heard is kept in the hive's telemetry too. */
  readonly keep: boolean;
}

const isName = (name: string): boolean => /^[A-Za-z0-9][\w.-]{0,63}$/.test(name);
/** Rules are read again at most so often, milliseconds: every datagram asks for them. */
const fresh = 250;

/** Works as the agent of a radio until the signal aborts. Throws `gateway.*`, `home.held`. */
export async function runGateway(setup: GatewaySetup, signal: AbortSignal): Promise<void> {
  const { ticket, dial, rules: file, folder, clock, log } = setup;
  const radio = setup.radio ?? nameIn(ticket, isName, `${mint}, or say --radio`);
  const own = process.getuid?.() ?? 0;
  let known: { readonly rules: Rules; readonly at: number } | undefined;
  const rules = (): Rules => {
    const at = clock.monotonic();
    if (known && at - known.at < fresh) return known.rules;
    known = undefined;
    known = { rules: readRules(file, own), at };
    return known.rules;
  };
  const { gateway, downlink } = rules();
  using _held = lock(folder, { daemon: false });
  await using spool = await Spool.open(openFiles(folder), {
    most: spoolBytes,
    name: () => `gateway:${randomBytes(8).toString("hex")}`,
    now: () => clock.now(),
  });
  const agent = new GatewayAgent({
    ...{ radio, rules, spool, version, clock, log },
    dial: () => dial(ticket),
    telemetry: setup.keep ? radio : undefined,
    aside: new AsideFile(folder),
    memory: new FrameFile(folder),
  });
  const sends = downlink ? `sends on ${downlink.freq} MHz` : "sends nothing";
  const listening = (port: number): void =>
    log(`radio ${radio}: port ${port}, ${gateway.length} gateways may speak, ${sends}`);
  await runUntil(signal, { run: () => agent.run(listening), stop: () => agent.stop() });
}
