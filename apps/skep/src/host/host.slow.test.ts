import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FakeSystemd } from "@skep/testing";
import { realClock } from "../clock.ts";
import { allowLines, allows, fits, parseRules, readRules } from "./allow.ts";
import { Systemd } from "./systemd.ts";
import { hostHive, until } from "./testing.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-host-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const own = process.getuid?.() ?? 0;

const systemdOf = (fake: FakeSystemd) =>
  new Systemd({ bus: "", everyMs: 250, clock: realClock, open: async () => fake.connection() });

test("services become files, and a ticket restarts one with its InvocationIDs as evidence", async () => {
  await using at = await hostHive();
  const fake = new FakeSystemd(["web.service", "db.service"]);
  at.start([systemdOf(fake)]);
  await until("the service", async () =>
    /^host=alpha state=active sub=running/.test(
      await at.read("/host/systemd/web.service/status").catch(() => ""),
    )
      ? true
      : undefined,
  );
  const line = { id: "t-1", idempotency_key: "k-1", action: "systemd.restart", target: "web.service" };
  assert.equal(await at.spec(line), "ok");
  const { state, before, evidence } = await at.ended("t-1");
  assert.equal(state, "succeeded");
  const id = (n: number) => n.toString(16).padStart(32, "0");
  assert.equal((before as { InvocationID: string }).InvocationID, id(1));
  assert.equal((evidence as { InvocationID: string }).InvocationID, id(3));
  assert.equal(await at.spec(line), "ok");
  assert.deepEqual(fake.done, ["restart web.service"]);
  await at.hive.hive.owner.append("/host/alpha/systemd/db.service/stop", "now");
  await until("the stop", async () =>
    /state=inactive/.test(await at.read("/host/systemd/db.service/status")) ? true : undefined,
  );
  assert.deepEqual(fake.done, ["restart web.service", "stop db.service"]);
});

test("a ticket that only looks succeeds, and brings the journal", async () => {
  await using at = await hostHive();
  const journalctl = join(at.folder, "journalctl");
  writeFileSync(journalctl, '#!/bin/sh\necho "$*"\n', { mode: 0o700 });
  const fake = new FakeSystemd(["web.service"]);
  const open = async () => fake.connection();
  at.start([new Systemd({ bus: "", everyMs: 250, clock: realClock, open, journalctl })]);
  await until("the names", async () => (/web/.test(await at.read("/host/alpha/names")) ? true : undefined));
  const params = { lines: 20 };
  assert.equal(await at.spec({ id: "t-1", action: "systemd.status", target: "web.service", params }), "ok");
  const { state, output } = await at.ended("t-1");
  assert.deepEqual(
    [state, output],
    ["succeeded", "--unit web.service --lines 20 --no-pager --output short-iso\n"],
  );
  assert.deepEqual(fake.done, []);
});

test("what the host's allow-list does not name is not done, and the ticket says so", async () => {
  await using at = await hostHive();
  const fake = new FakeSystemd(["web.service", "db.service"]);
  const rules = parseRules('[[allow]]\naction = "systemd.restart"\ntarget = ["web*"]', "host.toml");
  at.start([systemdOf(fake)], { allows: (action, target) => allows(rules, action, target) });
  await until("the names", async () =>
    /db/.test(await at.read("/host/alpha/names").catch(() => "")) ? true : undefined,
  );
  for (const [id, target] of [
    ["t-1", "db.service"],
    ["t-2", "web.service"],
  ] as const)
    assert.equal(await at.spec({ id, action: "systemd.restart", target }), "ok");
  const { state, reason } = await at.ended("t-1");
  assert.equal(state, "failed");
  assert.match(String(reason), /allow-list of this host does not name it: "systemd.restart db.service"/);
  assert.equal((await at.ended("t-2")).state, "succeeded");
  assert.deepEqual(fake.done, ["restart web.service"]);
  assert.match(await at.read("/host/tickets/deadletter"), /^id=t-1 state=failed/);
});

test("what the target refuses is told with its reason, and a service that is gone is no longer listed", async () => {
  await using at = await hostHive();
  const fake = new FakeSystemd(["web.service", "db.service"]);
  at.start([systemdOf(fake)]);
  await until("the names", async () =>
    /db/.test(await at.read("/host/alpha/names").catch(() => "")) ? true : undefined,
  );
  fake.before = async () => {
    throw new Error("Access denied");
  };
  await at.spec({ id: "t-1", action: "systemd.restart", target: "web.service" });
  const { state, reason } = await at.ended("t-1");
  assert.deepEqual([state, /Access denied/.test(String(reason))], ["failed", true]);
  fake.units.delete("db.service");
  await until("the end of it", async () =>
    /db/.test(await at.read("/host/alpha/names")) ? undefined : true,
  );
  await assert.rejects(at.read("/host/systemd/db.service/status"), { kind: "absent" });
});

test("a bus that is not there is unknown with that reason, and a second agent ends the first", async () => {
  await using at = await hostHive();
  const nowhere = new Systemd({ bus: `unix:path=${dir}/none`, everyMs: 250, clock: realClock });
  const first = at.start([nowhere]);
  await until("the reason", async () =>
    /state=unknown reason=".*no bus.*ENOENT/.test(await at.read("/host/systemd/status").catch(() => ""))
      ? true
      : undefined,
  );
  const fake = new FakeSystemd(["web.service"]);
  at.start([systemdOf(fake)]);
  await until("the names", async () => (/web/.test(await at.read("/host/alpha/names")) ? true : undefined));
  await at.spec({ id: "t-1", action: "systemd.restart", target: "web.service" });
  await assert.rejects(first.ended, { code: "host-agent.superseded" });
  assert.equal((await at.ended("t-1")).state, "succeeded");
  assert.deepEqual(fake.done, ["restart web.service"]);
});

test("patterns stand for whole names", () => {
  assert.equal(fits("web*.service", "web-1.service"), true);
  assert.equal(fits("web", "web-1"), false);
  assert.equal(fits("a.c", "abc"), false);
  assert.equal(fits("*", ""), true);
});

test("an allow-list that others can write, that is a link, or that is no allow-list is not used", () => {
  const file = join(dir, "host.toml");
  const text =
    '[[allow]]\naction = "systemd.restart"\ntarget = ["web.service"]\n[systemd]\nevery = "500ms"\n';
  writeFileSync(file, text, { mode: 0o600 });
  const rules = readRules(file, own);
  assert.deepEqual(allowLines(rules), ["systemd.restart web.service"]);
  assert.equal(rules.systemd.every, 500);
  chmodSync(file, 0o620);
  assert.throws(() => readRules(file, own), { code: "rules-file.owner" });
  chmodSync(file, 0o600);
  chmodSync(dir, 0o777);
  assert.throws(() => readRules(file, own), { code: "rules-file.owner" });
  chmodSync(dir, 0o700);
  symlinkSync(file, join(dir, "link.toml"));
  assert.throws(() => readRules(join(dir, "link.toml"), own), { code: "rules-file.unread" });
  for (const [bad, why] of [
    ['[[allow]]\naction = "host.halt"\ntarget = ["x"]', /allow.0.action/],
    ['[systemd]\nevery = "1ms"', /systemd.every/],
    ['[update.app]\nto = "/srv/app"', /update.app.owner/],
    ['[update.app]\nto = "app"\nowner = "/srv/own"', /update.app.to/],
    ["[[", /host.toml/],
    ["surprise = 1", /surprise|Unrecognized/],
  ] as const)
    assert.throws(() => parseRules(bad, "host.toml"), { code: "host-agent.rules", message: why });
  assert.equal(allows(readRules(join(dir, "none.toml"), own), "systemd.restart", "web.service"), false);
});
