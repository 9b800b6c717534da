// What the original's client does by itself, where a script alone does not tell it.
import assert from "node:assert/strict";
import { createHash, createPrivateKey } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFrame, parseScript, runScript } from "@skep/grammar";
import { encodeManifest, signManifest } from "@skep/provider-updates";
import { ConsoleClient } from "@skep/testing";
import { realClock } from "../clock.ts";
import type { Stage } from "./daemon.test.ts";

const queen = ({ at, token }: Stage): Promise<ConsoleClient> => ConsoleClient.attached(at, token, "queen");
const ok = (line: string | undefined): boolean => line?.startsWith("OK ") === true;

/** The worker that was spawned last, by the listing. */
async function spawned(client: ConsoleClient): Promise<string> {
  assert.ok(ok((await client.ask('ECHO /queen/ctl {"spawn":"heartbeat","ticks":100}'))[0]));
  return newest(client);
}

async function newest(client: ConsoleClient): Promise<string> {
  const names = (await client.ask("LS /worker")).filter((line) => line.startsWith("worker-"));
  const last = names.toSorted((a, b) => Number(a.slice(7)) - Number(b.slice(7))).at(-1);
  if (last === undefined) throw new Error("nothing was spawned");
  return last;
}

/** Sixty-four appends over two connections, of which one breaks in the midst of a frame: all arrive, none is lost. */
export async function pool(stage: Stage): Promise<void> {
  const lanes = [await queen(stage), await queen(stage)];
  const said = new Set<string>();
  for (let batch = 0; batch < 8; batch += 1) {
    const lane = batch % 2;
    let client = lanes[lane] as ConsoleClient;
    if (batch === 3) {
      client.send(encodeFrame("ECHO /log/queen.log half").subarray(0, 9));
      await client.close();
      client = await queen(stage);
      lanes[lane] = client;
    }
    const lines = Array.from({ length: 8 }, (_, at) => `pool-${batch}-${at}`);
    client.say(...lines.map((line) => `ECHO /log/queen.log ${line}`));
    for (const line of lines) {
      assert.equal(await client.line(), `OK ECHO path=/log/queen.log bytes=${line.length}`);
      said.add(line);
    }
  }
  const client = lanes[0] as ConsoleClient;
  const told = await client.ask("CAT /log/queen.log");
  assert.equal(said.size, 64);
  for (const line of said) assert.equal(told.filter((each) => each === line).length, 1, line);
  assert.ok(!told.includes("half"));
  await Promise.all(lanes.map((each) => each.close()));
}

/** A worker's ring of 1,024 bytes overflows, and the log says so. */
export async function wrap(stage: Stage): Promise<void> {
  const client = await queen(stage);
  const worker = await spawned(client);
  for (let at = 0; at < 10; at += 1)
    await client.ask(`ECHO /worker/${worker}/telemetry ${String(at).padStart(120, "x")}`);
  const log = await client.ask("TAIL /log/queen.log");
  assert.ok(log.some((line) => /telemetry ring wrap dropped_bytes=\d+ new_base=\d+$/.test(line)));
  assert.ok(ok((await client.ask(`ECHO /queen/ctl {"kill":"${worker}"}`))[0]));
  await client.close();
}

/** Ping, boot and log; then appends, a worker that tells something, and its end. */
export async function quick(stage: Stage): Promise<void> {
  const client = await queen(stage);
  assert.deepEqual(await client.ask("PING"), ["OK PING reply=pong", "PONG"]);
  assert.ok(ok((await client.ask("CAT /proc/boot"))[0]));
  assert.ok(ok((await client.ask("TAIL /log/queen.log"))[0]));
  assert.equal((await client.ask("ECHO /log/queen.log selftest"))[0], "OK ECHO path=/log/queen.log bytes=8");
  const worker = await spawned(client);
  await client.ask(`ECHO /worker/${worker}/telemetry selftest`);
  assert.deepEqual((await client.ask(`TAIL /worker/${worker}/telemetry`)).slice(1), ["selftest", "END"]);
  assert.ok(ok((await client.ask(`ECHO /queen/ctl {"kill":"${worker}"}`))[0]));
  await client.close();
}

/** A bind that climbs out, a path that is too deep, a write to what is only read, and an echo that no frame holds. */
export async function negative(stage: Stage): Promise<void> {
  const client = await queen(stage);
  for (const [line, why] of [
    ['ECHO /queen/ctl {"bind":{"from":"/../secret","to":"/b"}}', /^ERR ECHO reason=policy detail=/],
    ["CAT /a/b/c/d/e/f/g/h/i", /^ERR CAT reason=policy detail=invalid-path/],
    ["ECHO /proc/boot no", /^ERR ECHO reason=policy detail=denied path=\/proc\/boot error=EPERM$/],
    [`ECHO /log/queen.log ${"x".repeat(8000)}`, /^ERR (FRAME|ECHO) reason=/],
  ] as const)
    assert.match((await client.ask(line))[0] ?? "", why, line);
  assert.deepEqual(await client.ask("PING"), ["OK PING reply=pong", "PONG"]);
  await client.close();
}

/** The key that the original's tests sign with, from its 32 bytes; everybody knows it. */
const testKey = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${"0123456789abcdef".repeat(4)}`, "hex"),
  format: "der",
  type: "pkcs8",
});

/** Everything in base64, cut into payloads of 128 characters, one after the other. */
async function uploadAs(client: ConsoleClient, path: string, bytes: Uint8Array): Promise<void> {
  const all = Buffer.from(bytes).toString("base64");
  for (let at = 0; at < all.length; at += 124) {
    const payload = `b64:${all.slice(at, at + 124)}`;
    assert.equal(
      (await client.ask(`ECHO ${path} ${payload}`))[0],
      `OK ECHO path=${path} bytes=${payload.length}`,
    );
  }
}

/** Chunk for chunk as the manifest names them, the same one twice, then the manifest; and all of it again. */
export async function casUpload(stage: Stage): Promise<void> {
  const [one, two] = [Buffer.alloc(128, 1), Buffer.alloc(128, 2)];
  const parts = [one, two, one];
  const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  const manifest = signManifest(
    {
      ...{ form: "fixed", epoch: "7", chunkBytes: 128, payloadBytes: 384, delta: null, signature: null },
      payloadSha256: digest(Buffer.concat(parts)),
      chunks: parts.map((part) => ({ digest: digest(part), bytes: 128 })),
    },
    testKey,
  );
  const client = await queen(stage);
  for (let time = 0; time < 2; time += 1) {
    for (const part of parts) await uploadAs(client, `/updates/7/chunks/${digest(part)}`, part);
    await uploadAs(client, "/updates/7/manifest.cbor", encodeManifest(manifest));
    assert.equal((await client.ask("CAT /updates/7/status"))[1], "status epoch=7 state=ready");
  }
  await client.close();
}

interface Replayed {
  readonly state: string;
  readonly entries: number;
  readonly match: boolean;
  readonly sequence_fnv1a: string;
}

async function replayed(client: ConsoleClient): Promise<Replayed> {
  for (let left = 200; left > 0; left -= 1) {
    const [, line = ""] = await client.ask("CAT /replay/status");
    const status = JSON.parse(line) as Replayed;
    if (status.state !== "running") return status;
    await sleep(25);
  }
  throw new Error("the replay did not end");
}

/** Two approved controls are judged again: as many entries, and the sequence that the original gives. */
export async function replay(stage: Stage): Promise<void> {
  const client = await queen(stage);
  for (const id of ["replay-1", "replay-2"])
    await client.ask(`ECHO /actions/queue {"id":"${id}","target":"/queen/ctl","decision":"approve"}`);
  for (let at = 0; at < 2; at += 1)
    assert.ok(ok((await client.ask('ECHO /queen/ctl {"spawn":"heartbeat","ticks":5}'))[0]));
  const journal = (await client.ask("CAT /audit/journal")).filter((line) => line.includes('"queen-ctl"'));
  const { seq } = JSON.parse(journal.at(-2) ?? "{}") as { seq: number };
  assert.ok(ok((await client.ask(`ECHO /replay/ctl {"from":${seq}}`))[0]));
  const { state, entries, match, sequence_fnv1a } = await replayed(client);
  assert.deepEqual(
    { state, entries, match, sequence_fnv1a },
    { state: "ok", entries: 2, match: true, sequence_fnv1a: "6df28b82c98d2471" },
  );
  assert.match((await client.ask('ECHO /replay/ctl {"from":999999}'))[0] ?? "", /^ERR ECHO reason=policy/);
  const [, offsets = ""] = await client.ask("CAT /audit/export");
  assert.deepEqual(
    ["journal_base", "journal_next", "decisions_base", "decisions_next"].filter(
      (name) => !(name in (JSON.parse(offsets) as object)),
    ),
    [],
  );
  await client.close();
}

/** The suites that the hive itself keeps, as `test --mode` of the original's client runs them. */
export async function suites(stage: Stage): Promise<void> {
  for (const mode of ["quick", "full"]) {
    const reader = await queen(stage);
    const [, ...lines] = await reader.ask(`CAT /proc/tests/selftest_${mode}.coh`);
    await reader.close();
    let client = await queen(stage);
    let worker: string | undefined;
    const send = async (line: string): Promise<readonly string[]> => {
      if (line.includes("{{worker}}")) worker ??= await newest(client);
      const answer = await client.ask(line.replaceAll("{{worker}}", worker ?? ""));
      if (line === "QUIT") client = await queen(stage);
      return answer;
    };
    const text = lines.filter((line) => line !== "END").join("\n");
    const result = await runScript(parseScript(text), { clock: realClock, send });
    await client.close();
    assert.ok(result.transcript.length > 0, mode);
    if (!result.pass)
      assert.fail(`${mode}, line ${result.line}: ${result.why}\n${result.transcript.join("\n")}`);
  }
}
