import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { FarNode } from "@skep/testing";

const rows: string[] = [];
const nodes: FarNode[] = [];
const tcp = ["/ip4/127.0.0.1/tcp/0"];

async function node(name: string, more: object = {}): Promise<FarNode> {
  const made = await FarNode.start(undefined, { name, listen: tcp, ...more });
  nodes.push(made);
  return made;
}

const active = (one: FarNode, relay: FarNode, from = 0) =>
  one.until(
    (event) => event.kind === "reservation" && event.state === "active" && event.relay === relay.peer,
    70_000,
    from,
  );

after(async () => {
  for (const one of nodes) await one.end();
  process.stdout.write(`\n${rows.join("\n")}\n`);
});

// Each waits for clocks most of its time. What a reservation does at its end: `node testing/lab/main.ts expiry`.
suite("what was lost comes back", { concurrency: 3 }, () => {
  test("a relay that is killed is replaced within 60 s, and the peer is reached under the same name", async () => {
    const first = await node("relay one", { relay: true });
    const second = await node("relay two", { relay: true });
    const hidden = await node("hidden", { listen: [], relays: [...first.addresses, ...second.addresses] });
    await active(hidden, first);
    const begun = performance.now();
    await first.end();
    await active(hidden, second);
    const took = performance.now() - begun;
    assert.ok(took < 60_000, `${took} ms`);
    const far = await node("far", { listen: [] });
    const asked = await far.ask(await hidden.now());
    assert.deepEqual([asked.path, asked.error], ["relayed", undefined]);
    assert.ok(asked.address.endsWith(hidden.peer));
    rows.push(`relay killed, reserved at another after ${took.toFixed(0)} ms`);
  });

  test("who keeps a peer is connected again after that was killed and started anew", async () => {
    const port = 20_000 + (process.pid % 20_000);
    const listen = [`/ip4/127.0.0.1/tcp/${port}`];
    const hive = await node("hive", { listen });
    const worker = await node("worker", { listen: [], bootstrap: hive.addresses });
    await worker.until(({ kind }) => kind === "connected");
    await hive.end();
    await worker.until(({ kind }) => kind === "disconnected");
    const seen = worker.events.length;
    const again = await node("hive", { listen });
    const begun = performance.now();
    await worker.until(({ kind }) => kind === "connected", 40_000, seen);
    rows.push(
      `hive killed and started, connected again ${(performance.now() - begun).toFixed(0)} ms after it was ready`,
    );
    assert.equal((await worker.ask(again.peer)).error, undefined);
  });

  test("who was stopped for longer than any sign of life comes back by itself", async () => {
    const hive = await node("awake");
    const worker = await node("sleeper", { listen: [], bootstrap: hive.addresses });
    // Who dialled is connected before the other side has heard its last word.
    await Promise.all([worker, hive].map((one) => one.until(({ kind }) => kind === "connected")));
    const seen = hive.events.length;
    worker.child.kill("SIGSTOP");
    await hive.until(({ kind }) => kind === "disconnected", 40_000, seen);
    const from = hive.events.length;
    worker.child.kill("SIGCONT");
    const begun = performance.now();
    await hive.until(({ kind }) => kind === "connected", 40_000, from);
    rows.push(
      `stopped until it was given up, connected again ${(performance.now() - begun).toFixed(0)} ms after it went on`,
    );
    assert.equal((await worker.ask(hive.peer)).error, undefined);
  });
});
