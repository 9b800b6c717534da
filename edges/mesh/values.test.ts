import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Clock } from "@skep/clock";
import { createMesh, type Mesh, type MeshOptions } from "./mod.ts";

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return { stop: () => clearTimeout(timer) };
  },
};
const listen = ["/ip4/127.0.0.1/tcp/0"];
/** A value counts that begins with the name in its key; the longer one is the better one. */
const values = {
  t: {
    check: (key: string, value: Uint8Array) => {
      if (!Buffer.from(value).toString().startsWith(key.slice(3))) throw new Error("forged");
    },
    compare: (one: Uint8Array, other: Uint8Array) => one.length - other.length,
  },
};
const anything = { t: { check: () => {}, compare: values.t.compare } };

function mesh(name: string, options: Partial<MeshOptions> = {}): Promise<Mesh> {
  const key = createHash("sha256").update(name).digest();
  return createMesh({ key, clock, listen, dht: true, values, ...options });
}

test("a value is read where somebody else put it, and one that does not count is neither kept nor read", async () => {
  await using a = await mesh("a");
  await using b = await mesh("b", { bootstrap: a.addresses() });
  await using liar = await mesh("liar", { bootstrap: a.addresses(), values: anything });
  const text = async (key: string) => {
    for (let tries = 0; tries < 50; tries += 1) {
      const found = await a.get(key, AbortSignal.timeout(5000));
      if (found) return Buffer.from(found).toString();
      await new Promise((resolve) => clock.after(50, () => resolve(undefined)));
    }
    return undefined;
  };
  while (a.peers().length < 2) await new Promise((resolve) => setImmediate(resolve));
  await b.put("/t/ann", Buffer.from("ann has two"));
  assert.equal(await text("/t/ann"), "ann has two");
  await liar.put("/t/eve", Buffer.from("a forgery")).catch(() => undefined);
  assert.equal(await a.get("/t/eve", AbortSignal.timeout(3000)).catch(() => undefined), undefined);
  await b.put("/t/ann", Buffer.from("ann has two and three"));
  assert.equal(await text("/t/ann"), "ann has two and three");
});
