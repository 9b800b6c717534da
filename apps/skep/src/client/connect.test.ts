import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { connect, dial, type Target } from "./connect.ts";

async function listening(): Promise<AsyncDisposable & { readonly target: Target; readonly came: Socket[] }> {
  const came: Socket[] = [];
  const server = createServer((socket) => came.push(socket));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const at = server.address();
  assert.ok(at !== null && typeof at === "object");
  return {
    target: { place: { host: "127.0.0.1", port: at.port }, aname: "", name: "test" },
    came,
    async [Symbol.asyncDispose]() {
      for (const socket of came) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

test("whoever dials and gives up waits for no connection, and one that stands is left alone", async () => {
  await using server = await listening();
  const given = new AbortController();
  const before = dial(server.target, given.signal);
  given.abort(new Error("given up"));
  await assert.rejects(before, /given up/);
  await assert.rejects(connect(server.target, given.signal), /given up/);
  const later = new AbortController();
  const socket = await dial(server.target, later.signal);
  later.abort(new Error("given up"));
  assert.equal(socket.destroyed, false);
  socket.destroy();
});
