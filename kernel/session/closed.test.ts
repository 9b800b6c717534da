import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { defineProvider, fullAuthority, type Session } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive, toyProvider } from "@skep/testing";

async function hive(t: TestContext) {
  const clock = simulatedClock();
  const kernel = await toyHive({ files: recordingFiles(), clock });
  t.after(() => kernel.close());
  return { clock, kernel, session: kernel.attach(fullAuthority("owner"), "test") };
}

const digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

async function handles(session: Session) {
  const open = async (path: string, write = false) =>
    session.open(await session.find(path), { read: true, write });
  const blob = await session.open(await session.find(`/comb/cells/${digest}`), { read: false, write: true });
  await blob.write(0, Buffer.from("hel"));
  return {
    text: await open("/comb/count"),
    stream: await open("/comb/hum", true),
    follow: await open("/comb/hum.follow"),
    control: await open("/comb/ctl", true),
    value: await open("/comb/motto", true),
    blob,
  };
}

test("every handle of a session that was closed is cut, for reading and for writing", async (t) => {
  const { session } = await hive(t);
  const all = await handles(session);
  session.close();
  for (const name of ["text", "stream", "follow", "control", "value"] as const)
    await assert.rejects(async () => all[name].read(0, 100), { kind: "cut" }, `read ${name}`);
  for (const name of ["stream", "control", "value", "blob"] as const)
    await assert.rejects(async () => all[name].write(0, Buffer.from("lo")), { kind: "cut" }, `write ${name}`);
});

test("a read that waits on a stream ends with its session, on no edge's account", async (t) => {
  const { session } = await hive(t);
  const { follow } = await handles(session);
  const read = Promise.resolve(follow.read(0, 100));
  session.close();
  await assert.rejects(read, { kind: "cut" });
});

test("a session whose ticket has expired is closed within a second although nobody uses it", async (t) => {
  const { clock, kernel } = await hive(t);
  const authority = toyAuthority("ann", { "/": ["read"] }, { expiresAt: kernel.time.now() + 5000 });
  const session = kernel.attach(authority, "test");
  const reasons: string[] = [];
  session.onClose((reason) => reasons.push(reason));
  await clock.advanceAsync(4999);
  assert.equal(session.state, "ACTIVE");
  await clock.advanceAsync(1001);
  assert.deepEqual([session.state, reasons], ["CLOSED", ["ticket expired"]]);
});

test("a session ends wholly although a provider cannot decide what its end means", async (t) => {
  const lines: string[] = [];
  const broken = defineProvider({
    name: "broken",
    doc: "Fails at the end of sessions",
    initial: () => ({}),
    events: {},
    left: () => {
      throw new Error("no idea");
    },
    mounts: () => ({}),
  });
  const kernel = await toyHive({
    files: recordingFiles(),
    clock: simulatedClock(),
    providers: [toyProvider(), broken],
    log: (line) => lines.push(line),
  });
  t.after(() => kernel.close());
  const sessions = [1, 2].map(() => kernel.attach(toyAuthority("ann", { "/": ["read"] }), "test"));
  const ended: string[] = [];
  for (const session of sessions) session.onClose(() => ended.push(session.id));
  assert.equal(
    kernel.rings.closeSessions(({ subject }) => subject === "ann"),
    2,
  );
  assert.deepEqual(
    ended,
    sessions.map(({ id }) => id),
  );
  assert.match(lines.join("\n"), /no idea/);
});

test("what was walked to and is hidden since then is absent to opens, stats and listings", async (t) => {
  let shown = true;
  const visible = (): boolean => shown;
  const veil = defineProvider({
    name: "veil",
    doc: "Files behind a veil",
    initial: () => ({}),
    events: {},
    mounts: (b) => ({
      "/veil": b.text("A text", { visible, render: () => "bride\n" }),
      "/veils": b.each(
        "Names",
        "name",
        { visible, list: () => ["a"], has: () => true },
        b.text("One", { render: () => "" }),
      ),
    }),
  });
  const kernel = await toyHive({ files: recordingFiles(), clock: simulatedClock(), providers: [veil] });
  t.after(() => kernel.close());
  const session = kernel.attach(fullAuthority("owner"), "test");
  const [file, dir] = [await session.find("/veil"), await session.find("/veils")];
  shown = false;
  const absent = { code: "session.absent" };
  await assert.rejects(async () => session.open(file, { read: true, write: false }), absent);
  await assert.rejects(async () => session.stat(file), absent);
  await assert.rejects(async () => session.list(dir), absent);
  await assert.rejects(async () => session.walk(dir, "a"), absent);
});
