import type { Server } from "node:http";
import { join } from "node:path";
import { type Command, command } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import type { Verifier } from "@skep/tlog";
import { readText } from "../client/files.ts";
import { homeOf } from "../client/connect.ts";
import { type Address, formatAddress, parseAddress } from "../config/mod.ts";

const fault = faults("witness", {
  logs: [
    "invalid",
    "Cannot witness without knowing a log",
    { cure: "Name its key, as `skep audit key` prints it there: --log VKEY, or --policy FILE" },
  ],
  key: [
    "invalid",
    "Cannot witness the log of this key: it is no verifier key",
    { cure: "Copy a whole line of `skep audit key` there: NAME+8 hex digits+base64" },
  ],
  address: ["invalid", "Cannot listen there", { cure: "Give HOST:PORT, as 127.0.0.1:7790" }],
  read: ["absent", "Cannot read the policy"],
  taken: ["conflict", "Cannot listen: the address is taken", { cure: "Choose another with --listen" }],
});

const usual = { host: "127.0.0.1", port: 7790 };

async function logsOf(keys: readonly string[] = [], file: string | undefined): Promise<readonly Verifier[]> {
  const { parseVkey, parsePolicy } = await import("@skep/tlog");
  const text = file === undefined ? undefined : readText(file);
  if (file !== undefined && text === undefined) throw fault.read(file);
  const named = keys.map((line) => {
    try {
      return parseVkey(line.trim());
    } catch (cause) {
      throw fault.key(line, { cause });
    }
  });
  const logs = text === undefined ? named : [...named, ...parsePolicy(text).logs];
  if (logs.length === 0) throw fault.logs();
  return logs;
}

async function listen(server: Server, { host, port }: Address): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(fault.taken(`${host}:${port}`, { cause })));
    server.listen({ host, port }, resolve);
  });
  const bound = server.address();
  return formatAddress({ host, port: typeof bound === "object" && bound ? bound.port : port });
}

/** `skep witness`. */
export const witness: Command = command({
  name: "witness",
  group: "proof",
  summary: "Cosign the checkpoints of logs, so that none can go back or show two histories",
  doc: "Answers C2SP tlog-witness over HTTP with a key of its own. What it cosigned last is on the disk before it answers; it refuses a log that went back or that signed two roots of one size, and keeps such a request. Run it on another machine than the log, and give its line to that hive with `skep policy witnesses`.",
  examples: [
    { run: "skep witness --log 'skep.invalid/hive-…+…+…'", doc: "For one hive, on 127.0.0.1:7790" },
    { run: "skep witness --print-key", doc: "The line for a tlog-policy" },
  ],
  flags: {
    folder: { kind: "directory", doc: "Key and records; default: witness in the home" },
    listen: { kind: "string", value: "HOST:PORT", doc: "Where to listen; default 127.0.0.1:7790" },
    log: { kind: "string", value: "VKEY", repeat: true, doc: "Key of a log to witness" },
    policy: { kind: "file", doc: "A tlog-policy whose logs to witness" },
    "print-key": { kind: "boolean", doc: "Print the verifier key and end" },
  },
  onSignal: "drain",
  run: async (context) => {
    const { flags, out, signal, io } = context;
    const folder = flags.folder ?? join(homeOf(context), "witness");
    const [{ witnessKey, WitnessState }, { createWitness }, { lock }] = await Promise.all([
      import("../witness/place.ts"),
      import("../witness/serve.ts"),
      import("../hive/storage.ts"),
    ]);
    const key = witnessKey(folder);
    if (flags["print-key"]) {
      if (out.wantsJson) return out.json({ name: key.name, vkey: key.vkey });
      return out.data(`${key.vkey}\n`);
    }
    const logs = await logsOf(flags.log, flags.policy);
    const where = parseAddress(flags.listen ?? formatAddress(usual), usual);
    if (!where.ok || where.value === false) throw fault.address(flags.listen);
    using _held = lock(folder, { daemon: false });
    const state = new WitnessState(folder);
    const server = createWitness({
      key,
      state,
      logs,
      now: () => io.clock.now(),
      log: (line) => out.detail(line),
    });
    const at = await listen(server, where.value);
    if (out.wantsJson) await out.json({ listen: at, name: key.name, vkey: key.vkey });
    else await out.line(`Witness ${key.vkey} at http://${at}/`);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
    return undefined;
  },
});
