import assert from "node:assert/strict";
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  CompactRange,
  createSigner,
  createVerifier,
  ed25519PublicKey,
  leafHash,
  printAddCheckpoint,
  printCheckpoint,
  printVkey,
  signNote,
} from "@skep/tlog";
import { makeTestPlace, startTestHive, type TestHive, type TestPlace } from "../testing/hive.ts";
import { post } from "./ask.ts";
import { witnessKey, WitnessState } from "./place.ts";
import { cosign, createWitness } from "./serve.ts";

const seed = Buffer.alloc(32, 9);
const origin = "log.example/audit";
const verifier = createVerifier(origin, ed25519PublicKey(seed));

function checkpointOf(acts: readonly string[]): string {
  const range = new CompactRange();
  for (const act of acts) range.append(leafHash(Buffer.from(act)));
  return signNote(printCheckpoint({ origin, size: acts.length, root: range.root() }), [
    createSigner(origin, seed),
  ]);
}

function witnessIn(dir: string, lines: string[] = []) {
  return {
    key: witnessKey(dir),
    state: new WitnessState(dir),
    logs: [verifier],
    now: () => 1_800_000_000_000,
    log: (line: string) => lines.push(line),
  };
}

const ask = (oldSize: number, checkpoint: string, proof: readonly Uint8Array[] = []) =>
  Buffer.from(printAddCheckpoint({ oldSize, proof, checkpoint }));

test("what a witness cosigned is on the disk when it answers, and a new process goes on from there", async () => {
  await using place = makeTestPlace();
  const dir = join(place.dir, "witness");
  assert.equal(cosign(ask(0, checkpointOf(["a"])), witnessIn(dir)).status, 200);
  const [file = ""] = readdirSync(join(dir, "logs"));
  assert.match(readFileSync(join(dir, "logs", file), "utf8"), /\nlog\.example\/audit\n1\n/);
  const again = cosign(ask(0, checkpointOf(["b"])), witnessIn(dir));
  assert.deepEqual([again.status, again.type, again.body], [409, "text/x.tlog.size", "1\n"]);
});

test("two roots of one size are refused, and the request is kept as the proof", async () => {
  await using place = makeTestPlace();
  const options = witnessIn(join(place.dir, "witness"));
  assert.equal(cosign(ask(0, checkpointOf(["a", "b"])), options).status, 200);
  const forged = ask(2, checkpointOf(["a", "c"]));
  assert.equal(cosign(forged, options).status, 409);
  const [kept = ""] = readdirSync(join(place.dir, "witness", "forks"));
  assert.deepEqual(readFileSync(join(place.dir, "witness", "forks", kept)), forged);
});

test("a log that went back, a foreign key and a log nobody named get no cosignature", async () => {
  await using place = makeTestPlace();
  const options = witnessIn(join(place.dir, "witness"));
  assert.equal(cosign(ask(0, checkpointOf(["a", "b"])), options).status, 200);
  assert.equal(cosign(ask(1, checkpointOf(["a"])), options).status, 409);
  assert.equal(cosign(ask(2, checkpointOf(["a"])), options).status, 400);
  const text = printCheckpoint({ origin, size: 3, root: Buffer.alloc(32) });
  assert.equal(
    cosign(ask(2, signNote(text, [createSigner(origin, Buffer.alloc(32, 1))])), options).status,
    403,
  );
  const other = printCheckpoint({ origin: "other.example/log", size: 3, root: Buffer.alloc(32) });
  const signed = signNote(other, [createSigner("other.example/log", seed)]);
  assert.equal(cosign(ask(0, signed), options).status, 404);
  assert.equal(cosign(Buffer.from("nonsense"), options).status, 400);
});

test("a witness whose record is damaged cosigns nothing more for that log", async () => {
  await using place = makeTestPlace();
  const dir = join(place.dir, "witness");
  cosign(ask(0, checkpointOf(["a"])), witnessIn(dir));
  const [file = ""] = readdirSync(join(dir, "logs"));
  writeFileSync(join(dir, "logs", file), "x");
  assert.throws(() => cosign(ask(0, checkpointOf(["b"])), witnessIn(dir)), { code: "tlog.record" });
});

async function serve(t: TestContext, dir: string, logs: readonly (typeof verifier)[], lines: string[] = []) {
  const server: Server = createWitness({ ...witnessIn(dir, lines), logs });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const at = server.address();
  return `http://127.0.0.1:${typeof at === "object" && at ? at.port : 0}/`;
}

test("over HTTP the protocol holds: methods, size, addresses", async (t) => {
  await using place = makeTestPlace();
  const dir = join(place.dir, "witness");
  const url = await serve(t, dir, [verifier]);
  const signal = AbortSignal.timeout(5000);
  assert.equal(await (await fetch(url)).text(), `${witnessKey(dir).vkey}\n`);
  assert.equal((await fetch(`${url}add-checkpoint`)).status, 405);
  assert.equal((await fetch(`${url}other`)).status, 404);
  const large = await fetch(`${url}add-checkpoint`, { method: "POST", body: "x".repeat(70_000) });
  assert.equal(large.status, 413);
  assert.equal(
    (await post(url, printAddCheckpoint({ oldSize: 0, proof: [], checkpoint: checkpointOf(["a"]) }), signal))
      .status,
    200,
  );
});

async function until<T>(find: () => Promise<T | undefined>): Promise<T> {
  for (let left = 400; left > 0; left -= 1) {
    const found = await find();
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("it did not come");
}

interface Pair extends AsyncDisposable {
  readonly hive: TestHive;
  readonly policy: string;
  readonly urls: readonly string[];
}

/** A hive whose log two witnesses cosign. */
async function cosignedHive(t: TestContext, place: TestPlace = makeTestPlace()): Promise<Pair> {
  const first = await startTestHive(place);
  const { keys } = first.hive;
  await first.stop();
  const own = createVerifier(keys.origin, Buffer.from(keys.log.publicKey, "hex"));
  const lines = [`log ${printVkey(own)}`];
  const urls: string[] = [];
  for (const name of ["w1", "w2"]) {
    const dir = join(place.dir, name);
    const url = await serve(t, dir, [own]);
    urls.push(url);
    lines.push(`witness ${name} ${witnessKey(dir).vkey} ${url}`);
  }
  const policy = join(place.dir, "policy");
  writeFileSync(policy, `${lines.join("\n")}\ngroup both all w1 w2\nquorum both\n`);
  const hive = await startTestHive(place, {
    SKEP_AUDIT_WITNESSES: policy,
    SKEP_AUDIT_WITNESS_INTERVAL: "100ms",
  });
  return { hive, policy, urls, [Symbol.asyncDispose]: () => hive[Symbol.asyncDispose]() };
}

const cosignedSize = async ({ hive }: Pair): Promise<number | undefined> => {
  const { out } = await hive.skep(["cat", "/audit/cosigned"]);
  const size = Number(out.split("\n")[1]);
  return size > 0 ? size : undefined;
};

test("two witnesses cosign a hive's log, and a stranger with the policy verifies it", async (t) => {
  await using pair = await cosignedHive(t);
  const size = await until(() => cosignedSize(pair));
  await pair.hive.skep(["echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl"]);
  const grown = await until(async () => {
    const found = await cosignedSize(pair);
    return found !== undefined && found > size ? found : undefined;
  });
  const { out, code, err } = await pair.hive.skep(["audit", "verify", "--policy", pair.policy, "--json"]);
  assert.equal(code, 0, err);
  const verdict = JSON.parse(out);
  assert.ok(verdict.cosigned >= grown && verdict.size >= verdict.cosigned);
  assert.match(
    (await pair.hive.skep(["cat", "/audit/witnesses"])).out,
    /state=cosigned size=\d+ .*\n.*state=cosigned/,
  );
});

test("a home that was put back is named by its witnesses and by audit verify", async (t) => {
  const place = makeTestPlace();
  t.after(() => place[Symbol.asyncDispose]());
  const pair = await cosignedHive(t, place);
  await until(() => cosignedSize(pair));
  await pair.hive.stop();
  cpSync(place.home, join(place.dir, "copy"), { recursive: true });
  const later = await startTestHive(place, {
    SKEP_AUDIT_WITNESSES: pair.policy,
    SKEP_AUDIT_WITNESS_INTERVAL: "100ms",
  });
  for (let at = 0; at < 5; at += 1)
    await later.skep(["echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl"]);
  const { size } = JSON.parse((await later.skep(["audit", "verify", "--json"])).out);
  await until(async () => ((await cosignedSize({ ...pair, hive: later })) ?? 0) >= size || undefined);
  await later.skep(["audit", "verify", "--save", join(place.dir, "last")]);
  await later.stop();
  const cosigned = readFileSync(join(place.home, "hive", "cosigned.checkpoint"));
  rmSync(place.home, { recursive: true });
  cpSync(join(place.dir, "copy"), place.home, { recursive: true });
  chmodSync(place.home, 0o700);
  const back = await startTestHive(place, {
    SKEP_AUDIT_WITNESSES: pair.policy,
    SKEP_AUDIT_WITNESS_INTERVAL: "100ms",
  });
  t.after(() => back.stop());
  const told = await until(async () => {
    const { out } = await back.skep(["cat", "/audit/witnesses"]);
    return out.includes("ahead") ? out : undefined;
  });
  assert.match(told, /the log went back/);
  const since = await back.skep(["audit", "verify", "--since", join(place.dir, "last")]);
  assert.equal(since.code, 1);
  assert.match(since.err, /went back behind a checkpoint/);
  // Its own newest cosigned checkpoint says the same to whoever has the policy.
  writeFileSync(join(place.home, "hive", "cosigned.checkpoint"), cosigned);
  const offline = await back.skep(["audit", "verify", "--offline", "--policy", pair.policy]);
  assert.match(offline.err, /went back/);
  assert.ok(existsSync(join(place.dir, "w1", "key")));
});

test("skep witness serves with a key of its own, and knows no log that it was not told", async () => {
  await using place = makeTestPlace();
  const folder = join(place.dir, "w");
  const key = (await place.skep(["witness", "--folder", folder, "--print-key"])).out;
  assert.match(key, /^skep\.invalid\/witness-[a-z2-7]{12}\+[0-9a-f]{8}\+/);
  assert.equal((await place.skep(["witness", "--folder", folder])).code, 2);
});
