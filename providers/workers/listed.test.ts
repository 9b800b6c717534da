import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProvider, fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { listBriefly, listGone, workersProvider } from "./mod.ts";

const spawner = defineProvider<null>({
  name: "queen",
  doc: "Stand-in for the queen",
  initial: () => null,
  events: {},
  offers: { spawned: () => ({ ids: () => ["worker-1"], has: (id: string) => id === "worker-1" }) },
  mounts: () => ({}),
});

const idOf = (at: number): string => `w-${String(at).padStart(4, "0")}`;

async function fleet(there: number, gone: number) {
  const clock = simulatedClock();
  const kernel = await toyHive({ files: recordingFiles(), clock, providers: [spawner, workersProvider()] });
  for (let at = 0; at < there + gone; at += 1) {
    const worker = kernel.attach({ ...fullAuthority(idOf(at)), role: "worker" }, "test");
    const hello = JSON.stringify({ op: "hello", incarnation: "a1b2c3d4" });
    assert.equal((await worker.append(`/worker/${idOf(at)}/ctl`, hello)).verdict, "ok");
    if (at < gone) worker.close();
    clock.advance(1);
  }
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const names = async (path: string, brief = false) =>
    (await owner.list(await owner.find(path), { brief })).map(({ name }) => name);
  return { kernel, owner, names };
}

test("every machine that is there is listed, and of those that are gone the ones that came last", async (context) => {
  const { kernel, owner, names } = await fleet(300, listGone + 10);
  context.after(() => kernel.close());
  const listed = await names("/worker");
  assert.equal(listed.length, 300 + listGone + 1);
  assert.deepEqual(
    [idOf(9), idOf(10), idOf(listGone + 10), "worker-1"].map((id) => listed.includes(id)),
    [false, true, true, true],
  );
  assert.match(Buffer.from(await owner.read(`/worker/${idOf(0)}/info`)).toString(), /^state=gone$/m);
});

test("a mount lists the machines that came last of those that are there; one file has all, by name each is there", async (context) => {
  const { kernel, owner, names } = await fleet(listBriefly + 20, 30);
  context.after(() => kernel.close());
  const last = listBriefly + 49;
  const listed = await names("/worker", true);
  assert.deepEqual(
    [listed.length, listed[0], listed.at(-1)],
    [listBriefly, idOf(last), idOf(last - listBriefly + 1)],
  );
  const shards = new Set((await names("/shard", true)).values());
  assert.equal(shards.size <= listBriefly && shards.size < (await names("/shard")).length, true);
  const all = JSON.parse(String(Buffer.from(await owner.read("/worker.json")))) as {
    id: string;
    present: boolean;
  }[];
  assert.equal(all.length, listBriefly + 20 + 30 + 1);
  assert.equal(all.filter(({ present }) => present).length, listBriefly + 20 + 1);
  for (const { id } of all) assert.equal((await owner.find(`/worker/${id}`)).path, `/worker/${id}`);
});

test("a mount lists few machines as everybody does", async (context) => {
  const { kernel, names } = await fleet(listBriefly - 31, 30);
  context.after(() => kernel.close());
  assert.deepEqual(await names("/worker", true), await names("/worker"));
});

test("a shard is listed when a machine in it is; each can be walked to", async (context) => {
  const { kernel, owner, names } = await fleet(0, 0);
  context.after(() => kernel.close());
  assert.deepEqual(await names("/shard"), ["13"]);
  assert.deepEqual(await names("/shard/13/worker"), []);
  assert.equal((await owner.find("/shard/ff/worker")).path, "/shard/ff/worker");
  await assert.rejects(owner.find("/shard/fff"), { code: "session.absent" });
});

test("the other names of a text are walked to and not listed", async (context) => {
  const { kernel, owner, names } = await fleet(1, 0);
  context.after(() => kernel.close());
  assert.deepEqual(await names(`/worker/${idOf(0)}`), ["info", "owner"]);
  for (const name of ["owner.json", "info.json"])
    assert.equal((await owner.find(`/worker/${idOf(0)}/${name}`)).path, `/worker/${idOf(0)}/${name}`);
});
