import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { mintMac } from "@skep/macticket";
import type { Session } from "@skep/kernel";
import { ConsoleClient } from "@skep/testing";
import { createRoot, mint, narrow, type RootClaims } from "@skep/ticket";
import { allSecrets } from "../config/mod.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";
import { workerRights } from "../access/grants.ts";

let place: TestHive;
let owner: Session;

before(async () => {
  place = await startTestHive(undefined, { SKEP_CONSOLE: "0" });
  owner = place.hive.door.owner("test");
});
after(() => place[Symbol.asyncDispose]());

async function minted(claims: Partial<RootClaims> & Pick<RootClaims, "subject" | "role">): Promise<string> {
  const { hive } = place;
  return mint(createRoot(hive.keys.ticket.key), {
    hive: hive.keys.hive,
    rights: [{ path: "/", verb: "*" }],
    issuedAt: hive.kernel.time.now(),
    ...claims,
  });
}

const attach = (token: string): Promise<Session> => place.hive.door.attach({ kind: "ticket", token }, "test");

const roots = () => ({ rootPublicKeys: [place.hive.keys.ticket.publicKey] });

const queen = async (command: object) => {
  const { verdict, message, result } = await owner.append("/queen/ctl", command as never);
  assert.equal(verdict, "ok", message);
  return result as { worker?: string };
};

test("a worker that was spawned with a budget does not get around it by narrowing its ticket", async () => {
  const { worker = "" } = await queen({ spawn: "heartbeat", ticks: 5, budget: { ops: 2 } });
  const token = await minted({ subject: worker, role: "worker-heartbeat" });
  const below = await narrow(token, { subject: `${worker}/child` }, roots());
  const session = await attach(below);
  const beat = async () => (await session.append(`/worker/${worker}/telemetry`, "beat\n")).verdict;
  assert.deepEqual([await beat(), await beat(), await beat()], ["ok", "ok", "refused"]);
});

test("killing a spawned worker ends the sessions of what was narrowed from it, and none comes back", async () => {
  const { worker = "" } = await queen({ spawn: "heartbeat", ticks: 5, budget: { ops: 1000 } });
  const token = await minted({ subject: worker, role: "worker-heartbeat" });
  const below = await narrow(token, { subject: `${worker}/child` }, roots());
  const sessions = [await attach(token), await attach(below)];
  await queen({ kill: worker });
  assert.deepEqual(
    sessions.map(({ state }) => state),
    ["CLOSED", "CLOSED"],
  );
  for (const again of [token, below]) await assert.rejects(attach(again), { code: "door.gone" });
});

test("a revoked console ticket ends its session and is refused from then on", async () => {
  const secrets = allSecrets(place.hive.config, place.home);
  const secret = secrets["console.secrets.worker-heartbeat"].secret.reveal();
  const issuedAt = BigInt(place.hive.kernel.time.now());
  const ticket = mintMac(secret, {
    role: "worker-heartbeat",
    subject: "w-mac",
    issuedAt,
    mount: { service: "", at: "" },
  });
  const at = place.at.console ?? assert.fail("no console");
  const token = secrets["console.token"].secret.reveal();
  const client = await ConsoleClient.attached(at, token, "worker-heartbeat", ticket);
  const session = [...place.hive.kernel.sessions.values()].find(({ subject }) => subject === "w-mac");
  assert.ok(session);
  await queen({ revoke: session.blocks[0] ?? "" });
  assert.equal(session.state, "CLOSED");
  client.close();
  await assert.rejects(ConsoleClient.attached(at, token, "worker-heartbeat", ticket));
});

test("a worker's ticket can do nothing but its own work", async () => {
  const other = await attach(await minted({ subject: "w-b", role: "worker", rights: workerRights("w-b") }));
  await other.append("/worker/w-b/ctl", {
    op: "hello",
    incarnation: "12345678",
    kinds: ["task"],
    slots: 0 + 1,
  });
  const { result } = await owner.append("/jobs/ctl", {
    op: "submit",
    run: { kind: "task", name: "echo" },
    stdin: { inline: Buffer.from("private").toString("base64") },
  });
  const { job } = result as { job: string };
  const blob = createHash("sha256").update("private blob").digest("hex");
  assert.equal((await owner.append(`/cas/${blob}`, "private blob")).verdict, "ok");
  const worker = await attach(await minted({ subject: "w-a", role: "worker", rights: workerRights("w-a") }));
  await worker.append("/worker/w-a/ctl", { op: "hello", incarnation: "12345678", kinds: ["wasm"] });

  const refused = async (path: string, line: object) => (await worker.append(path, line as never)).code;
  const submit = { op: "submit", run: { kind: "task", name: "echo" } };
  assert.equal(await refused("/jobs/ctl", submit), "gate.denied");
  assert.equal(await refused("/jobs/ctl", { op: "cancel", job }), "gate.denied");
  assert.equal(await refused("/worker/w-a/results", { op: "done", job }), "jobs.unknown");
  assert.equal(await refused("/worker/w-a/results", { op: "return", job }), "jobs.holder");
  assert.equal(await refused("/cas/ctl", { op: "gc" }), "gate.denied");
  const shard = (id: string) => createHash("sha256").update(id).digest("hex").slice(0, 2);
  for (const path of [
    "/worker/w-b",
    "/worker/w-b/inbox",
    `/shard/${shard("w-b")}`,
    `/shard/${shard("w-b")}/worker/w-b/inbox`,
    `/shard/${shard("w-a")}/worker/w-a/ctl`,
    `/jobs/${job}`,
    "/queen/ctl",
    "/queen/lifecycle",
    "/queen/telemetry/w-b",
    "/log/queen.log",
    "/audit/journal",
    "/audit/checkpoint",
    "/trace",
    "/proc",
    "/at",
    "/at/1",
    "/cas/retention",
  ])
    await assert.rejects(worker.find(path), { code: "session.absent" }, path);
  await assert.rejects(worker.read(`/cas/${blob}`), { code: "cas.absent" });
  assert.equal((await worker.stat(await worker.find(`/cas/${blob}`))).size, 0);
});

test("an observer sees only its own session, and no past without the right to history", async () => {
  const session = await attach(
    await minted({ subject: "eve", role: "observer", rights: [{ path: "/", verb: "read" }] }),
  );
  const names = (await session.list(await session.find("/proc/9p/session"))).map(({ name }) => name);
  assert.deepEqual(
    names.filter((name) => /^s\d+$/.test(name)),
    [session.id],
  );
  await assert.rejects(session.find(`/proc/9p/session/${owner.id}`), { code: "session.absent" });
  await assert.rejects(session.find("/at/1/worker"), { code: "session.absent" });
  assert.ok(!(await session.list(session.root)).some(({ name }) => name === "at"));
});

test("a ticket's cursor budgets hold on the console, the least of its blocks", async () => {
  const token = await minted({ subject: "carl", role: "queen", budgets: { advances: 5 } });
  const below = await narrow(token, { budgets: { advances: 1 } }, roots());
  const at = place.at.console ?? assert.fail("no console");
  const word = allSecrets(place.hive.config, place.home)["console.token"].secret.reveal();
  const client = await ConsoleClient.attached(at, word, "queen", below);
  assert.match((await client.ask("TAIL /trace/ctl"))[0] ?? "", /^OK TAIL/);
  assert.match((await client.ask("TAIL /trace/ctl"))[0] ?? "", /^ERR TAIL reason=quota .*error=ELIMIT$/);
  await client.close();
});
