import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openApi } from "@skep/edge-http";
import { createRoot, mint } from "@skep/ticket";
import { makeOwnerTicket } from "../access/tickets.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

interface Operation {
  readonly requestBody?: {
    readonly content: Record<string, { readonly examples?: Record<string, { readonly value: unknown }> }>;
  };
}
type Paths = Record<string, Record<string, Operation>>;

/** What stands for `{name}` below a path, and who asks there. */
interface Made {
  readonly below: string;
  readonly words: readonly string[];
  readonly ticket: string;
}

const module = Buffer.from("0061736d01000000", "hex");
const [device, machine] = ["probe-1", "probe-2"];
const asks = `@id("default") permit (principal, action, resource);
@id("kill") @approvals("1") forbid (principal, action == Action::"kill", resource);`;

/**
 * What only a configured bus, a receipt, a sealed export, a machine that joined, a host's agent, a leased GPU, a signed
 * model or a signed update makes: none of them comes by a request alone.
 */
const elsewhere =
  /^\/v1\/tree\/(bus|gpu|host|lora|models|updates)\/|\/cursor\/|\/ledger\/accounts\/|\/lora_jobs\/|\/worker\/\{id\}\/(leave|renew|renewal)$/;
/** An example that names a job by its number. */
const otherJob = /"job":"17"/;

/** Asks as somebody; gives the status and the text, of what is followed without its end. */
async function asking(origin: string, ticket: string, method: string, target: string, sent: Sent = {}) {
  const { body, type = "application/json" } = sent;
  const headers = { Authorization: `Bearer ${ticket}`, ...(body !== undefined && { "Content-Type": type }) };
  const answer = await fetch(origin + target, { method, headers, ...(body !== undefined && { body }) });
  const endless = answer.ok && target.endsWith(".follow");
  if (endless) await answer.body?.cancel();
  return { status: answer.status, text: endless ? "" : await answer.text() };
}
interface Sent {
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly type?: string;
}

/** One of everything whose name is not known before it is made; the longer beginnings first. */
async function makeAll({ hive, at, home }: TestHive): Promise<readonly Made[]> {
  await makeOwnerTicket(home, Date.now());
  const ticket = readFileSync(join(home, "owner.ticket"), "utf8").trim();
  const rights = [{ path: `/worker/${machine}`, verb: "rw" as const }];
  const worker = await mint(createRoot(hive.keys.ticket.key), {
    subject: machine,
    role: "worker",
    hive: hive.keys.hive,
    rights,
    issuedAt: Date.now(),
  });
  const origin = `http://127.0.0.1:${at.http?.port}`;
  const ask = async (method: string, target: string, sent: Sent = {}): Promise<Record<string, unknown>> => {
    const { status, text } = await asking(origin, ticket, method, target, sent);
    assert.ok(status < 300, `${target}: ${status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
  const post = (path: string, line: unknown) =>
    ask("POST", `/v1/tree${path}`, { body: JSON.stringify(line) });
  const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const digest = sha256(module);
  await ask("PUT", `/v1/tree/cas/${digest}`, { body: module, type: "application/octet-stream" });
  const run = { kind: "task", name: "add", args: ["1"] };
  const { id: record, result } = await post("/jobs/ctl", { op: "submit", run });
  const telemetry = await post(`/queen/telemetry/${device}/ctl`, { new: "segment", mime: "text/plain" });
  const code = await ask("POST", "/v1/session/codes");
  const spawned = await post("/queen/ctl", { spawn: "heartbeat", ticks: 3 });
  await post("/policy/ctl", { op: "apply", files: { "a.cedar": asks } });
  const waiting = await post("/queen/ctl", { kill: "worker-1" });
  const [action] = /\d+/.exec(String(waiting.detail)) ?? [];
  const standing = await hive.door.attach({ kind: "ticket", token: worker }, "session");
  await standing.append(`/worker/${machine}/ctl`, {
    op: "hello",
    incarnation: "probe-0001",
    kinds: ["wasm"],
  });
  const named = (below: string, words: readonly unknown[], own = ticket): Made => ({
    below,
    words: words.map(String),
    ticket: own,
  });
  return [
    named("/v1/session/codes/", [code.id]),
    named("/v1/tree/actions/{id}/undo", [spawned.id]),
    named("/v1/tree/actions/", [action]),
    named("/v1/tree/at/", [record]),
    named("/v1/tree/audit/", [record]),
    named("/v1/tree/cas/", [digest]),
    named("/v1/tree/jobs/", [(result as { readonly job: string }).job]),
    named("/v1/tree/proc/9p/session/", ["self"]),
    named("/v1/tree/queen/telemetry/", [device, (telemetry.result as { readonly seg_id: string }).seg_id]),
    named("/v1/tree/worker/{id}/spawn", ["worker-1"]),
    // A machine's standing is the operator's business, the rest its own.
    named("/v1/tree/worker/{id}/standing", [machine]),
    named("/v1/tree/worker/", [machine], worker),
    named("/v1/tree/shard/", [sha256(machine).slice(0, 2), "worker", machine]),
  ];
}

test("every path with a name in it is asked of objects that were made, and every example there is taken", async () => {
  await using hive = await startTestHive(undefined, { SKEP_HTTP: "0" });
  const made = await makeAll(hive);
  const origin = `http://127.0.0.1:${hive.at.http?.port}`;
  const { paths } = (await openApi(hive.hive.kernel.tree, "1")) as unknown as { paths: Paths };
  const templated = Object.entries(paths).filter(([path]) => path.includes("{") && !elsewhere.test(path));
  assert.ok(templated.length > 60, String(templated.length));
  const unanswered: string[] = [];
  for (const [path, { get, post }] of templated) {
    const { words, ticket } = made.find(({ below }) => path.startsWith(below)) ?? { words: [], ticket: "" };
    const left = [...words];
    const target = path.replace(/\{\w+\}/g, () => left.shift() ?? "");
    const ask = async (method: string, sent: Sent = {}) => {
      const { status, text } = await asking(origin, ticket, method, target, sent);
      if (status === 404 && otherJob.test(String(sent.body))) return;
      if (status !== 200) unanswered.push(`${method} ${path} ${sent.body ?? ""}: ${status} ${text}`);
    };
    if (get) await ask("GET");
    for (const [type, { examples = {} }] of Object.entries(post?.requestBody?.content ?? {}))
      for (const { value } of Object.values(examples))
        await ask("POST", { body: typeof value === "string" ? value : JSON.stringify(value), type });
  }
  assert.deepEqual(unanswered, []);
});
