import assert from "node:assert/strict";
import { test } from "node:test";
import { roomFor } from "./room.ts";

test("as many connections as are wanted are taken while there are files for them", () => {
  assert.deepEqual(roomFor(12_000, 20_000), { connections: 12_000 });
  assert.deepEqual(roomFor(12_000, Number.POSITIVE_INFINITY), { connections: 12_000 });
});

test("where files are short fewer connections are taken, and it is said why and what to do", () => {
  const { connections, warning } = roomFor(12_000, 4096);
  assert.equal(connections, 3584);
  assert.match(warning ?? "", /12000, but this process may open 4096 files: 3584 .*LimitNOFILE=12512/);
});
