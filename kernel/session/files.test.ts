import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { defineProvider, fullAuthority, type Session } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";

async function hive(t: TestContext) {
  const files = recordingFiles();
  const kernel = await toyHive({ files, clock: simulatedClock() });
  t.after(() => kernel.close());
  return { files, kernel, session: kernel.attach(fullAuthority("owner"), "test") };
}

const hatch = (bee: string): string => `${JSON.stringify({ op: "hatch", bee })}\n`;

async function control(session: Session) {
  const handle = await session.open(await session.find("/comb/ctl"), { read: true, write: true });
  return {
    write: (text: string) => handle.write(0, Buffer.from(text)),
    answers: async () => Buffer.from(await handle.read(0, 65_536)).toString(),
  };
}

test("what follows the last newline of a write is not taken", async (t) => {
  const { session } = await hive(t);
  const ctl = await control(session);
  assert.equal(
    await ctl.write(`${hatch("maja")}\n${hatch("willi")}{"op":`),
    hatch("maja").length + 1 + hatch("willi").length,
  );
  assert.equal(await ctl.write(hatch("thekla").trimEnd()), hatch("thekla").length - 1);
  assert.equal((await session.read("/comb/count")).toString(), "3\n");
});

test("answers are read once each, whatever the offsets, in the order of their commands", async (t) => {
  const { session } = await hive(t);
  const ctl = await control(session);
  await ctl.write(hatch("maja"));
  assert.deepEqual(JSON.parse(await ctl.answers()).result, { bee: "maja" });
  assert.equal(await ctl.answers(), "");
  await ctl.write(hatch("willi"));
  await assert.rejects(async () => ctl.write(hatch("willi")), { code: "toy.there" });
  const [first, second] = (await ctl.answers())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(first.result, { bee: "willi" });
  assert.equal(second.code, "toy.there");
});

test("a walk, a stat and an absence that a draft shows wait until it is durable", async (t) => {
  const { files, kernel, session } = await hive(t);
  const ctl = await control(session);
  await ctl.write(hatch("willi"));
  const held = files.hold("sync");
  const order: string[] = [];
  const written = Promise.resolve(ctl.write(hatch("maja") + '{"op":"retire","bee":"willi"}\n')).then(() =>
    order.push("acknowledged"),
  );
  await held.reached;
  const comb = await session.find("/comb");
  const dir = await session.walk(comb, "bees");
  const seen = [
    Promise.resolve(session.walk(dir, "maja")).then(() => order.push("walked")),
    Promise.resolve(session.walk(dir, "willi")).catch(({ code }) => order.push(code)),
    Promise.resolve(session.stat(await session.find("/comb/count"))).then(({ size }) =>
      order.push(`stat ${size}`),
    ),
  ];
  assert.ok(kernel.settled());
  await Promise.resolve();
  assert.deepEqual(order, []);
  held.release();
  await Promise.all([written, ...seen]);
  assert.deepEqual(order.toSorted(), ["acknowledged", "session.absent", "stat 2", "walked"]);
});

test("a step is one name: none with a slash, a NUL, dots or over 255 bytes", async (t) => {
  const { session } = await hive(t);
  const cells = await session.find("/comb/cells");
  for (const name of ["", ".", "..", "a/b", "a\0", "é".repeat(128)])
    await assert.rejects(async () => session.walk(cells, name), /path\.|Cannot use a (name|path)/);
});

test("the version of a stream grows also when its size does not, and its time of change with it", async (t) => {
  const { session } = await hive(t);
  const found = await session.find("/comb/hum");
  await session.append("/comb/hum", "x".repeat(5000));
  const before = await session.stat(found);
  await session.append("/comb/hum", "y".repeat(10));
  const after = await session.stat(found);
  assert.deepEqual([before.size, before.version, after.size, after.version], [4096, 5000, 4096, 5010]);
  assert.equal(session.version(found), 5010);
});

test("what never changes of a place is told alike by identify, stat and list", async (t) => {
  const { session } = await hive(t);
  const comb = await session.find("/comb");
  for (const { name, ...identity } of await session.list(comb)) {
    const found = await session.walk(comb, name);
    assert.deepEqual(session.identify(found), identity);
    const { kind, number, append } = await session.stat(found);
    assert.deepEqual({ kind, number, append }, identity);
  }
});

test("a stream that names a right is appended to with that right only", async (t) => {
  const provider = defineProvider({
    name: "toy",
    doc: "One stream",
    initial: () => ({}),
    events: {},
    mounts: (b) => ({
      "/out": b.stream("Output of workers", {
        right: "output",
        source: ({ ring }) => ring("/out"),
        append: (bytes, { ring }) => {
          ring("/out").append(bytes);
          return bytes.length;
        },
      }),
    }),
  });
  const kernel = await toyHive({ files: recordingFiles(), clock: simulatedClock(), providers: [provider] });
  t.after(() => kernel.close());
  const as = (...rights: string[]) => kernel.attach(toyAuthority("ann", { "/out": rights }), "test");
  const append = (...rights: string[]) => as(...rights).append("/out", "line\n");
  const modes = async (...rights: string[]) => {
    const session = as(...rights);
    const { readable, writable } = await session.stat(await session.find("/out"));
    return { readable, writable };
  };
  assert.deepEqual(await modes("read", "write"), { readable: false, writable: false });
  assert.deepEqual(await modes("read", "output"), { readable: true, writable: false });
  assert.deepEqual(await modes("write", "output"), { readable: false, writable: true });
  assert.equal((await append("read", "write")).code, "session.write");
  assert.equal((await append("read", "output")).code, "session.write");
  assert.deepEqual((await append("write", "output")).result, { bytes: 5 });
});
