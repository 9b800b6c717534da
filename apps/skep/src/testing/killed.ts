// A daemon of its own that kills itself where the agent verifies. argv: HOME, "before" or "after", allowed_signers.
// It prints the statement of a gc as one JSON line and reads the signature as one.
import { createInterface } from "node:readline";
import { Agent } from "../agent/agent.ts";
import { loadConfig } from "../config/mod.ts";
import { openHive } from "../hive/hive.ts";
import { due } from "./forged.ts";

const [home = "", when, allowed = ""] = process.argv.slice(2);
const accept = Agent.prototype.accept;
Agent.prototype.accept = function kill(order) {
  if (when === "after") accept.call(this, order);
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable");
};
const env = {
  SKEP_DISK_RESERVE: "0",
  SKEP_HTTP: "off",
  SKEP_RETENTION_OUTPUTS_AGE: "0s",
  SKEP_POLICY_GRACE: "0s",
};
const config = loadConfig({ home, env, flags: {} });
const hive = await openHive({ home, config, log: () => undefined, fatal: () => process.exit(3) });
await hive.owner.append("/policy/ctl", { op: "signers", allowed, roles: "ann operational\n" });
const digest = await due(hive, "precious");
const { id } = await hive.owner.append("/cas/ctl", { op: "gc" });
const statement = Buffer.from(await hive.owner.read(`/actions/${id}/statement`)).toString();
process.stdout.write(`${JSON.stringify({ id, digest, statement })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const signature: string = JSON.parse(line);
  await hive.owner.append("/actions/queue", { action: String(id), decision: "approve", signature });
}
