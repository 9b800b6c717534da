import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test, type TestContext } from "node:test";
import type { Json, Session } from "@skep/kernel";
import { authorityOf } from "../hive/door.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

async function hive(t: TestContext, settings: Readonly<Record<string, string>> = {}): Promise<TestHive> {
  const place = await startTestHive(undefined, settings);
  t.after(() => place[Symbol.asyncDispose]());
  return place;
}

const text = async (session: Session, path: string): Promise<string> =>
  Buffer.from(await session.read(path)).toString();
const contain = (owner: Session, command: Json) => owner.append("/policy/contain", command);

function as(place: TestHive, subject: string, role = "queen", block = `t-${subject}`): Session {
  const authority = {
    ...authorityOf({ subject, role, blocks: [], allows: () => undefined, reaches: () => true } as never),
  };
  const allows = () => ({ meters: [] });
  return place.hive.door.admit(
    { ...authority, blocks: [{ id: block }], allows, touches: () => true },
    "test",
  );
}

function worker(place: TestHive, id: string): Session {
  return as(place, id, "worker");
}

const hello = (session: Session, id: string, more: object = {}) =>
  session.append(`/worker/${id}/ctl`, {
    op: "hello",
    slots: 2,
    kinds: ["task"],
    incarnation: "a1b2c3d4",
    ...more,
  } as Json);

test("a blocked subject's sessions end at once, it may not attach, and both say who banned it and why", async (t) => {
  const place = await hive(t);
  const { owner } = place.hive;
  const [ann, child, bob] = [as(place, "ann"), as(place, "ann/ci"), as(place, "bob")];
  const { id, verdict } = await contain(owner, { op: "block", subject: "ann", reason: "laptop stolen" });
  assert.equal(verdict, "ok");
  assert.deepEqual([ann.state, child.state, bob.state], ["CLOSED", "CLOSED", "ACTIVE"]);
  for (const name of ["ann", "ann/ci"])
    assert.throws(
      () => as(place, name),
      (thrown: Error) => {
        assert.match(thrown.message, new RegExp(`subject:ann, ban ${id} of owner until .*Z: laptop stolen`));
        return true;
      },
    );
  assert.match(
    await text(owner, "/policy/bans"),
    /^ban=\d+ op=block target=subject:ann by=owner .* reason=laptop stolen\n$/,
  );
  const undo = JSON.parse(await text(owner, `/actions/${id}/undo`));
  assert.equal((await owner.append(undo.path, undo.command)).verdict, "ok");
  assert.equal(as(place, "ann").state, "ACTIVE");
});

test("a revoked ticket ends with everything narrowed from it, and counts again once that is undone", async (t) => {
  const place = await hive(t);
  const { owner } = place.hive;
  const [one, other] = [as(place, "ann", "queen", "b1"), as(place, "ann", "queen", "b2")];
  await contain(owner, { op: "revoke", ticket: "b1", reason: "leaked", for_s: 60 });
  assert.deepEqual([one.state, other.state], ["CLOSED", "ACTIVE"]);
  assert.throws(() => as(place, "ann", "queen", "b1"), { code: "containment.revoked" });
});

test("nobody bans themselves, the owner, what is banned, or for no time", async (t) => {
  const place = await hive(t);
  const { owner } = place.hive;
  const ann = as(place, "ann");
  const codes: (string | undefined)[] = [];
  for (const [session, command] of [
    [ann, { op: "block", subject: "ann", reason: "x" }],
    [ann, { op: "block", subject: "owner", reason: "x" }],
    [ann, { op: "revoke", ticket: "t-ann", reason: "x" }],
    [owner, { op: "drain", worker: "*", reason: "x", until: 1 }],
    [owner, { op: "drain", worker: "*", reason: "x" }],
    [owner, { op: "drain", worker: "*", reason: "x" }],
    [owner, { op: "lift", ban: "99" }],
    [owner, { op: "block", subject: "bob" }],
  ] as const)
    codes.push((await contain(session, command as Json)).code ?? "ok");
  assert.deepEqual(codes, [
    "contain.self",
    "contain.self",
    "contain.self",
    "contain.past",
    "ok",
    "contain.stands",
    "contain.unknown",
    "gate.schema",
  ]);
});

async function job(owner: Session, name = "add"): Promise<string> {
  const { result, message } = await owner.append("/jobs/ctl", {
    op: "submit",
    run: { kind: "task", name },
  } as Json);
  return (result as { job: string } | undefined)?.job ?? assert.fail(message);
}

async function settled(owner: Session, path: string, wanted: RegExp): Promise<string> {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = await text(owner, path);
    if (wanted.test(found)) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return assert.fail(`${path} never was ${wanted}: ${await text(owner, path)}`);
}

test("a class in quarantine: what runs is told to stop, what waits waits with the reason, what comes is refused", async (t) => {
  const place = await hive(t);
  const { owner } = place.hive;
  const w = worker(place, "w-a");
  assert.equal((await hello(w, "w-a", { slots: 1 })).verdict, "ok");
  const [running, waiting] = [await job(owner), await job(owner)];
  await settled(owner, `/jobs/${running}/status`, /state=running/);
  const { id } = await contain(owner, { op: "quarantine", class: "task/add", reason: "wrong sums" });
  for (const name of [running, waiting]) {
    await settled(owner, `/jobs/${name}/status`, /state=queued/);
    assert.match(
      await text(owner, `/jobs/${name}/why`),
      new RegExp(`^waiting: held by ban ${id} of owner on class:task/add until .*: wrong sums\n`),
    );
  }
  assert.match(await text(w, "/worker/w-a/inbox"), new RegExp(`"cancel":"${running}"`));
  const refused = await owner.append("/jobs/ctl", {
    op: "submit",
    run: { kind: "task", name: "add" },
  } as Json);
  assert.equal(refused.code, "containment.quarantined");
  assert.match(refused.message ?? "", new RegExp(`ban ${id} of owner`));
  const other = await job(owner, "sub");
  await settled(owner, `/jobs/${other}/status`, /state=running/);
  await contain(owner, { op: "lift", ban: String(id) });
  await w.append("/worker/w-a/results", { op: "done", job: other });
  await settled(owner, `/jobs/${running}/status`, /state=running/);
});

test("a frozen worker loses what it runs and gets nothing; a drained one keeps it and gets nothing", async (t) => {
  const place = await hive(t);
  const { owner } = place.hive;
  const w = worker(place, "w-a");
  await hello(w, "w-a", { slots: 1 });
  const first = await job(owner);
  await settled(owner, `/jobs/${first}/status`, /state=running/);
  const drain = await contain(owner, { op: "drain", worker: "w-a", reason: "new kernel" });
  const second = await job(owner);
  await w.append("/worker/w-a/results", { op: "done", job: first });
  await settled(owner, `/jobs/${first}/status`, /state=done/);
  assert.match(await text(owner, `/jobs/${second}/why`), /frozen or drained/);
  await contain(owner, { op: "lift", ban: String(drain.id) });
  await settled(owner, `/jobs/${second}/status`, /state=running/);
  const freeze = await contain(owner, { op: "freeze", worker: "w-a", reason: "odd results" });
  await settled(owner, `/jobs/${second}/status`, /state=queued/);
  assert.equal(w.state, "ACTIVE");
  await contain(owner, { op: "lift", ban: String(freeze.id) });
  await settled(owner, `/jobs/${second}/status`, /state=running/);
});

test("a revoked machine is out, and its work goes to another", async (t) => {
  const place = await hive(t);
  const { owner } = place.hive;
  const w = worker(place, "w-a");
  await hello(w, "w-a");
  const first = await job(owner);
  await settled(owner, `/jobs/${first}/status`, /state=running/);
  await contain(owner, { op: "revoke", node: "w-a", reason: "sold" });
  assert.equal(w.state, "CLOSED");
  assert.throws(() => worker(place, "w-a"), { code: "containment.node" });
  await settled(owner, `/jobs/${first}/status`, /state=queued/);
  await hello(worker(place, "w-b"), "w-b");
  await settled(owner, `/jobs/${first}/status`, /state=running[\s\S]*w-b|w-b[\s\S]*state=running/);
});

test("a ban survives a restart, and ends by itself", async (t) => {
  const place = await hive(t);
  const module = createHash("sha256").update("x").digest("hex");
  await contain(place.hive.owner, { op: "quarantine", module, reason: "mines coins" });
  await contain(place.hive.owner, { op: "block", subject: "ann", reason: "short", for_s: 1 });
  await place.stop();
  const again = await startTestHive(place);
  t.after(() => again.stop());
  const { owner } = again.hive;
  const bans = JSON.parse(await text(owner, "/policy/bans.json")) as { target: string; reason: string }[];
  assert.ok(bans.some(({ target, reason }) => target === `module:${module}` && reason === "mines coins"));
  const manifest = { payload: { kind: "wasm", module_cid: `sha256:${module}` } };
  const refused = await owner.append("/jobs/ctl", { op: "submit", manifest } as Json);
  assert.equal(refused.code, "containment.quarantined");
  const { kernel } = again.hive;
  const end = kernel.time.now() + 3000;
  while (/subject:ann/.test(await text(owner, "/policy/bans")) && kernel.time.now() < end)
    await new Promise((resolve) => setImmediate(resolve));
  assert.doesNotMatch(await text(owner, "/policy/bans"), /subject:ann/);
  assert.equal(as(again, "ann").state, "ACTIVE");
});

test("a ban by the command line is listed, told to whoever meets it, and undone as any act is", async (t) => {
  const place = await hive(t);
  const made = await place.skep([
    "ban",
    "subject",
    "ann",
    "--reason",
    "laptop stolen",
    "--for",
    "2d",
    "--yes",
  ]);
  assert.match(made.out, /^Ban \d+: subject ann until .*Z; `skep unban \d+` lifts it\n$/, made.err);
  const id = /\d+/.exec(made.out)?.[0] ?? "";
  assert.match(
    (await place.skep(["bans"])).out,
    new RegExp(`${id} +block +subject:ann +owner .* laptop stolen`),
  );
  assert.match((await place.skep(["undo", id, "--yes"])).out, /Undone/);
  assert.match((await place.skep(["bans"])).err, /^Nothing is banned/);
  const drained = await place.skep(["drain", "--reason", "upgrade", "--json"]);
  assert.equal(
    (await place.skep(["unban", JSON.parse(drained.out).ban])).out.trim().startsWith("Lifted"),
    true,
  );
});

const each: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "quarantine of a module": { op: "quarantine", module: "7".repeat(64) },
  "quarantine of a class": { op: "quarantine", class: "wasm" },
  "block of a subject": { op: "block", subject: "ann" },
  "freeze of a worker": { op: "freeze", worker: "w-a" },
  "revocation of a ticket": { op: "revoke", ticket: "t-b" },
  "revocation of a machine": { op: "revoke", node: "w-b" },
  "drain of a worker": { op: "drain", worker: "w-c" },
};

test("each act of containment stands after a restart, is undone by a governed act, and ends at its time", async (t) => {
  const place = await hive(t);
  const standing = async (owner: Session) =>
    (JSON.parse(await text(owner, "/policy/bans.json")) as { ban: string }[]).map(({ ban }) => ban);
  const ids: string[] = [];
  for (const [name, command] of Object.entries(each)) {
    const { id, verdict } = await contain(place.hive.owner, { ...command, reason: name });
    assert.equal(verdict, "ok", name);
    ids.push(String(id));
  }
  await place.stop();
  const again = await startTestHive(place);
  t.after(() => again.stop());
  const { owner, kernel } = again.hive;
  assert.deepEqual((await standing(owner)).sort(), ids.toSorted());
  for (const id of ids) {
    const undo = JSON.parse(await text(owner, `/actions/${id}/undo`)) as { path: string; command: Json };
    assert.equal((await owner.append(undo.path, undo.command)).verdict, "ok", id);
    assert.ok(!(await standing(owner)).includes(id));
  }
  const until = kernel.time.now() + 1500;
  for (const [name, command] of Object.entries(each))
    assert.equal((await contain(owner, { ...command, reason: name, until })).verdict, "ok", name);
  assert.equal((await standing(owner)).length, ids.length);
  const end = kernel.time.now() + 6000;
  while ((await standing(owner)).length > 0 && kernel.time.now() < end)
    await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await standing(owner), []);
  assert.equal(as(again, "ann").state, "ACTIVE");
  assert.ok(kernel.time.now() >= until, "none ended before its time");
});
