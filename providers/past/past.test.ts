import assert from "node:assert/strict";
import { test } from "node:test";
import { fullAuthority, Journal, type Kernel, Past, type PastQuestion, type Session } from "@skep/kernel";
import fc from "fast-check";
import { recordingFiles, simulatedClock, toyAuthority, toyHive, toyProvider } from "@skep/testing";
import { pastProvider } from "./mod.ts";
import { parseMoment } from "./src/moment.ts";

async function hive() {
  let kernel: Kernel | undefined;
  const live = (): Kernel => kernel ?? assert.fail("not open yet");
  const files = recordingFiles();
  const clock = simulatedClock();
  const folding = new Past({
    files,
    journal: () => Journal.openToRead(files),
    providers: () => [toyProvider()],
    version: "toy",
  });
  const load = { now: 0, most: 0, asked: 0 };
  const ask = async (question: PastQuestion) => {
    load.now += 1;
    load.asked += 1;
    load.most = Math.max(load.most, load.now);
    // What crosses threads is copied.
    const answer = structuredClone(await folding.answer(structuredClone(question)));
    load.now -= 1;
    return answer;
  };
  const past = pastProvider({ journal: () => live().journal, ask });
  kernel = await toyHive({ files, clock, providers: [toyProvider(), past] });
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const bee = async (op: string, name: string): Promise<number> =>
    (await owner.append("/comb/ctl", { op, bee: name })).id ?? assert.fail("refused");
  return { kernel, clock, owner, bee, load };
}

const text = async (session: Session, path: string) => Buffer.from(await session.read(path)).toString();
const names = async (session: Session, path: string): Promise<string[]> =>
  (await session.list(await session.find(path))).map(({ name }) => name);

test("the past is read, listed and told about by sequence", async (context) => {
  const { kernel, owner, bee } = await hive();
  context.after(() => kernel.close());
  const first = await bee("hatch", "maya");
  const second = await bee("retire", "maya");
  assert.equal(await text(owner, `/at/${first}/comb/count`), "1\n");
  assert.equal(await text(owner, `/at/${second}/comb/count`), "0\n");
  assert.deepEqual(await names(owner, `/at/${first}/comb/bees`), ["maya"]);
  assert.deepEqual(await names(owner, `/at/${second}/comb/bees`), []);
  const stat = await owner.stat(await owner.find(`/at/${first}/comb/bees/maya/status`));
  assert.deepEqual([stat.kind, stat.size, stat.writable], ["file", "maya is busy\n".length, false]);
  assert.deepEqual(await names(owner, "/at"), []);
  assert.deepEqual(await names(owner, `/at/${first}`), ["comb"]);
});

test("a time means the last record that is not after it", async (context) => {
  const { kernel, owner, bee, clock } = await hive();
  context.after(() => kernel.close());
  await bee("hatch", "maya");
  const between = new Date(kernel.time.now() + 1500).toISOString();
  await clock.advanceAsync(3000);
  await bee("hatch", "willi");
  assert.equal(await text(owner, `/at/${between}/comb/count`), "1\n");
  assert.equal(await text(owner, `/at/${between}/comb/count`), "1\n");
  assert.equal(await text(owner, "/at/2999-01-01/comb/count"), "2\n");
  await bee("hatch", "flip");
  assert.equal(await text(owner, "/at/2999-01-01/comb/count"), "3\n");
  await assert.rejects(() => owner.find("/at/1999-12-31T23:59:59Z"), { kind: "absent" });
});

test("what is no moment, a record to come, and what is never in the past are absent", async (context) => {
  const { kernel, owner, bee } = await hive();
  context.after(() => kernel.close());
  const seq = await bee("hatch", "maya");
  for (const name of [`${seq + 1}`, "00", "-1", "1e0", "2026-02-29", "2026-01-01T24:00Z", "now"])
    await assert.rejects(() => owner.find(`/at/${name}`), { kind: "absent" }, name);
  for (const path of ["at", "at/0", "comb/ctl", "comb/hum", "comb/hum.follow", "comb/bees/willi"])
    await assert.rejects(() => owner.find(`/at/${seq}/${path}`), { kind: "absent" }, path);
  assert.equal((await owner.append(`/at/${seq}/comb/motto`, "x")).kind, "refused");
});

test("without the right to history nothing is there; with it the present ticket judges", async (context) => {
  const { kernel, bee } = await hive();
  context.after(() => kernel.close());
  await bee("hatch", "maya");
  const seq = await bee("hatch", "willi");
  const reader = kernel.attach(toyAuthority("r", { "/": ["read"] }), "test");
  await assert.rejects(() => reader.find(`/at/${seq}`), { kind: "absent" });
  assert.equal((await names(reader, "/")).includes("at"), false);
  const rights = { "/at": ["read", "history"], "/comb/bees/maya": ["read"] };
  const narrow = kernel.attach(toyAuthority("n", rights), "test");
  assert.deepEqual(await names(narrow, `/at/${seq}/comb`), ["bees"]);
  assert.deepEqual(await names(narrow, `/at/${seq}/comb/bees`), ["maya"]);
  assert.equal(await text(narrow, `/at/${seq}/comb/bees/maya/status`), "maya is busy\n");
  await assert.rejects(() => narrow.find(`/at/${seq}/comb/bees/willi`), { kind: "absent" });
  await assert.rejects(() => narrow.find(`/at/${seq}/comb/count`), { kind: "absent" });
});

test("two questions are answered at a time, and a crowd is told to come back", async (context) => {
  const { kernel, owner, bee, load } = await hive();
  context.after(() => kernel.close());
  const seq = await bee("hatch", "maya");
  const found = await owner.find(`/at/${seq}/comb/count`);
  // Twice, since a place that is not given back shows only then.
  for (const round of [1, 2]) {
    const answers = await Promise.allSettled(Array.from({ length: 80 }, async () => owner.stat(found)));
    const refused = answers.filter(({ status }) => status === "rejected");
    assert.equal(load.most, 2, `round ${round}`);
    assert.equal(refused.length, 80 - 2 - 64);
    assert.ok(refused.every((one) => one.status === "rejected" && one.reason.code === "past.crowded"));
  }
});

test("a plain walk and read ask no second time", async (context) => {
  const { kernel, owner, bee, load } = await hive();
  context.after(() => kernel.close());
  const seq = await bee("hatch", "maya");
  await text(owner, `/at/${seq}/comb/bees/maya/status`);
  // comb, bees, maya and status are walked; status is read.
  assert.equal(load.asked, 5);
});

test("moments are read like Date does, and nothing else is one", () => {
  const shapes = fc.constantFrom(24, 23, 22, 21, 19, 16, 10);
  const dates = fc.date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true });
  fc.assert(
    fc.property(dates, shapes, (date, length) => {
      const name = date.toISOString().slice(0, length);
      const time = Date.parse(length > 10 && length < 24 ? `${name}Z` : name);
      assert.deepEqual(parseMoment(name), { time });
    }),
  );
  assert.deepEqual(parseMoment("12"), { seq: 12 });
  for (const name of [
    "",
    "02026",
    "2026-1-1",
    "2026-00-10",
    "2026-13-01",
    "2026-04-31",
    "2026-01-01 00:00",
    "1900-02-29",
  ])
    assert.equal(parseMoment(name), undefined, name);
});
