import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { simulatedClock } from "@skep/testing";
import { Connections } from "./connections.ts";

class Fake extends EventEmitter {
  bytesRead = 0;
  said = "";
  destroyed = false;

  end(text: string, done: () => void): void {
    this.said = text;
    done();
  }

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

function rig(most: number) {
  const clock = simulatedClock();
  const turns: (() => void)[] = [];
  const connections = new Connections({ clock, defer: (act) => turns.push(act), most, within: 10_000 });
  const add = (): Fake => {
    const made = new Fake();
    connections.add(made as unknown as Socket);
    return made;
  };
  const turn = (): void => turns.shift()?.();
  return { clock, connections, add, turn };
}

test("whoever asks nothing for ten seconds goes, thousands of them a few in each turn", async () => {
  const { clock, connections, add, turn } = rig(8192);
  const all = Array.from({ length: 100 }, add);
  await clock.advanceAsync(9_999);
  assert.equal(connections.open, 100);
  await clock.advanceAsync(1);
  assert.equal(connections.open, 68);
  turn();
  assert.equal(connections.open, 36);
  turn();
  turn();
  assert.deepEqual([connections.open, all.every(({ destroyed }) => destroyed)], [0, true]);
});

test("who asked in time stays, who began a head is told, who came later has its own ten seconds", async () => {
  const { clock, connections, add } = rig(8192);
  const asked = add();
  connections.busy(asked as unknown as Socket);
  const begun = add();
  begun.bytesRead = 3;
  await clock.advanceAsync(6000);
  const later = add();
  await clock.advanceAsync(4000);
  assert.match(begun.said, /^HTTP\/1\.1 408 /);
  assert.deepEqual([asked.destroyed, begun.destroyed, later.destroyed], [false, true, false]);
  await clock.advanceAsync(6000);
  assert.deepEqual([asked.destroyed, later.destroyed, connections.open], [false, true, 1]);
});

test("one more than there may be ends the one that has idled longest", () => {
  const { connections, add } = rig(2);
  const [first, second] = [add(), add()];
  connections.busy(first as unknown as Socket);
  add();
  assert.deepEqual([first.destroyed, second.destroyed, connections.evicted], [false, true, 1]);
});
