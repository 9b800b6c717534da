import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

async function until(holds: () => boolean): Promise<void> {
  const late = Date.now() + 5000;
  while (!holds()) {
    assert.ok(Date.now() < late, "took too long");
    await new Promise(setImmediate);
  }
}

const lines = (text: string): string[] => text.trimEnd().split("\n");

test("ls lists directories with a slash, and says more with -l", async () => {
  const plain = await hive.skep(["ls", "/"]);
  assert.equal(plain.code, 0);
  assert.ok(lines(plain.out).includes("jobs/"));
  const long = await hive.skep(["ls", "-l", "/queen"]);
  assert.match(long.out, /^-rw------- +0 .* ctl$/m);
  const json = JSON.parse((await hive.skep(["ls", "/queen", "--json"])).out);
  assert.deepEqual(
    json.filter(({ name }: { name: string }) => name === "ctl"),
    [{ name: "ctl", kind: "file" }],
  );
  assert.equal((await hive.skep(["ls", "/queen/ctl"])).out, "/queen/ctl\n");
});

test("what is not there ends with 3 and its name", async () => {
  const { code, err, out } = await hive.skep(["cat", "/jobs/nothing"]);
  assert.deepEqual([code, out], [3, ""]);
  assert.match(err, /Cannot walk to "\/jobs\/nothing": no entry "nothing"/);
});

test("cat of a directory names what to use instead", async () => {
  const { code, err } = await hive.skep(["cat", "/jobs"]);
  assert.equal(code, 2);
  assert.match(err, /skep ls/);
});

test("cat gives bytes to a pipe, and escapes what a terminal would obey unless it is told --raw", async () => {
  const evil = "\u001b[2J\u202e";
  await hive.skep(["echo", JSON.stringify({ kill: evil }), "/queen/ctl"]);
  const path = "/log/queen.log";
  const piped = await hive.skep(["cat", path]);
  const shown = await hive.skep(["cat", path], { tty: true });
  assert.equal(piped.code, 0);
  assert.ok(!shown.out.includes("\u001b"));
  const raw = await hive.skep(["cat", "--raw", path], { tty: true });
  assert.ok(raw.out.startsWith(piped.out));
});

test("echo prints the answer, and a refusal is its message and its exit code", async () => {
  const spawned = await hive.skep(["echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl"]);
  assert.equal(spawned.code, 0);
  assert.match(spawned.out, /^ok \d+ \{"worker":"worker-1"\}\n$/);
  const absent = await hive.skep(["echo", '{"kill":"worker-9"}', "/queen/ctl"]);
  assert.deepEqual([absent.code, absent.out], [3, ""]);
  assert.match(absent.err, /Cannot kill worker: no such worker/);
  const json = await hive.skep(["echo", "--json", '{"kill":"worker-9"}', "/queen/ctl"]);
  assert.equal(json.code, 3);
  assert.equal(JSON.parse(json.out).code, "queen.absent");
  const bad = await hive.skep(["echo", "nonsense", "/queen/ctl"]);
  assert.equal(bad.code, 2);
});

test("echo takes lines from stdin and stops at the first that is refused", async () => {
  const spawn = '{"spawn":"heartbeat","ticks":3}';
  const { code, out } = await hive.skep(["echo", "-", "/queen/ctl"], {
    input: [`${spawn}\n${spawn}\n{"kill":`, '"worker-9"}\n', spawn],
  });
  assert.equal(code, 3);
  assert.equal(lines(out).length, 2);
});

test("echo without a path is told what is missing", async () => {
  const { code, err } = await hive.skep(["echo", "a", "b"]);
  assert.equal(code, 2);
  assert.match(err, /must be a path/);
});

test("tail ends with the last lines, and -f goes on until it is stopped", async () => {
  const whole = lines((await hive.skep(["cat", "/trace/events"])).out);
  assert.ok(whole.length > 2);
  const last = lines((await hive.skep(["tail", "-n", "2", "/trace/events"])).out);
  assert.deepEqual(last, whole.slice(-2));
  assert.equal((await hive.skep(["tail", "-n", "0", "/trace/events"])).out, "");
  const { io, done } = hive.start(["tail", "-f", "-n", "1", "/trace/events"]);
  await until(() => io.out() !== "");
  assert.equal(lines(io.out())[0], whole.at(-1));
  await hive.skep(["echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl"]);
  await until(() => lines(io.out()).length > 1);
  io.kill("SIGINT");
  assert.equal(await done, 130);
});

test("a file that is no stream cannot be followed", async () => {
  const { code, err } = await hive.skep(["tail", "-f", "/proc/boot"]);
  assert.equal(code, 1);
  assert.match(err, /Cannot follow a file that is no stream: "\/proc\/boot"/);
  assert.equal((await hive.skep(["tail", "-f", "/proc/nothing"])).code, 3);
});

test("stat tells kind, mode and size", async () => {
  const { out } = await hive.skep(["stat", "/queen/ctl", "--json"]);
  const { kind, mode, size, modified } = JSON.parse(out);
  assert.deepEqual([kind, mode, size], ["file", "-rw-------", 0]);
  assert.ok(modified > 0);
});

test("paths are completed by asking the hive that the line is about, and in silence where none is", async () => {
  const complete = async (...typed: string[]) => (await hive.skep(["__complete", "--", ...typed])).out;
  assert.match(await complete("ls", "/que"), /^\/queen\/\t/m);
  assert.match(await complete("cat", "/queen/c"), /^\/queen\/ctl\t/m);
  const nowhere = await hive.skep(["__complete", "--", "--home", "/nonexistent/skep", "ls", "/q"]);
  assert.deepEqual(nowhere, { code: 0, out: "", err: "" });
});

test("a hive that is down is said with its cure and 10", async () => {
  const { code, err } = await hive.skep(["ls", "/", "--home", hive.dir]);
  assert.equal(code, 10);
  assert.match(err, /Cannot reach the hive: nothing listens there/);
  assert.match(err, /Start it with `skep up`/);
});
