import assert from "node:assert/strict";
import { test } from "node:test";
import { fullAuthority, type Kernel, type Session } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive, toyProvider } from "@skep/testing";
import { procProvider } from "./mod.ts";

async function hive(warnings: readonly string[] = []) {
  let kernel: Kernel | undefined;
  const live = (): Kernel => kernel ?? assert.fail("not open yet");
  const proc = procProvider({
    version: "1.2.3",
    node: "v24.0.0",
    edges: () => ({ "9p": "127.0.0.1:5640" }),
    warnings: () => warnings,
    sessions: () => live().sessions,
    pressure: () => live().metrics.pressure,
    ninep: () => ({ outstanding: 4, shortWrites: live().metrics.counts.shortWrites }),
    undurable: () => live().journal.depth,
    loop: () => ({ samples: 10, p50: 0.5, p99: 2, max: 4, recentMax: 3, recentOwn: 1 }),
  });
  const clock = simulatedClock();
  kernel = await toyHive({ files: recordingFiles(), clock, providers: [proc, toyProvider()] });
  return { kernel, clock, owner: kernel.attach(fullAuthority("owner"), "socket") };
}

const text = async (session: Session, path: string): Promise<string> =>
  Buffer.from(await session.read(path)).toString();
const names = async (session: Session, path: string): Promise<string[]> =>
  (await session.list(await session.find(path))).map(({ name }) => name);

test("boot tells hive, version, epoch, edges and warnings, with nothing that steers a terminal", async (context) => {
  const { kernel, owner, clock } = await hive(["the console takes the token that everybody knows\x1b[2J"]);
  context.after(() => kernel.close());
  assert.equal(
    await text(owner, "/proc/boot"),
    `hive=toy-hive\nname=toy\nversion=1.2.3\nnode=v24.0.0\nepoch=1\nsince_ms=${clock.now()}\n` +
      "edge=9p at=127.0.0.1:5640\nwarning: the console takes the token that everybody knows\\x1b[2J\n",
  );
  assert.deepEqual(JSON.parse(await text(owner, "/proc/boot.json")).edges, { "9p": "127.0.0.1:5640" });
});

test("the lifecycle is told in the original's form and follows a drain", async (context) => {
  const { kernel, owner, clock } = await hive();
  context.after(() => kernel.close());
  assert.equal(await text(owner, "/proc/lifecycle/state"), "state=ONLINE\n");
  clock.advance(250);
  kernel.drain("update");
  assert.equal(await text(owner, "/proc/lifecycle/state"), "state=DRAINING\n");
  assert.equal(await text(owner, "/proc/lifecycle/reason"), "reason=update\n");
  assert.equal(await text(owner, "/proc/lifecycle/since"), `since_ms=${clock.now()}\n`);
  assert.equal(await text(owner, "/proc/lifecycle/state.json"), '{"state":"DRAINING"}\n');
});

test("each refusal counts under the pressure of its reason", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  await owner.append("/comb/ctl", { op: "retire", bee: "nobody" });
  await owner.append("/comb/ctl", "no json");
  assert.equal(await text(owner, "/proc/pressure/policy"), "policy=2\n");
  assert.equal(await text(owner, "/proc/pressure/quota"), "quota=0\n");
});

test("live figures stand below /proc/9p", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  assert.equal(await text(owner, "/proc/9p/session/active"), "active=1 draining=0\n");
  assert.equal(await text(owner, "/proc/9p/sessions"), "total=1 active=1 draining=0\n");
  assert.equal(await text(owner, "/proc/9p/outstanding"), "outstanding=4 undurable=0\n");
  assert.equal(await text(owner, "/proc/9p/short_writes"), "short_writes=0\n");
  assert.equal(
    await text(owner, "/proc/9p/loop"),
    "samples=10\np50_ms=0.5\np99_ms=2\nmax_ms=4\nrecent_max_ms=3\nrecent_own_max_ms=1\n",
  );
});

test("a session reads its own answers, refusals too", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  const ctl = await owner.open(await owner.find("/comb/ctl"), { read: false, write: true });
  await ctl.write(0, Buffer.from('{"op":"hatch","bee":"maya"}\n'));
  await assert.rejects(async () => ctl.write(0, Buffer.from('{"op":"hatch","bee":"maya"}\n')));
  const answers = (await text(owner, "/proc/9p/session/self/answers")).trimEnd().split("\n");
  assert.deepEqual(
    answers.map((line) => [JSON.parse(line).verdict, JSON.parse(line).code]),
    [
      ["ok", undefined],
      ["refused", "toy.there"],
    ],
  );
  assert.equal(JSON.parse(await text(owner, "/proc/9p/session/self/answers.json")).length, 2);
});

test("another's session is absent to all but the queen", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  const reader = kernel.attach(toyAuthority("reader", { "/proc": ["read"] }), "9p");
  assert.deepEqual(await names(reader, "/proc/9p/session"), ["active", "self", reader.id]);
  assert.deepEqual(await names(owner, "/proc/9p/session"), ["active", "self", owner.id, reader.id]);
  assert.equal(await text(reader, "/proc/9p/session/self/subject"), "subject=reader\n");
  assert.equal(await text(reader, `/proc/9p/session/${reader.id}/edge`), "edge=9p\n");
  await assert.rejects(() => text(reader, `/proc/9p/session/${owner.id}/subject`), { kind: "absent" });
  assert.equal(await text(owner, `/proc/9p/session/${reader.id}/role`), "role=observer\n");
  assert.equal(await text(owner, `/proc/9p/session/${reader.id}/state`), "state=ACTIVE\n");
  reader.close();
  await assert.rejects(() => text(owner, `/proc/9p/session/${reader.id}/role`), { kind: "absent" });
});

test("a mount lists the caller's session and those that came last, one file has all", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  for (let at = 0; at < 40; at += 1) kernel.attach(toyAuthority(`bee-${at}`, { "/": ["read"] }), "test");
  const listed = await owner.list(await owner.find("/proc/9p/session"), { brief: true });
  // `active` stands beside the sessions.
  const shown = listed.map(({ name }) => name).filter((name) => name !== "active");
  assert.deepEqual([shown.length, ...shown.slice(0, 3), shown.at(-1)], [8, "self", "s1", "s36", "s41"]);
  const all = JSON.parse(await text(owner, "/proc/9p/session.json")) as { id: string; subject: string }[];
  assert.deepEqual([all.length, all[0]?.id, all[40]?.subject], [41, "s1", "bee-39"]);
  const bee = kernel.attach(toyAuthority("bee", { "/proc": ["read"] }), "test");
  assert.equal(JSON.parse(await text(bee, "/proc/9p/session.json")).length, 1);
});
