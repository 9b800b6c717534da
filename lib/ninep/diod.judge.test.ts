// The clients of diod, which we did not write, against this server over TCP.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { fault } from "./faults.ts";
import { type AttachRequest, type Connection, type HostFile, serve, wireFromSocket } from "./mod.ts";
import { dir, Stream, text } from "./sample-host.ts";

const bin = "/usr/sbin/";
const skip = existsSync(`${bin}diodls`) ? false : "diod's clients are not installed (apt-get install diod)";
const run = promisify(execFile);
const large = Buffer.from(Array.from({ length: 100_000 }, (_, at) => `line ${at}\n`).join(""));
const log = new Stream();
log.append("one\ntwo\n");
const names = Array.from({ length: 3000 }, (_, at) => `entry-${at}`);

let swallowed = 0;
const zero: HostFile = { ...text(""), open: () => ({ read: (_, count) => Buffer.alloc(count) }) };
const nowhere: HostFile = {
  ...text(""),
  ignoresTruncate: true,
  open: () => ({
    write(_, data) {
      swallowed += data.length;
      return data.length;
    },
  }),
};
const tree = dir({
  hello: text("hello, world\n"),
  sub: dir({ large: text(large) }),
  log: log.plain,
  many: dir(Object.fromEntries(names.map((name) => [name, text(name)]))),
  zero,
  null: nowhere,
});
const attached: AttachRequest[] = [];
const connections: Connection[] = [];
let server: Server;

/** Runs one of diod's programs and gives what it printed. */
async function diod(program: string, ...args: string[]): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const { stdout } = await run(bin + program, ["-s", `127.0.0.1:${port}`, ...args], {
    timeout: 30_000,
    maxBuffer: 1 << 24,
  });
  return stdout;
}

before(async () => {
  if (skip) return;
  server = createServer((socket) => {
    const attach = (request: AttachRequest) => {
      attached.push(request);
      if (request.aname === "nobody") throw fault.ended();
      return { file: tree };
    };
    connections.push(serve(wireFromSocket(socket), { attach }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

after(() => {
  server?.close();
  for (const connection of connections) connection.close();
});

test("diodls lists the tree, and its aname arrives", { skip }, async () => {
  assert.equal(await diod("diodls", "-a", "ticket:/", "/"), "hello\nsub\nlog\nmany\nzero\nnull\n");
  assert.equal(attached.at(-1)?.aname, "ticket:/");
});

test("diodls -l shows modes, sizes and kinds", { skip }, async () => {
  const listing = await diod("diodls", "-a", "t", "-l", "/");
  assert.match(listing, /^-r--------\. +1 root +root +13 .* hello$/m);
  assert.match(listing, /^dr-x------\. +1 root +root +0 .* sub$/m);
});

test("diodls lists three thousand entries through a small msize", { skip }, async () => {
  assert.equal(await diod("diodls", "-a", "t", "-m", "4096", "/many"), `${names.join("\n")}\n`);
});

test("diodcat reads a file larger than many messages, byte for byte", { skip }, async () => {
  assert.equal(await diod("diodcat", "-a", "t", "sub/large"), large.toString());
  assert.equal(await diod("diodcat", "-a", "t", "-m", "4096", "hello", "log"), "hello, world\none\ntwo\n");
});

test("diodcat and diodls say what is missing, and what is refused", { skip }, async () => {
  await assert.rejects(diod("diodcat", "-a", "t", "none"), /No such file or directory/);
  await assert.rejects(diod("diodls", "-a", "t", "/none"), /No such file or directory/);
  await assert.rejects(diod("diodls", "-a", "nobody", "/"), /Permission denied/);
});

test("diodload's threads read and write for a second without a failure", { skip }, async () => {
  await diod("diodload", "-r", "1", "-n", "8", "-m", "65536");
  assert.ok(swallowed > 0);
  await diod("diodload", "-r", "1", "-n", "8", "-g");
});

test("no connection of diod's clients was ended for a malformed frame", { skip }, async () => {
  for (const connection of connections) assert.equal(await connection.closed, undefined);
});
