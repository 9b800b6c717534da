import assert from "node:assert/strict";
import { test } from "node:test";
import { type Client, createClient, type Host, memoryWires, type ServeOptions, serve } from "./mod.ts";
import { control, dir, hostOf, Stream, text } from "./sample-host.ts";

const log = new Stream();
const ctl = control((line) => {
  if (line === "bad") throw new TypeError("not for you");
});
const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`entry-${at}`, text(`${at}`)]));
const tree = dir({
  hello: text("hello, world\n"),
  large: text(Buffer.alloc(400_000, "0123456789")),
  ctl,
  log: log.plain,
  "log.follow": log.follow,
  many: dir(many),
  a: dir({ b: dir({ c: text("deep") }) }),
});

async function connect(
  host: Host = hostOf(tree),
  options: ServeOptions = {},
  msize?: number,
): Promise<Client> {
  const [here, there] = memoryWires();
  serve(there, host, options);
  return await createClient(here, msize === undefined ? {} : { msize });
}

test("a client reads what the host has, also what is larger than a message", async () => {
  await using client = await connect();
  assert.equal((await client.readAll("/hello")).toString(), "hello, world\n");
  assert.equal((await client.readAll("a/b/c")).toString(), "deep");
  assert.equal((await client.readAll("large")).length, 400_000);
  await assert.rejects(client.readAll("large", { limit: 1000 }), { code: "ninep.oversize" });
});

test("the first bytes of a file are asked for together with walk and open, in one write", async () => {
  const [here, there] = memoryWires();
  const written: Uint8Array[] = [];
  const counting = {
    listen: here.listen.bind(here),
    pause: () => here.pause(),
    resume: () => here.resume(),
    close: () => here.close(),
    write: (bytes: Uint8Array) => {
      written.push(bytes);
      return here.write(bytes);
    },
  };
  serve(there, hostOf(tree));
  await using client = await createClient(counting);
  written.length = 0;
  assert.equal(String(await client.readFirst("/hello")), "hello, world\n");
  assert.equal(written.length, 2, "walk, open and read; then the clunk");
  await assert.rejects(client.readFirst("/a/x"), { kind: "absent" });
  await assert.rejects(client.open("/hello", "write"), { message: /^Cannot open "\/hello"/ });
});

test("a listing longer than a message comes whole and in order", async () => {
  await using client = await connect(hostOf(tree), {}, 4096);
  assert.equal(client.msize, 4096);
  const entries = await client.readdir("/many");
  assert.deepEqual(
    entries.map(({ name }) => name),
    Object.keys(many),
  );
});

test("a missing step is named and is absent", async () => {
  await using client = await connect();
  await assert.rejects(client.walk("/a/x/c"), {
    kind: "absent",
    message: 'Cannot walk to "/a/x/c": no entry "x"',
  });
  await assert.rejects(client.walk("/x"), {
    kind: "absent",
    message: 'Cannot walk to "/x": no entry "x"',
  });
  await assert.rejects(client.walk("/hello/y"), { kind: "notDirectory" });
});

test("lines appended in one call are judged in order, and the first refusal is thrown", async () => {
  await using client = await connect();
  ctl.lines.length = 0;
  await client.append("ctl", "one");
  await assert.rejects(client.append("ctl", "two\nthree\nbad\nfour\n"), { kind: "internal" });
  assert.deepEqual(ctl.lines, ["one", "two", "three"]);
});

test("no line spans two writes", async () => {
  await using client = await connect(hostOf(tree), {}, 4096);
  ctl.lines.length = 0;
  const lines = Array.from({ length: 40 }, (_, at) => `${at} ${"x".repeat(300)}`);
  await client.append("ctl", lines.join("\n"));
  assert.deepEqual(ctl.lines, lines);
});

test("a control opened for both gives its answers back", async () => {
  await using client = await connect();
  await using file = await client.open("ctl", "readWrite");
  await file.append("again");
  assert.match((await file.readAll()).toString(), /\{"ok":"again"\}\n$/);
});

test("following gives what there is and then what comes, and ends its wait when the signal aborts", async () => {
  await using client = await connect();
  const stop = new AbortController();
  log.append("first\n");
  const before = log.aborted;
  const seen: string[] = [];
  const reading = (async () => {
    for await (const bytes of client.follow("log.follow", { signal: stop.signal })) {
      seen.push(Buffer.from(bytes).toString());
      if (seen.length === 1) log.append("second\n");
      if (seen.length === 2) setImmediate(() => stop.abort(new Error("enough")));
    }
  })();
  await assert.rejects(reading, { message: "enough" });
  assert.deepEqual(seen, ["first\n", "second\n"]);
  assert.equal(log.aborted, before + 1);
  assert.equal((await client.readAll("hello")).length, 13);
  assert.equal(log.opened, 0);
});

test("the plain name of a stream ends at its end", async () => {
  await using client = await connect();
  assert.equal((await client.readAll("log")).toString(), "first\nsecond\n");
});

test("a tag is not used again before its Rflush, also when the answer came first", async () => {
  let writes = 0;
  const held = Promise.withResolvers<number>();
  const slow = { ...ctl, open: () => ({ write: () => (writes++ === 0 ? held.promise : 1) }) };
  await using client = await connect(hostOf(dir({ slow })));
  await using file = await client.open("slow", "append");
  const stop = new AbortController();
  const written = file.write(Buffer.from("x"), 0, { signal: stop.signal });
  await client.getattr("/");
  stop.abort();
  held.resolve(1);
  assert.equal(await written, 1, "what was done before the flush reached it is told");
  const later = await Promise.all(Array.from({ length: 200 }, () => file.write(Buffer.from("x"))));
  assert.deepEqual(new Set(later), new Set([1]));
});

test("an offset that is none rejects before anything is sent", async () => {
  await using client = await connect();
  await using file = await client.open("hello");
  for (const offset of [-1, 0.5, Number.NaN, 2 ** 60])
    await assert.rejects(file.read(offset, 1), { code: "ninep.unencodable" });
});

test("more requests than the window has tags wait their turn", async () => {
  await using client = await connect();
  await using file = await client.open("hello");
  const all = await Promise.all(Array.from({ length: 1000 }, (_, at) => file.read(at % 13, 1)));
  assert.equal(Buffer.concat(all.slice(0, 13)).toString(), "hello, world\n");
});

test("when the connection ends every call ends, and later ones too", async () => {
  const [here, there] = memoryWires();
  const connection = serve(there, hostOf(tree));
  const client = await createClient(here);
  await using file = await client.open("log.follow");
  log.append("x");
  const waiting = Promise.all([file.read(1_000_000, 1), file.read(1_000_000, 1)]);
  await client.getattr("hello");
  connection.close();
  await assert.rejects(waiting, { kind: "cut" });
  await assert.rejects(client.getattr("hello"), { kind: "cut" });
  assert.equal(await client.closed, undefined);
});
