import assert from "node:assert/strict";
import { test } from "node:test";
import type { Stream } from "@libp2p/interface";
import { spareUpdates } from "./window.ts";

test("room is told when half of it is used, and what opens or pauses a stream is told as before", () => {
  const told: number[] = [];
  const stream = {
    state: 3,
    recvWindow: 100,
    recvWindowCapacity: 100,
    sendWindowUpdate(): void {
      told.push(this.recvWindowCapacity);
    },
  };
  spareUpdates(stream as unknown as Stream);
  for (const left of [100, 51, 50, 49, 0]) {
    stream.recvWindowCapacity = left;
    stream.sendWindowUpdate();
  }
  assert.deepEqual(told.splice(0), [50, 49, 0]);
  stream.recvWindowCapacity = 99;
  for (const state of [0, 1, 2, 5]) {
    stream.state = state;
    stream.sendWindowUpdate();
  }
  assert.equal(told.length, 4);
  const other = {};
  spareUpdates(other as Stream);
  assert.deepEqual(other, {});
});
