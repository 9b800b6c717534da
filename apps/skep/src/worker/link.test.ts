import assert from "node:assert/strict";
import { test } from "node:test";
import { faults } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { simulatedClock } from "@skep/testing";
import { type Attached, Link, supersededBy } from "./link.ts";

const fault = faults("ninep", { closed: ["cut", "Cannot go on: the connection is closed"] });

/** Connections that end when they are closed; each is served until then. */
class Hive {
  readonly clock = simulatedClock(1);
  readonly made: { client: Client; better: AbortController; ended: PromiseWithResolvers<void> }[] = [];
  readonly lines: string[] = [];
  open = 0;
  refuses = false;
  readonly link = new Link({
    clock: this.clock,
    log: (line) => this.lines.push(line),
    dial: async () => {
      if (this.refuses) throw fault.closed();
      const ended = Promise.withResolvers<void>();
      const better = new AbortController();
      let ends = 0;
      this.open += 1;
      const end = () => {
        ended.resolve();
        if (ends++ === 0) this.open -= 1;
      };
      const client = { close: async () => end(), rpc: { close: end } } as unknown as Client;
      this.made.push({ client, better, ended });
      return supersededBy(client, better.signal);
    },
    greet: async (client) => ({ client }) as Attached,
    serve: async ({ client }) => this.made.find((one) => one.client === client)?.ended.promise,
  });

  at(index: number) {
    const found = this.made[index];
    assert.ok(found, `there is no connection ${index}`);
    return found;
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test("on a better path a new connection takes over, and what runs on the old one may end there", async () => {
  const hive = new Hive();
  const running = hive.link.run();
  await settled();
  const slow = Promise.withResolvers<string>();
  const request = hive.link.use((client) => (client === hive.at(0).client ? slow.promise : Promise.reject()));
  await settled();
  hive.at(0).better.abort(new Error("a direct path stands"));
  await settled();
  assert.equal(hive.link.now?.client, hive.at(1).client);
  assert.equal(hive.open, 2);
  assert.deepEqual(hive.lines, ["the connection was replaced: a direct path stands"]);
  hive.at(1).better.abort(new Error("there is a newer ticket"));
  await settled();
  assert.equal(hive.link.now?.client, hive.at(2).client);
  assert.equal(hive.lines.at(-1), "the connection was replaced: there is a newer ticket");
  slow.resolve("done");
  assert.equal(await request, "done");
  await settled();
  assert.equal(hive.open, 1);
  await hive.link.close();
  await running;
  assert.equal(hive.open, 0);
});

test("while nothing can be made over the better path the old connection serves on", async () => {
  const hive = new Hive();
  const running = hive.link.run();
  await settled();
  hive.refuses = true;
  hive.at(0).better.abort();
  await settled();
  assert.equal(hive.link.now?.client, hive.at(0).client);
  hive.refuses = false;
  await hive.clock.advanceAsync(60);
  await settled();
  assert.equal(hive.link.now?.client, hive.at(1).client);
  await hive.link.close();
  await running;
});

test("a connection that ends while a better one is made is followed by that one", async () => {
  const hive = new Hive();
  const running = hive.link.run();
  await settled();
  hive.at(0).better.abort();
  hive.at(0).ended.resolve();
  await settled();
  assert.equal(hive.made.length, 2);
  assert.equal(hive.link.now?.client, hive.at(1).client);
  await hive.link.close();
  await running;
});
