import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { encode, type Message } from "@skep/ninep";
import { Line } from "./line.ts";

const fid = 3;
const record = Buffer.from("a record\n");
/** Size, type, tag, fid, offset, count and the record. */
const frameSize = 7 + 4 + 8 + 4 + record.length;

/** A line to a server that says what the test has it say, and what it told. */
async function lineTo(t: TestContext) {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const told: number[] = [];
  const failed: string[] = [];
  let heard = Promise.withResolvers<void>();
  const tell = (): void => {
    heard.resolve();
    heard = Promise.withResolvers();
  };
  const connected = once(server, "connection");
  const line = await Line.dial(
    { host: "127.0.0.1", port },
    {
      told: (due) => {
        told.push(due);
        tell();
      },
      failed: (why) => {
        failed.push(why);
        tell();
      },
    },
  );
  const [socket] = (await connected) as [Socket];
  t.after(async () => {
    await line.close();
    server.close();
  });
  line.record(fid, record);
  const send = (due: number): void => line.tell(due, () => undefined);
  /** The tags of so many records, when they have come. */
  const come = async (count: number): Promise<number[]> => {
    const parts: Buffer[] = [];
    for (let size = 0; size < count * frameSize; ) {
      const [part] = (await once(socket, "data")) as [Buffer];
      parts.push(part);
      size += part.length;
    }
    const all = Buffer.concat(parts);
    assert.equal(all.length, count * frameSize);
    return Array.from({ length: count }, (_, at) => all.readUInt16LE(at * frameSize + 5));
  };
  const answer = (tag: number, count = record.length): Buffer =>
    encode({ type: "Rwrite", tag, count } as Message);
  const until = async (count: number): Promise<void> => {
    while (told.length + failed.length < count) await heard.promise;
  };
  return { line, socket, told, failed, send, come, answer, until };
}

test("each record is told when its acknowledgement came, also where that comes in pieces or with others", async (t) => {
  const { socket, told, failed, send, come, answer, until } = await lineTo(t);
  for (const due of [1, 2, 3]) send(due);
  const tags = await come(3);
  assert.equal(new Set(tags).size, 3);
  const answers = Buffer.concat(tags.map((tag) => answer(tag)));
  socket.write(answers.subarray(0, 16));
  await until(1);
  assert.deepEqual(told, [1]);
  socket.write(answers.subarray(16));
  await until(3);
  assert.deepEqual([told, failed], [[1, 2, 3], []]);
});

test("an acknowledgement out of its turn, of fewer bytes, or that is a refusal, is an error", async (t) => {
  const { socket, told, failed, send, come, answer, until } = await lineTo(t);
  for (const due of [1, 2, 3]) send(due);
  const [one = 0, two = 0, three = 0] = await come(3);
  const refusal = encode({ type: "Rlerror", tag: three, ecode: 5 } as Message);
  socket.write(Buffer.concat([answer(two), answer(two, 4), refusal]));
  await until(3);
  assert.deepEqual(told, []);
  assert.deepEqual(failed, [
    `an acknowledgement out of its turn: tag ${two}`,
    `4 of ${record.length} bytes were taken`,
    `a record was answered ${refusal.toString("hex")}`,
  ]);
  assert.notEqual(one, two);
});

test("records without an answer are errors when the connection ends, and so is what is told after that", async (t) => {
  const { line, socket, failed, send, come, until } = await lineTo(t);
  send(1);
  await come(1);
  const asked = assert.rejects(line.ask({ type: "Tclunk", fid }), /has ended/);
  socket.destroy();
  await line.over;
  await asked;
  await until(1);
  send(2);
  assert.deepEqual(failed, ["a record was not acknowledged", "not attached"]);
});
