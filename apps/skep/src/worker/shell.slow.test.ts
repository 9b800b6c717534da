import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Client } from "@skep/ninep";
import { createRoot, mint } from "@skep/ticket";
import { connect, homeTarget } from "../client/connect.ts";
import { workerRights } from "../access/grants.ts";
import { ask } from "../jobs/submit.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";
import { Lines } from "./lease.ts";

const script = fileURLToPath(new URL("../../../../examples/worker.sh", import.meta.url));
const id = "shell";

let hive: TestHive;
let owner: Client;
let client: Client;
let shell: ChildProcess;
const stop = new AbortController();
const readers: ChildProcess[] = [];
const held: number[] = [];

/** Named pipes in the place of a mount, and what passes between them and the hive. */
async function bridge(dir: string): Promise<void> {
  const me = join(dir, "worker", id);
  mkdirSync(me, { recursive: true });
  for (const name of ["ctl", "results", "inbox.follow"]) execFileSync("mkfifo", [join(me, name)]);
  for (const name of ["ctl", "results"]) {
    const pipe = join(me, name);
    // Held open for writing too: a pipe without a writer would be at its end.
    const reader = spawn("cat", [pipe], { stdio: ["ignore", "pipe", "inherit"] });
    held.push(openSync(pipe, "r+"));
    readers.push(reader);
    const lines = createInterface(reader.stdout);
    lines.on("line", (line) => void client.append(`/worker/${id}/${name}`, line).catch(() => undefined));
  }
  const inbox = openSync(join(me, "inbox.follow"), "r+");
  held.push(inbox);
  const lines = new Lines(65_536);
  void (async () => {
    for await (const bytes of client.follow(`/worker/${id}/inbox.follow`, { signal: stop.signal }))
      for (const line of lines.push(bytes)) {
        const { job } = JSON.parse(line) as { job?: string };
        if (job !== undefined) {
          mkdirSync(join(dir, "jobs", job), { recursive: true });
          writeFileSync(join(dir, "jobs", job, "stdin"), await client.readAll(`/jobs/${job}/stdin`));
        }
        writeSync(inbox, `${line}\n`);
      }
  })().catch(() => undefined);
}

async function runTask(
  name: string,
  input: string,
): Promise<{ status: Record<string, unknown>; stdout: string }> {
  const run = { kind: "task", name };
  const stdin = { inline: Buffer.from(input).toString("base64") };
  const { result } = await ask(owner, "/jobs/ctl", { op: "submit", run, stdin });
  const job = result?.job ?? "";
  for await (const _ of owner.follow(`/jobs/${job}/stdout.follow`));
  const status = JSON.parse(String(await owner.readAll(`/jobs/${job}/status.json`)));
  return { status, stdout: String(await owner.readAll(`/jobs/${job}/stdout`)) };
}

before(async () => {
  hive = await startTestHive();
  const { keys, kernel } = hive.hive;
  const token = await mint(createRoot(keys.ticket.key), {
    subject: id,
    role: "worker",
    hive: keys.hive,
    rights: workerRights(id),
    issuedAt: kernel.time.now(),
  });
  owner = await connect(homeTarget(hive.home));
  client = await connect({ ...homeTarget(hive.home), aname: token });
  const dir = join(hive.dir, "mount");
  await bridge(dir);
  shell = spawn("sh", [script, dir, id], { stdio: ["ignore", "inherit", "inherit"], detached: true });
});
after(async () => {
  stop.abort();
  // Its whole group: cat and the beat are its children.
  if (shell.pid) process.kill(-shell.pid, "SIGTERM");
  for (const reader of readers) reader.kill();
  for (const fd of held) closeSync(fd);
  await client.close();
  await owner.close();
  await hive[Symbol.asyncDispose]();
});

test("a shell script takes a task from its inbox and its unsigned result is called unverified", async () => {
  const { status, stdout } = await runTask("sort", "pear\napple\n");
  assert.equal(stdout, "apple\npear\n");
  assert.deepEqual(
    [status.state, status.exit, status.verified, status.worker],
    ["done", 0, "unverified", id],
  );
});

test("it hashes what it is given, and a task that it does not know fails with 127", async () => {
  const { stdout } = await runTask("sha256", "abc");
  assert.match(stdout, /^ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad /);
  const { status } = await runTask("rm", "");
  assert.deepEqual([status.state, status.exit], ["failed", 127]);
});
