import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { onFirstWord } from "./first-word.ts";

/** A connection, and what happened at the side of the server. */
async function rig(t: TestContext) {
  const begun: Socket[] = [];
  let heard = "";
  const server = createServer({ allowHalfOpen: true }, (socket) =>
    onFirstWord(socket, () => {
      begun.push(socket);
      socket.on("data", (part: Buffer) => {
        heard += part.toString();
      });
      socket.once("end", () => socket.end(heard));
    }),
  );
  t.after(() => server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  t.after(() => client.destroy());
  client.on("error", () => undefined);
  await once(client, "connect");
  return { server, client, begun };
}

test("what came before anybody listened is read first, and once", async (t) => {
  const { client, begun } = await rig(t);
  let answer = "";
  client.on("data", (part: Buffer) => {
    answer += part.toString();
  });
  client.write("one ");
  while (begun.length === 0) await new Promise(setImmediate);
  client.end("two three");
  await once(client, "end");
  assert.equal(answer, "one two three");
  assert.equal(begun.length, 1);
});

test("who hangs up without a word is let go, and nobody begins anything", async (t) => {
  const { server, client, begun } = await rig(t);
  client.end();
  client.resume();
  await once(client, "close");
  const count = () => new Promise<number>((done) => server.getConnections((_, open) => done(open)));
  while ((await count()) > 0) await new Promise(setImmediate);
  assert.deepEqual(begun, []);
});
