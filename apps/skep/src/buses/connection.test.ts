import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "./connection.ts";

test("a connection is made again once it has ended, and closed whenever that comes none is left open", async () => {
  // Closed so many turns after somebody wanted it anew: before it is asked for, while it is made, and after.
  for (let turns = 0; turns < 12; turns += 1) {
    const made: { isOpen: boolean; close(): void }[] = [];
    const connection = new Connection(async () => {
      await Promise.resolve();
      const peer = {
        isOpen: true,
        close: () => {
          peer.isOpen = false;
        },
      };
      made.push(peer);
      return peer;
    });
    const first = await connection.peer();
    assert.equal(await connection.peer(), first);
    first.close();
    const second = connection.peer().catch(() => undefined);
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    connection.close();
    const found = await second;
    await assert.rejects(connection.peer(), { code: "bridge.device" });
    assert.notEqual(found, first);
    assert.deepEqual(
      made.filter(({ isOpen }) => isOpen),
      [],
      `after ${turns}`,
    );
    if (turns === 11) assert.equal(made.length, 2);
  }
});
