import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { simulatedClock } from "@skep/testing";
import { AttachedAgent } from "./attached.ts";
import { Kept } from "./testing.ts";

/** A hive that refuses each hello, and says why. */
function refusing(code: string): Client {
  const file = {
    open: async () => file,
    getattr: async () => ({ size: 0 }),
    read: async () => new Uint8Array(0),
    append: async () => {
      throw new Fault("stale", code, "Cannot act: another one was started");
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  return {
    open: async () => file,
    walk: async () => file,
    close: async () => undefined,
  } as unknown as Client;
}

test("an agent that says hello again after another took its place ends, and asks no more", async () => {
  let dialled = 0;
  const agent = new AttachedAgent({
    home: "/host/alpha",
    dial: async () => {
      dialled += 1;
      return refusing("host.superseded");
    },
    hello: () => ({}),
    results: "publish",
    target: () => assert.fail("there is nothing to do"),
    check: () => undefined,
    superseded: () => new Fault("stale", "host-agent.superseded", "Cannot go on"),
    memory: new Kept(),
    clock: simulatedClock(),
    log: () => undefined,
  });
  await assert.rejects(agent.run(), { code: "host-agent.superseded" });
  assert.equal(dialled, 1);
});
