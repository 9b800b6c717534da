import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { decode, type Message } from "@skep/ninep";
import { startDaemon } from "./testing/daemon.ts";
import { Load } from "./testing/load.ts";
import { type Call, parseTrace } from "./testing/trace.ts";

const calls = "trace=read,write,writev,pwrite64,pwritev,sendmsg,sendto,fdatasync,fsync";
const writes = new Set(["write", "writev", "pwrite64", "pwritev", "sendmsg", "sendto"]);

function lacks(): string | false {
  if (spawnSync("strace", ["-V"], { stdio: "ignore" }).status !== 0) return "strace is not installed";
  const tried = spawnSync("strace", ["-f", "-o", "/dev/null", "true"], { stdio: "ignore" });
  return tried.status === 0 ? false : "strace may not trace here";
}

/** Whole 9P messages that went one way over one socket, each with the call that brought its last byte or first byte. */
function messages(part: readonly Call[], at: "first" | "last"): { message: Message; call: Call }[] {
  const found: { message: Message; call: Call }[] = [];
  let bytes = Buffer.alloc(0);
  let first: Call | undefined;
  for (const call of part) {
    bytes = Buffer.concat([bytes, call.bytes.subarray(0, Math.max(0, call.result))]);
    while (bytes.length >= 4 && bytes.length >= bytes.readUInt32LE(0)) {
      const size = bytes.readUInt32LE(0);
      const frame = bytes.subarray(0, size);
      found.push({ message: decode(frame), call: at === "first" ? (first ?? call) : call });
      bytes = bytes.subarray(size);
      first = undefined;
    }
    first = bytes.length > 0 ? (first ?? call) : undefined;
  }
  return found;
}

interface Acknowledged {
  readonly key: string;
  /** The write that carries the reply. */
  readonly reply: Call;
}

/** Keyed commands of one connection that were taken, with the write of their reply. */
function acknowledgedOn(of: readonly Call[]): Acknowledged[] {
  const reads = of.filter(({ name }) => name === "read");
  const asked = messages(reads, "last");
  const told = messages(
    of.filter(({ name }) => writes.has(name)),
    "first",
  );
  const open = new Map<number, string>();
  const all: Acknowledged[] = [];
  for (const { message, call } of [...asked, ...told].sort((a, b) => a.call.ended - b.call.ended)) {
    const { tag, type } = message;
    const key = open.get(tag);
    if (type === "Twrite") {
      const sent = /"\$key":"([^"]+)"/.exec(Buffer.from(message.data).toString())?.[1];
      if (sent !== undefined) open.set(tag, sent);
    } else if (type === "Rwrite" && key !== undefined) all.push({ key, reply: call });
    if (type.startsWith("R")) open.delete(tag);
  }
  return all;
}

function acknowledged(trace: readonly Call[]): Acknowledged[] {
  const sockets = new Set(trace.map(({ on }) => on).filter((on) => on.startsWith("socket:")));
  return [...sockets].flatMap((socket) => acknowledgedOn(trace.filter(({ on }) => on === socket)));
}

/** Acknowledgements that left before an fdatasync returned that had begun after the record was written. */
function breaches(trace: readonly Call[], replies: readonly Acknowledged[]): string[] {
  const segment = trace.filter(({ on }) => on.endsWith(".seg"));
  const syncs = segment.filter(
    ({ name, result }) => (name === "fdatasync" || name === "fsync") && result === 0,
  );
  const written = new Map<string, Call>();
  for (const call of segment)
    if (writes.has(call.name))
      for (const [, key = ""] of call.bytes.toString("latin1").matchAll(/"key":"([^"]+)"/g))
        written.set(key, call);
  return replies.flatMap(({ key, reply }) => {
    const record = written.get(key);
    if (!record) return [`${key}: no record was written`];
    const covered = syncs.some(({ began, ended }) => began >= record.ended && ended <= reply.began);
    return covered ? [] : [`${key}: written at ${record.ended}, replied at ${reply.began}`];
  });
}

test("strace sees no reply to an accepted command before the fdatasync of its record", {
  skip: lacks(),
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), "skep-strace-"));
  try {
    const output = join(dir, "trace");
    const daemon = await startDaemon(join(dir, "home"), {
      under: ["strace", "-f", "-y", "-xx", "-s", "1000000", "-e", calls, "-o", output],
    });
    const line = (number: number) => ({ path: "/queen/ctl", command: { revoke: `block.${number}` } });
    const load = new Load({ name: "s", sessions: 4, window: 8, line });
    const running = load.run(daemon);
    await load.untilAccepted(400);
    load.stop();
    await running;
    process.kill(daemon.pid, "SIGTERM");
    assert.equal((await daemon.ended).code, 0);
    const text = readFileSync(output, "utf8");
    const trace = parseTrace(text);
    const replies = acknowledged(trace);
    assert.equal(replies.length, load.accepted);
    assert.deepEqual(breaches(trace, replies), []);
    // The judge sees it when a sync is missing or comes late.
    const unsynced = trace.filter(({ name }) => name !== "fdatasync");
    assert.equal(breaches(unsynced, replies).length, replies.length);
    const late = trace.map((call) =>
      call.name === "fdatasync" ? { ...call, ended: call.ended + 1_000_000 } : call,
    );
    assert.equal(breaches(late, replies).length, replies.length);
    const syncs = trace.filter(({ name, on }) => name === "fdatasync" && on.endsWith(".seg")).length;
    process.stdout.write(`strace: ${replies.length} acknowledgements, ${syncs} fdatasyncs, 0 early\n`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
