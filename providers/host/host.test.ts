import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { hostProvider } from "./mod.ts";

const first = "aaaaaaaaaaaaaaaa";
const second = "bbbbbbbbbbbbbbbb";
const restart = (id: string, more: object = {}) => ({
  id,
  action: "systemd.restart",
  target: "web.service",
  ...more,
});

async function rig(context: TestContext, files = recordingFiles()) {
  const clock = simulatedClock();
  const kernel = await toyHive({ files, clock, providers: [hostProvider()] });
  context.after(() => kernel.close());
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const ask = async (path: string, command: object | string) => {
    const line = typeof command === "string" ? command : JSON.stringify(command);
    const { verdict, code } = await owner.append(path, line);
    return verdict === "ok" ? "ok" : code;
  };
  const spec = (command: object) => ask("/host/tickets/spec", command);
  const agent = (command: object, host = "alpha") =>
    ask(`/host/${host}/ctl`, { incarnation: first, ...command });
  const hello = (host: string, incarnation = first) =>
    agent({ op: "hello", incarnation, version: "1", allows: ["systemd.restart web.service"] }, host);
  const read = async (path: string) => Buffer.from(await owner.read(path)).toString();
  const ticket = async (id: string) =>
    (JSON.parse(await read("/host/tickets/status.json")) as Record<string, unknown>[]).find(
      (one) => one.id === id,
    );
  const pass = async (ms: number) => {
    clock.advance(ms);
    for (let turn = 0; turn < 20; turn += 1) {
      await kernel.settled();
      await new Promise((resolve) => void setImmediate(resolve));
    }
  };
  const publish = async (lines: readonly object[], host = "alpha") => {
    const handle = await owner.open(await owner.find(`/host/${host}/publish`), {
      read: false,
      write: true,
    });
    await handle.write(0, Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join("")));
    await handle.close();
  };
  return { kernel, owner, ask, spec, agent, hello, read, ticket, pass, publish };
}

async function withAlpha(context: TestContext) {
  const hive = await rig(context);
  assert.equal(await hive.hello("alpha"), "ok");
  assert.equal(await hive.agent({ op: "names", facet: "systemd", add: ["web.service"] }), "ok");
  return hive;
}

test("a ticket is queued, claimed, begun and reported, and keeps the target's evidence", async (context) => {
  const { spec, agent, read, ticket } = await withAlpha(context);
  assert.equal(await spec(restart("t-1")), "ok");
  assert.equal((await ticket("t-1"))?.host, "alpha");
  assert.equal(await agent({ op: "running", ticket: "t-1", before: null }), "host.state");
  assert.equal(await agent({ op: "claim", ticket: "t-1" }), "ok");
  assert.equal(await agent({ op: "running", ticket: "t-1", before: { id: "x" } }), "ok");
  assert.equal(await agent({ op: "claim", ticket: "t-1" }), "host.state");
  const report = { op: "report", ticket: "t-1", state: "succeeded", evidence: { id: "y" } };
  assert.equal(await agent(report), "ok");
  assert.equal(await agent(report), "ok");
  assert.equal(await agent({ ...report, state: "failed" }), "host.state");
  const { state, before, evidence } = (await ticket("t-1")) ?? {};
  assert.deepEqual([state, before, evidence], ["succeeded", { id: "x" }, { id: "y" }]);
  assert.equal(await read("/host/tickets/deadletter"), "");
  assert.equal(await read("/host/alpha/pending"), "");
  assert.match(await read("/host/alpha/inbox"), /^\{"n":\d+,"ticket":"t-1"\}\n$/);
});

test("the same key and act is the same ticket, and another act under it is a conflict", async (context) => {
  const { spec, read } = await withAlpha(context);
  assert.equal(await spec(restart("t-1", { idempotency_key: "k" })), "ok");
  assert.equal(await spec(restart("t-2", { idempotency_key: "k" })), "ok");
  assert.equal(await spec(restart("t-1", { idempotency_key: "k", host: "alpha" })), "ok");
  assert.equal((await read("/host/tickets/status")).split("\n").length, 2);
  const stop = restart("t-2", { idempotency_key: "k", action: "systemd.stop" });
  assert.equal(await spec(stop), "host.taken");
  assert.equal(await spec(restart("t-1", { idempotency_key: "other" })), "host.taken");
});

test("what nobody claims expires, what was begun and not told of is unknown, and only what may be is driven again", async (context) => {
  const { spec, agent, read, ticket, pass } = await withAlpha(context);
  for (const id of ["t-1", "t-2", "t-3"]) assert.equal(await spec(restart(id, { ttl_s: 10 })), "ok");
  for (const id of ["t-2", "t-3"]) assert.equal(await agent({ op: "claim", ticket: id }), "ok");
  assert.equal(await agent({ op: "running", ticket: "t-3", before: null }), "ok");
  await pass(11_000);
  const states = await Promise.all(["t-1", "t-2", "t-3"].map(async (id) => (await ticket(id))?.state));
  assert.deepEqual(states, ["expired", "expired", "unknown"]);
  assert.equal((await read("/host/tickets/deadletter")).split("\n").length, 4);
  assert.match(await read("/host/tickets/deadletter"), /id=t-1 .*reason="nobody claimed it in time"/);
  // The agent that slept on a claim finds that it may no longer begin.
  assert.equal(await agent({ op: "running", ticket: "t-2", before: null }), "host.state");
  assert.equal(await spec({ op: "redrive", id: "t-1" }), "ok");
  assert.equal(await spec({ op: "redrive", id: "t-1" }), "host.open");
  assert.equal(await spec({ op: "redrive", id: "t-3" }), "host.again");
  assert.equal(await spec({ op: "redrive", id: "none" }), "host.unknown");
  assert.equal((await ticket("t-1"))?.again, 1);
  // Who did it may still say so.
  assert.equal(await agent({ op: "report", ticket: "t-3", state: "succeeded", evidence: { id: "y" } }), "ok");
  assert.equal((await ticket("t-3"))?.state, "succeeded");
});

test("an ended ticket and its key are forgotten after a day, and what was issued before that is refused", async (context) => {
  const { kernel, spec, ticket, pass } = await withAlpha(context);
  const issued = kernel.time.now();
  assert.equal(await spec(restart("t-1", { ttl_s: 1 })), "ok");
  await pass(2000);
  assert.equal((await ticket("t-1"))?.state, "expired");
  await pass(24 * 3_600_000);
  await pass(5000);
  assert.equal(await ticket("t-1"), undefined);
  assert.equal(await spec(restart("t-1", { issued_unix_ms: issued })), "host.stale");
  assert.equal(await spec(restart("t-1")), "ok");
});

test("an agent that was started anew takes over, and the older one may do nothing more", async (context) => {
  const { spec, agent, hello, ticket } = await withAlpha(context);
  assert.equal(await spec(restart("t-1")), "ok");
  assert.equal(await agent({ op: "claim", ticket: "t-1" }), "ok");
  assert.equal(await hello("alpha", second), "ok");
  assert.equal(await agent({ op: "running", ticket: "t-1", before: null }), "host.superseded");
  assert.equal(await agent({ op: "claim", ticket: "t-1", incarnation: second }), "ok");
  assert.equal(await agent({ op: "running", ticket: "t-1", before: null, incarnation: second }), "ok");
  assert.equal((await ticket("t-1"))?.state, "running");
  assert.equal(await agent({ op: "claim", ticket: "t-9", incarnation: second }), "host.unknown");
});

test("a host does nothing to the tickets of another, and where two have a target one is named", async (context) => {
  const { spec, ask, agent, hello, read } = await withAlpha(context);
  assert.equal(await hello("beta"), "ok");
  assert.equal(await agent({ op: "names", facet: "systemd", add: ["web.service"] }, "beta"), "ok");
  assert.equal(await spec(restart("t-1")), "host.several");
  assert.equal(await spec(restart("t-1", { host: "alpha" })), "ok");
  assert.equal(await agent({ op: "claim", ticket: "t-1" }, "beta"), "host.unknown");
  assert.equal(await ask("/host/systemd/web.service/restart", "now"), "host.several");
  assert.equal(await ask("/host/beta/systemd/web.service/restart", "now"), "ok");
  assert.match(await read("/host/beta/pending"), /^id=p-\d+ state=queued action=systemd.restart host=beta/);
  assert.equal(await spec(restart("t-3", { target: "none.service" })), "host.absent");
  assert.equal(await spec(restart("t-3", { host: "gamma" })), "host.absent");
});

test("a thing is as its host told it last, and unknown with the reason when that is too long ago", async (context) => {
  const { read, publish, pass, hello, agent } = await withAlpha(context);
  const path = "/host/systemd/web.service/status";
  assert.match(await read(path), /^host=alpha state=unknown reason="the host's agent has told nothing yet"/);
  const whole = { facet: "systemd", state: "ok", every_ms: 2000 };
  await publish([
    whole,
    { facet: "systemd", name: "web.service", state: "active", fields: { sub: "running" } },
  ]);
  assert.match(await read(path), /^host=alpha state=active sub=running at_ms=\d+\n$/);
  assert.match(await read("/host/alpha/systemd/web.service/status"), /^state=active sub=running/);
  await pass(5000);
  assert.match(await read(path), /state=active/);
  await pass(2000);
  assert.match(await read(path), /state=unknown reason="not heard of for 7 s"/);
  await publish([{ ...whole, state: "unknown", reason: "no bus" }]);
  assert.match(await read(path), /state=unknown reason="no bus"/);
  assert.equal(await hello("beta"), "ok");
  assert.equal(await agent({ op: "names", facet: "systemd", add: ["web.service"] }, "beta"), "ok");
  assert.equal((await read(path)).split("\n").length, 3);
});

test("a power cap is read as watts, and a number that is written becomes a ticket", async (context) => {
  const { agent, ask, read, publish } = await withAlpha(context);
  await agent({ op: "names", facet: "nvidia", add: ["0"] });
  await publish([
    { facet: "nvidia", state: "ok", every_ms: 1000 },
    { facet: "nvidia", name: "0", state: "ok", fields: { power_cap: 250, temperature_c: 61 } },
  ]);
  assert.equal(await read("/host/nvidia/gpu/0/power_cap"), "250\n");
  assert.equal(await read("/host/nvidia/gpu/0/thermal"), "61\n");
  assert.equal(await ask("/host/nvidia/gpu/0/power_cap", "much"), "host.params");
  assert.equal(await ask("/host/nvidia/gpu/0/power_cap", "200"), "ok");
  const [row] = JSON.parse(await read("/host/alpha/pending.json")) as { params: object; action: string }[];
  assert.deepEqual([row?.action, row?.params], ["nvidia.power_cap", { watts: 200 }]);
});

test("names of providers are no names of hosts, and a line that is not understood is refused", async (context) => {
  const { hello, owner, publish } = await withAlpha(context);
  await assert.rejects(hello("Alpha"), { kind: "absent" });
  for (const name of ["systemd", "tickets"]) await assert.rejects(hello(name), { kind: "absent" });
  await assert.rejects(publish([{ facet: "systemd", state: "ok", more: 1 }]), { code: "host-publish.line" });
  const { code } = await owner.append("/host/tickets/spec", '{"id":"t","action":"host.halt","target":"x"}');
  assert.match(code ?? "", /invalid|schema/);
});

test("no host has more names than the limit, whatever it says goes, and none of them twice", async (context) => {
  const { agent, read } = await withAlpha(context);
  const some = (from: number) => Array.from({ length: 200 }, (_, at) => `unit-${from + at}`);
  const names = async (more: object) => agent({ op: "names", facet: "docker", ...more });
  for (let at = 0; at < 2000; at += 200) assert.equal(await names({ add: some(at) }), "ok");
  assert.equal(await names({ add: some(2000), remove: some(4000) }), "host.names");
  assert.equal(await names({ add: ["unit-0", "unit-0"], remove: ["unit-1"] }), "ok");
  const { docker } = JSON.parse(await read("/host/alpha/names.json")) as { docker: string[] };
  assert.deepEqual([docker.length, new Set(docker).size], [1999, 1999]);
});

test("what is no name of a directory is no name of a thing", async (context) => {
  const { agent } = await withAlpha(context);
  for (const name of ["", ".", "..", "a/b", "a\nb", "a\u0000", "x".repeat(256)]) {
    const told = await agent({ op: "names", facet: "docker", add: [name] });
    assert.notEqual(told, "ok", JSON.stringify(name));
  }
  for (const name of ["...", ".hidden", "grün 1", "dev-disk\\x2d1.service"])
    assert.equal(await agent({ op: "names", facet: "docker", add: [name] }), "ok", name);
});

test("what a host tells of itself is bounded in bytes, and room comes back with what is gone", async (context) => {
  const { publish } = await withAlpha(context);
  const fields = Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`f${at}`, "x".repeat(1000)]));
  const told = (at: number) => publish([{ facet: "docker", name: `c${at}`, state: "up", fields }]);
  const taken: number[] = [];
  await assert.rejects(
    async () => {
      for (let at = 0; at < 100; at += 1) {
        await told(at);
        taken.push(at);
      }
    },
    { code: "host-publish.many" },
  );
  assert.equal(taken.length, Math.floor((4 * 1024 * 1024) / 121_000));
  await publish([{ facet: "docker", name: "c0", state: "gone" }]);
  await told(taken.length);
  await assert.rejects(told(taken.length + 1), { code: "host-publish.many" });
});

test("of two agents of one name the older one stays the older, however often it comes back", async (context) => {
  const { hello, agent, read } = await withAlpha(context);
  const names = { op: "names", facet: "systemd", add: ["db.service"] };
  assert.equal(await hello("alpha", first), "ok");
  assert.equal(await hello("alpha", second), "ok");
  assert.equal(await hello("alpha", first), "host.superseded");
  assert.equal(await agent({ ...names, incarnation: second }), "ok");
  assert.equal(await hello("alpha", second), "ok");
  assert.equal(await hello("alpha", "cccccccccccccccc"), "ok");
  for (const older of [first, second]) assert.equal(await hello("alpha", older), "host.superseded");
  assert.deepEqual(JSON.parse(await read("/host/alpha/info.json")).former, [second, first]);
});

const step = fc.constantFrom("claim", "running", "succeeded", "failed", "hello", "wait", "redrive");

test("in whatever order lines come, an act is begun once for each time that it was queued", async (context) => {
  const { spec, agent, hello, pass, ticket } = await withAlpha(context);
  let run = 0;
  let starts = 0;
  const start = async () => {
    starts += 1;
    const incarnation = starts.toString(16).padStart(16, "0");
    assert.equal(await hello("alpha", incarnation), "ok");
    return incarnation;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const id = `t-${run++}`;
      assert.equal(await spec(restart(id, { ttl_s: 5 })), "ok");
      let now = await start();
      const counted = { begun: 0, queued: 1 };
      const line = (one: object) => agent({ ticket: id, incarnation: now, ...one });
      const acts: Readonly<Record<string, () => Promise<unknown>>> = {
        hello: async () => {
          now = await start();
        },
        wait: () => pass(3000),
        redrive: async () => {
          counted.queued += (await spec({ op: "redrive", id })) === "ok" ? 1 : 0;
        },
        claim: () => line({ op: "claim" }),
        running: async () => {
          counted.begun += (await line({ op: "running", before: null })) === "ok" ? 1 : 0;
        },
        succeeded: () => line({ op: "report", state: "succeeded", evidence: null }),
        failed: () => line({ op: "report", state: "failed", evidence: null }),
      };
      for (const one of steps) await acts[one]?.();
      const { begun, queued } = counted;
      assert.ok(begun <= queued, `${begun} of ${queued}`);
      assert.notEqual(await ticket(id), undefined);
    }),
    { numRuns: 40 },
  );
});
