import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { createConnection } from "node:net";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { createClient, encode, wireFromSocket } from "@skep/ninep";
import { mountLine } from "../mount/line.ts";
import { TicketInserter } from "../mount/proxy.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

test("the printed line mounts the home's socket for one user, without any ticket", async () => {
  const { code, out } = await hive.skep(["mount", join(hive.dir, "m t"), "--print", "--uid", "1000"]);
  assert.equal(code, 0);
  const options =
    "trans=unix,version=9p2000.L,access=1000,uname=skep,msize=131072,cache=none,nosuid,nodev,noexec";
  assert.equal(out, `mount -t 9p -o ${options} ${hive.at.socket} '${hive.dir}/m t'\n`);
});

test("a quote in a path stays in its word", () => {
  const line = mountLine({ socket: "/s", dir: "/it's", uid: 0, msize: 1 });
  assert.ok(line.endsWith(`/s '/it'\\''s'`));
});

test("no line is printed for FUSE, and nothing is unmounted where nothing is mounted", async () => {
  const print = await hive.skep(["mount", join(hive.dir, "m"), "--print", "--by", "fuse"]);
  assert.deepEqual([print.code, print.out], [2, ""]);
  const unmount = await hive.skep(["mount", "--unmount", hive.dir]);
  assert.deepEqual([unmount.code, /nothing is mounted there/.test(unmount.err)], [3, true]);
});

test("a hive that is down is said before anything is mounted", async () => {
  const { code, out } = await hive.skep(["mount", join(hive.dir, "m"), "--print", "--home", hive.dir]);
  assert.deepEqual([code, out], [10, ""]);
});

test("a context is mounted through a private socket, which adds the ticket and goes away", async () => {
  const { host, port } = hive.at["9p"] ?? { host: "", port: 0 };
  const { out: invitation } = await hive.skep([
    "user",
    "add",
    "ann",
    "--right",
    "/proc:read",
    "--9p",
    `${host}:${port}`,
  ]);
  await hive.skep(["context", "add", "lab", "--from", "-"], { input: [invitation] });
  const { io, done } = hive.start(["mount", join(hive.dir, "m"), "--print", "--context", "lab", "--json"]);
  const late = Date.now() + 5000;
  while (!io.err().includes("Ctrl-C")) {
    assert.ok(Date.now() < late, io.err());
    await new Promise(setImmediate);
  }
  const { socket } = JSON.parse(io.out()) as { socket: string };
  assert.equal(statSync(dirname(socket)).mode & 0o777, 0o700);
  const attach = async (aname: string) => {
    const connection = createConnection(socket);
    const client = await createClient(wireFromSocket(connection), { aname });
    const names = (await client.readdir("/")).map(({ name }) => name);
    await client.close();
    return names;
  };
  assert.deepEqual(await attach(""), ["proc"]);
  assert.ok((await attach("/proc")).includes("boot"));
  await assert.rejects(attach("another-ticket"));
  io.kill("SIGTERM");
  assert.equal(await done, 143);
  assert.throws(() => statSync(dirname(socket)));
});

test("what is no frame ends the connection and passes nothing on", async () => {
  const inserter = new TicketInserter("T");
  const passed: Buffer[] = [];
  inserter.on("data", (data: Buffer) => passed.push(data));
  const failed = new Promise((resolve) => inserter.once("error", resolve));
  const version = encode({ type: "Tversion", tag: 0xffff, msize: 8192, version: "9P2000.L" });
  for (const byte of version) inserter.write(Buffer.of(byte));
  inserter.write(Buffer.from("GET / HTTP/1.1\r\n"));
  await failed;
  assert.deepEqual(Buffer.concat(passed), Buffer.from(version));
});
