import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Client } from "@skep/ninep";
import { createCommitment } from "@skep/receipt";
import { Capture } from "./capture.ts";
import { Lines, readInbox } from "./lease.ts";
import { Modules } from "./modules.ts";
import { resolveEnv } from "./secrets.ts";
import { Spool } from "./spool.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-worker-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const leaseLine = JSON.stringify({
  job: "17",
  job_id: "ab".repeat(32),
  owner: "owner",
  kind: "wasm",
  what: "cd".repeat(32),
  args: ["a"],
  env: {},
  limits: { wallMs: 1, memoryBytes: 65_536, fuel: "1000", stdoutBytes: 0, stderrBytes: 0 },
  grade: "shared",
  stdin: { bytes: 0, inline: "" },
  try: 1,
  start_ms: 5,
  until: 6,
  later: "field",
});

test("an inbox says hello, cancel or a lease, and a cut line is refused", () => {
  assert.deepEqual(readInbox('{"hello":"abc"}'), { hello: "abc" });
  assert.deepEqual(readInbox('{"cancel":"17"}'), { cancel: "17" });
  const said = readInbox(leaseLine);
  assert.equal("lease" in said && said.lease.job, "17");
  for (const line of [leaseLine.slice(9), "{}", "null", '{"job":"x"}'])
    assert.throws(() => readInbox(line), { code: "worker.inbox" }, line.slice(0, 20));
});

test("lines come out whole however they came in, and one that never ends is refused", () => {
  const lines = new Lines(100);
  const found = [..."one\ntwo\n\nthr"].flatMap((char) => [...lines.push(Buffer.from(char))]);
  assert.deepEqual([...found, ...lines.push(Buffer.from("ee\n"))], ["one", "two", "three"]);
  assert.throws(() => [...lines.push(Buffer.alloc(101, 65))], { code: "worker.inbox" });
});

for (const sizes of [[0], [10, 20], [65_536], [65_537], [60_000, 60_000, 60_000], [200_000, 1]])
  test(`output in pieces of ${sizes.join(", ")} bytes is kept, hashed and committed to as it came`, async () => {
    const path = join(dir, "out");
    const pieces = sizes.map((size) => randomBytes(size));
    const expected = createCommitment();
    await using capture = new Capture(path);
    for (const piece of pieces)
      for (const stream of ["stdout", "stderr"] as const) {
        await capture.add(stream, piece);
        expected.add(stream, piece);
      }
    const all = Buffer.concat(pieces);
    assert.equal(capture.stdout.bytes, all.length);
    assert.equal(capture.stderr.digest(), sha256(all));
    const again: Buffer[] = [];
    for await (const piece of capture.stdout.pieces(1000)) again.push(Buffer.from(piece));
    assert.ok(Buffer.concat(again).equals(all));
    assert.deepEqual(capture.finish(), expected.finish());
    assert.equal(existsSync(`${path}.stdout`), all.length > 65_536);
    await capture[Symbol.asyncDispose]();
    assert.equal(existsSync(`${path}.stdout`), false);
  });

test("secrets are read from private files of this user only", async () => {
  const put = (name: string, mode: number) => {
    writeFileSync(join(dir, name), "hunter2\n");
    chmodSync(join(dir, name), mode);
  };
  put("good", 0o600);
  put("open", 0o640);
  symlinkSync(join(dir, "good"), join(dir, "link"));
  const env = { A: "secret:good", B: "plain" };
  assert.deepEqual(await resolveEnv(env, dir), { A: "hunter2", B: "plain" });
  for (const name of ["open", "link", "none", "", "../good", ".hidden"])
    await assert.rejects(resolveEnv({ A: `secret:${name}` }, dir), (thrown: Error & { code?: string }) => {
      assert.ok(!thrown.message.includes("hunter2"));
      return thrown.code === "worker.secret";
    });
});

/** A client whose blobs are these. */
function store(blobs: ReadonlyMap<string, Buffer>, reads: string[]): Client {
  const open = async (path: string) => {
    reads.push(path);
    const bytes = blobs.get(path.slice("/cas/".length)) ?? Buffer.alloc(0);
    return {
      iounit: 1000,
      read: async (at: number, count: number) => bytes.subarray(at, at + count),
      [Symbol.asyncDispose]: async () => undefined,
    };
  };
  return { open } as unknown as Client;
}

test("a module is fetched once, verified, and the longest unused goes when there is too much", async () => {
  const cache = join(dir, "cache");
  const all = [1, 2, 3].map((fill) => Buffer.alloc(4000, fill));
  const reads: string[] = [];
  const client = store(new Map(all.map((bytes) => [sha256(bytes), bytes])), reads);
  const use = <T>(act: (with_: Client) => Promise<T>) => act(client);
  const [first = "", second = "", third = ""] = all.map(sha256);
  const modules = await Modules.open(cache, 9000, 5000);
  await Promise.all([modules.path(first, use), modules.path(first, use), modules.path(second, use)]);
  assert.equal(reads.length, 2);
  await modules.path(first, use);
  await modules.path(third, use);
  assert.deepEqual(readdirSync(cache).sort(), [first, third].sort());
  utimesSync(join(cache, first), 1, 1);
  writeFileSync(join(cache, "unfinished"), "x");
  const next = await Modules.open(cache, 5000, 5000);
  assert.deepEqual(readdirSync(cache), [third]);
  assert.equal(await next.path(third, use), join(cache, third));
  assert.equal(reads.length, 3);
});

test("bytes with another digest are no module, and leave nothing behind", async () => {
  const cache = join(dir, "wrong");
  const digest = "ab".repeat(32);
  const client = store(new Map([[digest, Buffer.from("other")]]), []);
  const modules = await Modules.open(cache, 9000, 5000);
  await assert.rejects(
    modules.path(digest, (act) => act(client)),
    { code: "worker.module" },
  );
  assert.deepEqual(readdirSync(cache), []);
});

test("a spool gives back what was kept, and not what was cut", () => {
  const path = join(dir, "spool");
  const spool = new Spool(path);
  spool.keep("17", 1, "line");
  spool.keep("18", 2, "other");
  spool.drop("18", 2);
  writeFileSync(join(path, "19-1.json.new"), "ha");
  writeFileSync(join(path, "20-1.stdout"), "output of a killed process");
  assert.deepEqual(new Spool(path).read(), [{ job: "17", attempt: 1, line: "line" }]);
  assert.deepEqual(readdirSync(path), ["17-1.json"]);
});
