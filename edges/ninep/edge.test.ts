import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Fault } from "@skep/fault";
import { type Authority, fullAuthority, type Kernel, kernelEvent, type Session } from "@skep/kernel";
import { type Client, createClient, wireFromSocket } from "@skep/ninep";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";
import { createNinepEdge, type Credential, type NinepDoor } from "./mod.ts";

const rights = { "/comb/hum": ["read"], "/comb/bees": ["read"] };

function doorTo(kernel: Kernel, sessions: Session[]): NinepDoor {
  const authorities: Readonly<Record<string, () => Authority>> = {
    whole: () => fullAuthority("owner"),
    narrow: () => toyAuthority("ann", rights),
    expiring: () => ({ ...fullAuthority("owner"), expiresAt: kernel.time.now() + 60_000 }),
  };
  const attach = async (credential: Credential, edge: string): Promise<Session> => {
    const authority = authorities[credential.kind === "ticket" ? credential.token : "whole"];
    if (!authority) throw new Fault("unauthenticated", "toy.ticket", "Cannot read this ticket");
    const session = kernel.attach(authority(), edge);
    sessions.push(session);
    return session;
  };
  return { attach };
}

async function hive(t: TestContext) {
  const clock = simulatedClock();
  const kernel = await toyHive({ files: recordingFiles(), clock });
  const sessions: Session[] = [];
  const counts = { attachesFailed: 0, badFrames: 0 };
  const edge = createNinepEdge(doorTo(kernel, sessions), { uid: process.getuid?.() ?? 0, clock, counts });
  const { port } = await edge.listenTcp({ host: "127.0.0.1", port: 0 });
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await edge.close();
    await kernel.close();
  });
  const dial = (to: { port: number } | { path: string }): Socket => {
    const socket = connect("port" in to ? { port: to.port, host: "127.0.0.1" } : to);
    sockets.push(socket);
    return socket;
  };
  const client = (aname: string, nUname?: number): Promise<Client> =>
    createClient(wireFromSocket(dial({ port })), { aname, ...(nUname !== undefined && { nUname }) });
  return { clock, kernel, edge, sessions, counts, port, dial, client };
}

const names = async (client: Client, path: string): Promise<string[]> =>
  (await client.readdir(path)).map(({ name }) => name);
const text = async (client: Client, path: string): Promise<string> => (await client.readAll(path)).toString();
const errno = (name: string) => (thrown: unknown) => {
  assert.ok(thrown instanceof Fault);
  assert.equal(thrown.row.errnoName, name, thrown.message);
  return true;
};

test("a ticket's tree is walked, listed and read, and files tell what they are", async (t) => {
  const { client } = await hive(t);
  const owner = await client("whole", 1234);
  assert.deepEqual(await names(owner, "/"), ["comb"]);
  const below = ["ctl", "count", "motto", "hum", "told"];
  assert.deepEqual(await names(owner, "/comb"), [...below, "bees", "cells"]);
  assert.equal(await text(owner, "/comb/count"), "0\n");
  const mode = async (path: string) => (await owner.getattr(path)).mode.toString(8);
  assert.equal(await mode("/comb"), "40500");
  assert.equal(await mode("/comb/count"), "100400");
  assert.equal(await mode("/comb/ctl"), "100600");
  assert.equal(await mode("/comb/hum.follow"), "100400");
  const { uid, gid, size, qid } = await owner.getattr("/comb/count");
  assert.deepEqual([uid, gid, size, qid.type], [1234, 1234, 2, 0]);
  assert.equal((await owner.getattr("/comb/ctl")).qid.type, 0x40);
  const listed = (await owner.readdir("/comb")).find(({ name }) => name === "count");
  assert.equal(listed?.qid.path, qid.path);
});

test("files belong to the daemon's user where the client names none", async (t) => {
  const { client } = await hive(t);
  assert.equal((await (await client("whole")).getattr("/comb")).uid, process.getuid?.());
});

test("a command is acknowledged when it is durable, and its answer is read back", async (t) => {
  const { client, kernel } = await hive(t);
  const owner = await client("whole");
  const before = (await owner.getattr("/comb/count")).qid.version;
  await using ctl = await owner.open("/comb/ctl", "readWrite");
  await ctl.append('{"op":"hatch","bee":"maja"}\n{"op":"hatch","bee":"willi"}\n');
  assert.equal(kernel.journal.durable, kernel.journal.next);
  const answers = (await ctl.readAll())
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    answers.map(({ verdict, result }) => [verdict, result]),
    [
      ["ok", { bee: "maja" }],
      ["ok", { bee: "willi" }],
    ],
  );
  assert.equal(await text(owner, "/comb/count"), "2\n");
  assert.deepEqual(await names(owner, "/comb/bees"), ["maja", "willi"]);
  assert.equal(await text(owner, "/comb/bees/maja/status"), "maja is busy\n");
  assert.ok((await owner.getattr("/comb/count")).qid.version > before);
});

test("lines before a refused one are kept, and the refusal is the next write's", async (t) => {
  const { client } = await hive(t);
  const owner = await client("whole");
  await using ctl = await owner.open("/comb/ctl", "readWrite");
  const [first, again] = ['{"op":"hatch","bee":"maja"}\n', '{"op":"hatch","bee":"maja"}\n'];
  assert.equal(await ctl.write(Buffer.from(first + again)), first.length);
  await assert.rejects(ctl.write(Buffer.from(again)), errno("EEXIST"));
  await assert.rejects(ctl.write(Buffer.from('{"op":"retire","bee":"nobody"}')), errno("ENOENT"));
  await assert.rejects(ctl.write(Buffer.from("not json\n")), errno("EINVAL"));
  const last = (await ctl.readAll()).toString().trimEnd().split("\n").at(-1) ?? "";
  assert.equal(JSON.parse(last).code, "gate.json");
});

test("a line that the client cut at its message size is left for the next write", async (t) => {
  const { client } = await hive(t);
  const owner = await client("whole");
  await using ctl = await owner.open("/comb/ctl", "write");
  const whole = '{"op":"hatch","bee":"maja"}\n';
  assert.equal(await ctl.write(Buffer.from(`${whole}{"op":"hat`)), whole.length);
  assert.equal(await ctl.write(Buffer.from('{"op":"hatch","bee":"willi"}')), whole.length);
  assert.equal(await text(owner, "/comb/count"), "2\n");
});

test("a value is set by appending and truncation is let pass where writes go to the end", async (t) => {
  const { client } = await hive(t);
  const owner = await client("whole");
  await owner.append("/comb/motto", "all for one\n");
  assert.equal(await text(owner, "/comb/motto"), "all for one");
  const truncate = async (path: string) => {
    await using file = await owner.walk(path);
    const fields = { mode: 0, uid: 0, gid: 0, size: 0, atimeSec: 0, atimeNsec: 0, mtimeSec: 0, mtimeNsec: 0 };
    await owner.request("Tsetattr", { fid: file.fid, valid: 8, ...fields });
  };
  await truncate("/comb/ctl");
  await truncate("/comb/hum");
  await assert.rejects(truncate("/comb/count"), errno("EPERM"));
  await assert.rejects(owner.open("/comb/count", "write"), errno("EPERM"));
  await assert.rejects(owner.open("/comb/told", "append"), errno("EPERM"));
});

test("a follower gets what comes, a flushed read ends, and a plain read ends by itself", async (t) => {
  const { client } = await hive(t);
  const owner = await client("whole");
  await owner.append("/comb/hum", "one\n");
  assert.equal(await text(owner, "/comb/hum"), "one\n");
  const stop = new AbortController();
  const seen = Promise.withResolvers<void>();
  const heard: string[] = [];
  const following = (async () => {
    for await (const bytes of owner.follow("/comb/hum.follow", { signal: stop.signal })) {
      heard.push(Buffer.from(bytes).toString());
      if (heard.length === 2) seen.resolve();
      else await owner.append("/comb/hum", "two\n");
    }
  })();
  await seen.promise;
  stop.abort();
  await assert.rejects(following);
  assert.deepEqual(heard, ["one\n", "two\n"]);
});

test("a reader of a ring that wrapped begins with the oldest byte, and is told what it missed", async (t) => {
  const { client } = await hive(t);
  const owner = await client("whole");
  const line = (at: number) => `line ${String(at).padStart(4, "0")}\n`;
  await using early = await owner.open("/comb/hum");
  await owner.append("/comb/hum", line(0));
  assert.equal((await early.read(0, 100)).length, 10);
  const before = (await owner.getattr("/comb/told")).qid.version;
  for (let at = 1; at < 1000; at += 1) await owner.append("/comb/hum", line(at));
  assert.equal((await early.read(10, 10)).length, 10);
  await early.close();
  const kept = await text(owner, "/comb/hum");
  assert.equal(kept.length, 4096);
  assert.ok(kept.endsWith(line(999)));
  const { size, qid } = await owner.getattr("/comb/hum");
  assert.equal(size, 4096);
  assert.equal(qid.version, 10_000);
  assert.equal(before, 0);
  const told = JSON.parse(await text(owner, "/comb/hum.json"));
  assert.deepEqual(told, { base: 5904, next: 10_000, ended: false, overtaken: { readers: 1, bytes: 5894 } });
});

test("a blob is uploaded to its digest, and listed when it holds", async (t) => {
  const { client } = await hive(t);
  const owner = await client("whole");
  const bytes = Buffer.from("wax".repeat(100_000));
  const digest = createHash("sha256").update(bytes).digest("hex");
  assert.deepEqual(await names(owner, "/comb/cells"), []);
  await using cell = await owner.open(`/comb/cells/${digest}`, "write");
  await cell.writeAll(bytes);
  assert.deepEqual(await names(owner, "/comb/cells"), [digest]);
  assert.equal((await owner.getattr(`/comb/cells/${digest}`)).size, bytes.length);
  assert.ok((await owner.readAll(`/comb/cells/${digest}`)).equals(bytes));
  await assert.rejects(owner.walk("/comb/cells/short"), errno("ENOENT"));
});

test("a narrow ticket sees nothing but its paths, and the rest is absent", async (t) => {
  const { client } = await hive(t);
  const ann = await client("narrow");
  assert.deepEqual(await names(ann, "/comb"), ["hum", "bees"]);
  await assert.rejects(ann.walk("/comb/ctl"), errno("ENOENT"));
  await assert.rejects(ann.walk("/comb/count"), errno("ENOENT"));
  await assert.rejects(ann.open("/comb/hum", "append"), errno("EACCES"));
  assert.equal((await ann.getattr("/comb/hum")).mode.toString(8), "100400");
});

test("without a ticket that holds nothing is attached on TCP", async (t) => {
  const { client, counts, sessions } = await hive(t);
  for (const aname of ["", "/", ":/comb", "/comb"]) await assert.rejects(client(aname), errno("EACCES"));
  await assert.rejects(client("forged"), errno("EACCES"));
  await assert.rejects(client("whole:"), errno("EINVAL"));
  await assert.rejects(client("whole/comb"), errno("EINVAL"));
  assert.equal(counts.attachesFailed, 7);
  assert.equal(sessions.length, 0);
});

test("a subtree becomes the root, one that is absent refuses the attach and ends its session", async (t) => {
  const { client, kernel } = await hive(t);
  const below = await client("narrow:/comb/");
  assert.deepEqual(await names(below, "/"), ["hum", "bees"]);
  assert.deepEqual(await names(below, "/.."), ["hum", "bees"]);
  await assert.rejects(client("narrow:/comb/ctl"), errno("ENOENT"));
  await assert.rejects(client("narrow:/none"), errno("ENOENT"));
  assert.equal(kernel.sessions.size, 1);
});

test("each attach has its own session; revocation ends one, waiting reads included", async (t) => {
  const { client, kernel, sessions } = await hive(t);
  const owner = await client("whole");
  const attach = { afid: 0xffff_ffff, uname: "", nUname: 0xffff_ffff };
  await owner.request("Tattach", { fid: 500, aname: "narrow", ...attach });
  assert.equal(sessions.length, 2);
  await owner.request("Twalk", { fid: 500, newfid: 501, names: ["comb", "hum"] });
  const whole = await client("whole");
  await using follow = await whole.open("/comb/hum.follow");
  const waiting = assert.rejects(follow.read(0, 100), errno("EACCES"));
  kernel.system("kernel", "/", { op: "revoke" }, () => ({
    events: [kernelEvent("revoked@1", { block: "block-ann" })],
  }));
  await kernel.settled();
  assert.deepEqual(
    sessions.map(({ state }) => state),
    ["ACTIVE", "CLOSED", "ACTIVE"],
  );
  await assert.rejects(owner.request("Tgetattr", { fid: 501, requestMask: 0x3fff }), errno("EACCES"));
  await owner.request("Tclunk", { fid: 501 });
  assert.equal(await text(owner, "/comb/count"), "0\n");
  sessions[2]?.close("test");
  await waiting;
});

test("a ticket that expires ends its attach, waiting reads included", async (t) => {
  const { client, clock, kernel, sessions } = await hive(t);
  const expiring = await client("expiring");
  await using follow = await expiring.open("/comb/hum.follow");
  const waiting = assert.rejects(follow.read(0, 100), errno("EACCES"));
  await text(expiring, "/comb/count");
  clock.advance(61_000);
  await waiting;
  assert.equal(sessions[0]?.state, "CLOSED");
  assert.equal(kernel.sessions.size, 0);
});

test("the end of a connection ends its sessions", async (t) => {
  const { client, kernel, sessions } = await hive(t);
  const owner = await client("whole");
  const ended = new Promise((done) => sessions[0]?.onClose(done));
  await owner.close();
  assert.equal(await ended, "connection ended");
  assert.equal(kernel.sessions.size, 0);
});

test("a connection that does not attach in time is ended, one that did stays", async (t) => {
  const { client, clock, dial, port } = await hive(t);
  const owner = await client("whole");
  const idle = dial({ port });
  await new Promise((done) => idle.once("connect", done));
  await text(owner, "/comb/count");
  const gone = new Promise((done) => idle.once("close", done));
  idle.resume();
  clock.advance(10_000);
  await gone;
  assert.equal(await text(owner, "/comb/count"), "0\n");
});

test("a malformed frame ends its connection and is counted", async (t) => {
  const { client, counts, dial, port } = await hive(t);
  const owner = await client("whole");
  const broken = dial({ port });
  broken.write(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  broken.resume();
  await new Promise((done) => broken.once("close", done));
  assert.equal(counts.badFrames, 1);
  assert.equal(await text(owner, "/comb/count"), "0\n");
});

test("the unix socket speaks for the owner, is private, and takes the place of a stale one", async (t) => {
  const { edge, dial } = await hive(t);
  const home = await mkdtemp(join(tmpdir(), "skep-ninep-"));
  t.after(() => rm(home, { recursive: true }));
  const path = join(home, "run", "9p.sock");
  await edge.listenUnix(path);
  assert.equal(((await stat(path)).mode & 0o777).toString(8), "600");
  assert.equal(((await stat(join(home, "run"))).mode & 0o777).toString(8), "700");
  const attach = (aname: string) => createClient(wireFromSocket(dial({ path })), { aname });
  assert.deepEqual(await names(await attach(""), "/"), ["comb"]);
  assert.deepEqual((await names(await attach(":/comb"), "/")).slice(0, 2), ["ctl", "count"]);
  assert.deepEqual((await names(await attach("/comb"), "/")).slice(0, 2), ["ctl", "count"]);
  assert.deepEqual(await names(await attach("narrow:/comb"), "/"), ["hum", "bees"]);
  await assert.rejects(attach("forged"), errno("EACCES"));
});

test("no address that others reach is listened on, no path that is not a socket, no open directory", async (t) => {
  const { edge } = await hive(t);
  const home = await mkdtemp(join(tmpdir(), "skep-ninep-"));
  t.after(() => rm(home, { recursive: true }));
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "example.org"])
    await assert.rejects(edge.listenTcp({ host, port: 0 }), { code: "ninep-edge.wide" });
  await writeFile(join(home, "file"), "");
  await assert.rejects(edge.listenUnix(join(home, "file")), { code: "ninep-edge.notSocket" });
  await assert.rejects(edge.listenUnix(join(tmpdir(), "x.sock")), { code: "ninep-edge.open" });
  await assert.rejects(edge.listenUnix(join(home, "x".repeat(108))), { code: "ninep-edge.long" });
  const other = createServer();
  t.after(() => other.close());
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const taken = other.address();
  assert.ok(typeof taken === "object" && taken);
  await assert.rejects(edge.listenTcp({ host: "127.0.0.1", port: taken.port }), { code: "ninep-edge.taken" });
});
