// What the original's Python client and its `coh` tools do over TCP (facts of the original control plane, §8 to §10).
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ConsoleClient } from "@skep/testing";
import { makeTestPlace, startTestHive, type TestHive } from "../testing/hive.ts";
import { PythonClient, PythonFault } from "./python-client.ts";

const base = new URL("../../../../examples/compat/base.toml", import.meta.url);
const token = "changeme";
let hive: TestHive;
before(async () => {
  const place = makeTestPlace();
  mkdirSync(place.home, { mode: 0o700 });
  writeFileSync(join(place.home, "skep.toml"), readFileSync(base), { mode: 0o600 });
  hive = await startTestHive(place, { SKEP_CONSOLE: "0", SKEP_9P: "off" });
});
after(() => hive[Symbol.asyncDispose]());

const at = () => hive.at.console ?? assert.fail("the console is off");
const python = (): Promise<PythonClient> => PythonClient.attach(at(), token);
/** The tools written in Rust: frames of up to 8,192 bytes, and QUIT at the end. */
const tool = (): Promise<ConsoleClient> => ConsoleClient.attached(at(), token, "queen");

async function said(client: ConsoleClient, path: string, line: string): Promise<void> {
  assert.deepEqual(await client.ask(`ECHO ${path} ${line}`), [
    `OK ECHO path=${path} bytes=${Buffer.byteLength(line)}`,
  ]);
}

async function cat(client: ConsoleClient, path: string): Promise<readonly string[]> {
  const [ack = "", ...lines] = await client.ask(`CAT ${path}`);
  assert.match(ack, /^OK CAT /, ack);
  return lines.slice(0, -1);
}

test("the Python client finds its way: listings, files, the log, and a refusal that it raises", async () => {
  const client = await python();
  const root = await client.list("/");
  for (const name of ["gpu", "kmesg", "log", "proc", "queen", "trace", "updates", "shard", "worker", "host"])
    assert.ok(root.includes(name), `/ has ${name}: ${root}`);
  assert.ok(!root.includes("policy") && !root.includes("audit") && !root.includes("replay"));
  assert.deepEqual(await client.read("/proc/lifecycle/state"), ["state=ONLINE"]);
  assert.equal(await client.write("/log/queen.log", "from python"), 11);
  assert.ok((await client.read("/log/queen.log")).includes("from python"));
  await assert.rejects(client.read("/nope"), {
    message: "ERR CAT reason=policy detail=invalid-path path=/nope error=invalid path",
  });
  await assert.rejects(client.write("/log/queen.log", "x".repeat(129)), PythonFault);
  for (const path of [
    "/proc/boot",
    "/proc/9p/session/active",
    "/proc/ingest/p50_ms",
    "/proc/pressure/policy",
  ])
    assert.notDeepEqual(await client.read(path), [], path);
  await client.close();
});

test("the Python client goes without QUIT, and nothing is lost by it: not the root, nor what it spawned", async () => {
  const first = await python();
  const spawn = '{"spawn":"heartbeat","ticks":5,"budget":{"ttl_s":60,"ops":10}}';
  assert.equal(await first.write("/queen/ctl", spawn), 62);
  const spawned = async (client: PythonClient) =>
    (await client.list("/worker")).filter((name) => name.startsWith("worker-"));
  const worker = (await spawned(first)).at(-1) ?? "";
  assert.equal(await first.write(`/worker/${worker}/telemetry`, "tick 1"), 6);
  assert.deepEqual(await first.read("/proc/root/reachable"), ["reachable=yes"]);
  await first.close();
  const second = await python();
  assert.deepEqual(await second.read("/proc/root/reachable"), ["reachable=yes"]);
  assert.deepEqual(await second.read("/proc/root/cut_reason"), ["cut_reason=none"]);
  assert.deepEqual(await second.read(`/worker/${worker}/telemetry`), ["tick 1"]);
  await second.write("/queen/ctl", `{"kill":"${worker}"}`);
  assert.ok(!(await spawned(second)).includes(worker));
  await assert.rejects(second.write("/queen/ctl", `{"kill":"${worker}"}`), {
    message: "ERR ECHO reason=policy detail=invalid-path path=/queen/ctl error=invalid path",
  });
  await second.close();
});

test("the GPU publisher's snapshot is taken line by line, and the bridge says what it got", async () => {
  const client = await tool();
  const b64 = (text: string): string => Buffer.from(text).toString("base64");
  const snapshot = [
    "schema gpu-bridge-snapshot/v1",
    `node id=GPU-0 info=${b64('{"name":"H100","memory_mb":81559}')} ctl=${b64("")} lease=${b64("")} status=${b64('{"state":"IDLE"}')}`,
    `model id=vision-base-v1 manifest=${b64('[model]\nid = "vision-base-v1"\n')}`,
    "active id=vision-base-v1",
    `telemetry schema=${b64('{"schema":"gpu-telemetry/v1"}')}`,
    "end",
    "",
  ].join("\n");
  const sha256 = createHash("sha256").update(snapshot).digest("hex");
  const size = Buffer.byteLength(snapshot);
  await said(client, "/gpu/bridge/ctl", `begin bytes=${size} sha256=${sha256}`);
  const text = b64(snapshot);
  for (let from = 0; from < text.length; from += 120) {
    await said(client, "/gpu/bridge/ctl", `b64:${text.slice(from, from + 120)}`);
    if (from === 0)
      assert.match((await cat(client, "/gpu/bridge/status"))[0] ?? "", /^state=receiving bytes=\d+/);
  }
  await said(client, "/gpu/bridge/ctl", "end");
  assert.deepEqual(await cat(client, "/gpu/bridge/status"), [`state=ok bytes=${size} sha256=${sha256}`]);
  assert.deepEqual(await cat(client, "/gpu/GPU-0/info"), ['{"name":"H100","memory_mb":81559}']);
  assert.deepEqual(await cat(client, "/gpu/models/active"), ["vision-base-v1"]);
  assert.deepEqual(await cat(client, "/gpu/telemetry/schema.json"), ['{"schema":"gpu-telemetry/v1"}']);
  await said(client, "/gpu/bridge/ctl", `begin bytes=4 sha256=${"0".repeat(64)}`);
  await said(client, "/gpu/bridge/ctl", "b64:AAAAAA==");
  assert.match(
    (await client.ask("ECHO /gpu/bridge/ctl end"))[0] ?? "",
    /^ERR ECHO reason=policy detail=invalid-payload/,
  );
  await client.close();
});

test("coh leases a GPU, finds the lease active, leaves breadcrumbs of a run, and releases it", async () => {
  const client = await tool();
  const lease = { gpu_id: "GPU-1", mem_mb: 4096, streams: 1, ttl_s: 120, priority: 1 };
  await said(client, "/queen/ctl", JSON.stringify({ spawn: "gpu", lease }));
  const active = JSON.parse((await cat(client, "/gpu/GPU-1/lease")).at(-1) ?? "{}");
  const { worker_id, ...told } = active;
  assert.deepEqual(told, { schema: "gpu-lease/v1", state: "ACTIVE", ...lease });
  assert.match(worker_id, /^worker-\d+$/);
  // One lease of a GPU at a time.
  assert.match(
    (await client.ask(`ECHO /queen/ctl ${JSON.stringify({ spawn: "gpu", lease })}`))[0] ?? "",
    /^ERR ECHO reason=/,
  );
  for (const event of ["start", "end"]) {
    const crumb = {
      schema: "gpu-breadcrumb/v1",
      event,
      command: "python train.py --epochs 3 --batch 64 --out /tmp/model",
      status: "ok",
      exit_code: 0,
      at_ms: 1,
    };
    assert.ok(JSON.stringify(crumb).length > 128);
    await said(client, "/gpu/GPU-1/status", JSON.stringify(crumb));
  }
  const crumbs = (await cat(client, "/gpu/GPU-1/status")).map((line) => JSON.parse(line));
  assert.deepEqual(
    crumbs.slice(-2).map(({ event }) => event),
    ["start", "end"],
  );
  const line = JSON.stringify({ ...active, state: "RELEASED" });
  assert.ok(line.length > 128);
  await said(client, "/gpu/GPU-1/lease", line);
  assert.equal(JSON.parse((await cat(client, "/gpu/GPU-1/lease")).at(-1) ?? "{}").state, "RELEASED");
  assert.match(
    (await client.ask("ECHO /gpu/GPU-1/status plain"))[0] ?? "",
    /^ERR ECHO reason=policy detail=invalid-payload/,
  );
  await said(client, "/queen/ctl", JSON.stringify({ kill: worker_id }));
  await client.close();
});

test("coh pulls the telemetry that cohsh pushed, records longer than 128 characters too", async () => {
  const client = await tool();
  const device = "/queen/telemetry/probe-1";
  await said(client, `${device}/ctl`, '{"new":"segment","mime":"text/plain"}');
  const [segment = ""] = await cat(client, `${device}/latest`);
  assert.match(segment, /^seg-\d{6}$/);
  const records = [1, 2, 3].map((seq) =>
    JSON.stringify({
      schema: "cohsh-telemetry-push/v1",
      seq,
      mime: "text/plain",
      payload: "r".repeat(seq * 1000),
    }),
  );
  for (const record of records) await said(client, `${device}/seg/${segment}`, record);
  const listed = async (path: string) => (await client.ask(`LS ${path}`)).slice(1, -1);
  assert.ok((await listed("/queen/telemetry")).includes("probe-1"));
  assert.deepEqual(await listed(`${device}/seg`), [segment]);
  assert.deepEqual(await cat(client, `${device}/seg/${segment}`), records);
  assert.match((await client.ask(`ECHO ${device}/seg/${segment} ${"x".repeat(5000)}`))[0] ?? "", /^ERR /);
  await client.close();
});

test("the sidecar bridge tells of services, containers, nodes and GPUs, and each line is the last word", async () => {
  const client = await tool();
  for (const [path, line] of [
    ["/host/systemd/ssh.service/status", "active"],
    ["/host/systemd/cohesix-agent.service/status", "failed"],
    ["/host/k8s/node/node-1/status", "Ready"],
    ["/host/docker/status", "running=3"],
    ["/host/nvidia/gpu/0/status", "ok"],
    ["/host/nvidia/gpu/0/power_cap", "250"],
    ["/host/nvidia/gpu/0/thermal", "41"],
  ] as const) {
    await said(client, path, "unknown");
    await said(client, path, line);
    assert.deepEqual(await cat(client, path), [line], path);
  }
  const [ack = "", ...names] = await client.ask("LS /host");
  assert.equal(ack, "OK LS path=/host entries=4");
  assert.deepEqual(names.slice(0, -1).sort(), ["docker", "k8s", "nvidia", "systemd"]);
  await client.close();
});
