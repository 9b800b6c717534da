import assert from "node:assert/strict";
import { test } from "node:test";
import { Turnstile } from "./turnstile.ts";

test("of those who come in one turn each goes through in one of its own, in order", async () => {
  const turns: (() => void)[] = [];
  const turnstile = new Turnstile((act) => void turns.push(act));
  const through: number[] = [];
  const come = async (who: number): Promise<void> => {
    await turnstile.enter();
    through.push(who);
  };
  const all = [1, 2, 3].map(come);
  const seen: number[][] = [];
  for (let act = turns.shift(); act; act = turns.shift()) {
    act();
    await new Promise(setImmediate);
    seen.push([...through]);
  }
  await Promise.all(all);
  assert.deepEqual(seen, [
    [1, 2],
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

test("who comes alone does not wait, and leaves nothing behind", () => {
  const turns: (() => void)[] = [];
  const turnstile = new Turnstile((act) => void turns.push(act));
  assert.equal(turnstile.enter(), undefined);
  turns.shift()?.();
  assert.equal(turns.length, 0);
  assert.equal(turnstile.enter(), undefined);
});
