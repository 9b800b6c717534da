import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import { type Body, DIALECT, encode, GETATTR, LOCK, memoryWires, NOFID, NOTAG, QT, serve } from "./mod.ts";
import { RawClient, rawClient } from "./raw-client.ts";
import { control, dir, hostOf, text } from "./sample-host.ts";

const EPERM = 1;
const ENOENT = 2;
const EIO = 5;
const EBADF = 9;
const EACCES = 13;
const EISDIR = 21;
const EINVAL = 22;
const ENOTDIR = 20;
const ENAMETOOLONG = 36;
const ENODATA = 61;
const EOPNOTSUPP = 95;
const EDQUOT = 122;

const tree = () => dir({ hello: text("hello"), ctl: control(), sub: dir({ deep: text("deep") }) });

async function talk(options = {}) {
  return await rawClient(hostOf(tree()), options);
}

function attachBody(fid: number): Body<"Tattach"> {
  return { fid, afid: NOFID, uname: "u", aname: "", nUname: 0 };
}

const walkTo = (newfid: number, ...names: string[]): Body<"Twalk"> => ({ fid: 0, newfid, names });

function versionClient() {
  const [here, there] = memoryWires();
  serve(there, hostOf(tree()), { msize: 20_000 });
  return new RawClient(here);
}

for (const [msize, version, answer] of [
  [65_536, DIALECT, { msize: 20_000, version: DIALECT }],
  [4096, DIALECT, { msize: 4096, version: DIALECT }],
  [65_536, "9P2000", { msize: 65_536, version: "unknown" }],
  [65_536, "9P2000.u", { msize: 65_536, version: "unknown" }],
] as const)
  test(`Tversion ${version} with msize ${msize} is answered ${answer.version} with ${answer.msize}`, async () => {
    const raw = versionClient();
    raw.send("Tversion", NOTAG, { msize, version });
    assert.deepEqual(await raw.next(), { type: "Rversion", tag: NOTAG, ...answer });
  });

test("an msize in which nothing fits is an error, and another try may follow", async () => {
  const raw = versionClient();
  raw.send("Tversion", NOTAG, { msize: 4095, version: DIALECT });
  assert.equal((await raw.next())?.type, "Rlerror");
  await raw.attach();
  assert.equal((await raw.ask("Tgetattr", { fid: 0, requestMask: 1 }))?.type, "Rgetattr");
});

test("Tversion forgets every fid", async () => {
  const { raw, connection } = await talk();
  await raw.open(1, "hello");
  raw.send("Tversion", NOTAG, { msize: 8192, version: DIALECT });
  assert.equal((await raw.next())?.type, "Rversion");
  assert.equal(connection.load.fids, 0);
  assert.equal(await raw.errno("Tread", { fid: 1, offset: 0, count: 1 }), EBADF);
});

test("what does not exist by design is EPERM on a fid that does, EBADF on one that does not", async () => {
  const { raw } = await talk();
  await raw.ask("Twalk", walkTo(1, "hello"));
  const name = "x";
  const on = async (fid: number) => [
    await raw.errno("Tlcreate", { fid, name, flags: 0o301, mode: 0o644, gid: 0 }),
    await raw.errno("Tmkdir", { dfid: fid, name, mode: 0o755, gid: 0 }),
    await raw.errno("Tsymlink", { dfid: fid, name, target: "/y", gid: 0 }),
    await raw.errno("Tmknod", { dfid: fid, name, mode: 0, major: 0, minor: 0, gid: 0 }),
    await raw.errno("Trename", { fid, dfid: fid, name }),
    await raw.errno("Trenameat", { olddirfid: fid, oldname: name, newdirfid: fid, newname: "z" }),
    await raw.errno("Tunlinkat", { dirfid: fid, name, flags: 0 }),
    await raw.errno("Tlink", { dfid: fid, fid, name }),
    await raw.errno("Txattrcreate", { fid, name: "user.x", attrSize: 1, flags: 0 }),
  ];
  assert.deepEqual(new Set(await on(0)), new Set([EPERM]));
  assert.deepEqual(new Set(await on(77)), new Set([EBADF]));
  assert.equal(await raw.errno("Tremove", { fid: 1 }), EPERM);
  assert.equal(await raw.errno("Tclunk", { fid: 1 }), EBADF, "Tremove clunks even when it is refused");
});

for (const [what, name, valid, size, expected] of [
  ["truncation to nothing of a control", "ctl", 0x68, 0, 0],
  ["touch of a control", "ctl", 0x1b0, 0, 0],
  ["truncation of a control to a size", "ctl", 0x68, 7, EPERM],
  ["truncation of a text", "hello", 0x68, 0, EPERM],
  ["touch of a text", "hello", 0x70, 0, EPERM],
  ["chmod of a control", "ctl", 0x41, 0, EPERM],
  ["chown of a control", "ctl", 0x46, 0, EPERM],
] as const)
  test(`Tsetattr: ${what} gives errno ${expected}`, async () => {
    const { raw } = await talk();
    await raw.ask("Twalk", walkTo(1, name));
    const times = { atimeSec: 0, atimeNsec: 0, mtimeSec: 0, mtimeNsec: 0 };
    assert.equal(
      await raw.errno("Tsetattr", { fid: 1, valid, mode: 0o777, uid: 0, gid: 0, size, ...times }),
      expected,
    );
  });

test("a walk stops at the first step that fails, and only then is newfid not made", async () => {
  const { raw, connection } = await talk();
  const partial = await raw.ask("Twalk", walkTo(1, "sub", "none", "x"));
  assert.equal(partial?.type === "Rwalk" && partial.qids.length, 1);
  assert.equal(connection.load.fids, 1);
  assert.equal(await raw.errno("Twalk", walkTo(1, "none")), ENOENT);
  assert.equal(await raw.errno("Twalk", walkTo(1, "hello", "x")), 0);
  assert.equal(await raw.errno("Twalk", walkTo(1, "sub", "deep")), 0);
  assert.equal(await raw.errno("Twalk", { fid: 1, newfid: 2, names: ["x"] }), ENOTDIR);
  assert.equal(await raw.errno("Twalk", walkTo(1, "hello")), EBADF, "a fid in use is not made again");
  assert.equal(await raw.errno("Twalk", walkTo(2, "n".repeat(256))), ENAMETOOLONG);
  for (const name of ["", "."]) assert.equal(await raw.errno("Twalk", walkTo(2, name)), ENOENT);
});

test("two dots lead back as far as the root and no farther", async () => {
  const { raw } = await talk();
  const root = await raw.ask("Twalk", walkTo(1, ".."));
  const back = await raw.ask("Twalk", walkTo(2, "sub", "..", "..", "sub", "deep"));
  assert.ok(root?.type === "Rwalk" && back?.type === "Rwalk");
  assert.deepEqual(back.qids[1], root.qids[0]);
  assert.deepEqual(back.qids[2], root.qids[0]);
  assert.deepEqual(back.qids[3], back.qids[0]);
});

test("a fid moves when newfid is itself", async () => {
  const { raw } = await talk();
  await raw.ask("Twalk", walkTo(1));
  await raw.ask("Twalk", { fid: 1, newfid: 1, names: ["sub", "deep"] });
  await raw.ask("Tlopen", { fid: 1, flags: 0 });
  const read = await raw.ask("Tread", { fid: 1, offset: 1, count: 2 });
  assert.equal(read?.type === "Rread" && Buffer.from(read.data).toString(), "ee");
  assert.equal(
    await raw.errno("Twalk", { fid: 1, newfid: 1, names: [] }),
    EBADF,
    "an open fid does not move",
  );
});

test("opening says what cannot be: twice, a directory for writing, a file as a directory", async () => {
  const { raw } = await talk();
  await raw.ask("Twalk", walkTo(1, "hello"));
  await raw.ask("Twalk", walkTo(2, "sub"));
  assert.equal(await raw.errno("Tread", { fid: 1, offset: 0, count: 1 }), EBADF);
  assert.equal(await raw.errno("Tlopen", { fid: 1, flags: 0o200000 }), ENOTDIR);
  assert.equal(await raw.errno("Tlopen", { fid: 2, flags: 1 }), EISDIR);
  assert.equal(await raw.errno("Tlopen", { fid: 1, flags: 0o1 }), EPERM);
  assert.equal(await raw.errno("Tlopen", { fid: 1, flags: 0xff00_0000 + 0o100000 }), 0);
  assert.equal(await raw.errno("Tlopen", { fid: 1, flags: 0 }), EBADF);
  assert.equal(await raw.errno("Twrite", { fid: 1, offset: 0, data: Buffer.from("x") }), EBADF);
  assert.equal(await raw.errno("Treaddir", { fid: 1, offset: 0, count: 100 }), ENOTDIR);
  assert.equal(await raw.errno("Tlopen", { fid: 2, flags: 0o304000 }), 0);
  assert.equal(await raw.errno("Tread", { fid: 2, offset: 0, count: 1 }), EISDIR);
});

test("a read far beyond the end is empty, whatever the offset", async () => {
  const { raw } = await talk();
  await raw.open(1, "hello");
  for (const offset of [5, 2 ** 40, (1n << 63n) - 1n, (1n << 64n) - 1n]) {
    const read = await raw.ask("Tread", { fid: 1, offset, count: 0xffff_ffff });
    assert.equal(read?.type === "Rread" && read.data.length, 0);
  }
});

test("getattr answers the bits asked for, or clears those that the host does not know", async () => {
  const { raw } = await talk();
  const attr = await raw.ask("Tgetattr", { fid: 0, requestMask: (1n << 63n) | 0x3fffn });
  assert.ok(attr?.type === "Rgetattr");
  const known = GETATTR.basic & ~(GETATTR.atime | GETATTR.ctime);
  assert.equal(attr.valid, known);
  assert.equal(attr.mode, 0o40500);
  assert.deepEqual([attr.mtimeSec, attr.mtimeNsec, attr.nlink], [1_700_000_000, 123_000_000, 1]);
  await raw.ask("Twalk", walkTo(1, "hello"));
  const file = await raw.ask("Tgetattr", { fid: 1, requestMask: 0x200 });
  assert.ok(file?.type === "Rgetattr");
  assert.deepEqual([file.valid, file.mode, file.size, file.blocks], [0x200, 0o100400, 5, 1]);
});

test("what is left is answered as a file system without attributes, links and locks answers it", async () => {
  const { raw } = await talk();
  await raw.open(1, "hello");
  assert.equal(await raw.errno("Txattrwalk", { fid: 1, newfid: 2, name: "security.capability" }), ENODATA);
  assert.deepEqual(await raw.ask("Txattrwalk", { fid: 1, newfid: 2, name: "" }), {
    type: "Rxattrwalk",
    tag: 1,
    size: 0,
  });
  const names = await raw.ask("Tread", { fid: 2, offset: 0, count: 100 });
  assert.equal(names?.type === "Rread" && names.data.length, 0);
  assert.equal(await raw.errno("Tclunk", { fid: 2 }), 0);
  assert.equal(await raw.errno("Treadlink", { fid: 1 }), EINVAL);
  assert.equal(await raw.errno("Tauth", { afid: 9, uname: "", aname: "", nUname: 0 }), ENOENT);
  assert.equal(await raw.errno("Tattach", { ...attachBody(9), afid: 3 }), ENOENT);
  assert.equal(await raw.errno("Tfsync", { fid: 1, datasync: 1 }), 0);
  const range = { start: 0, length: 0, procId: 1, clientId: "c" };
  const lock = async (lockType: number) => {
    const answer = await raw.ask("Tlock", { fid: 1, lockType, flags: 0, ...range });
    return answer?.type === "Rlock" ? answer.status : undefined;
  };
  assert.equal(await lock(LOCK.write), LOCK.error);
  assert.equal(await lock(LOCK.unlock), LOCK.success);
  const held = await raw.ask("Tgetlock", { fid: 1, lockType: LOCK.write, ...range });
  assert.equal(held?.type === "Rgetlock" && held.lockType, LOCK.unlock);
  const statfs = await raw.ask("Tstatfs", { fid: 0 });
  assert.equal(statfs?.type === "Rstatfs" && statfs.fstype, 0x01021997);
  assert.equal(statfs?.type === "Rstatfs" && statfs.namelen, 255);
});

test("an unknown request is EOPNOTSUPP, and the connection lives", async () => {
  const { raw } = await talk();
  const topen = encode({ type: "Tclunk", tag: 5, fid: 0 });
  topen[4] = 112;
  raw.wire.write(topen);
  assert.deepEqual(await raw.next(), { type: "Rlerror", tag: 5, ecode: EOPNOTSUPP });
  assert.equal(await raw.errno("Tclunk", { fid: 0 }), 0);
});

test("the fid table has its limit, and clunking makes room", async () => {
  const { raw } = await talk({ fids: 3 });
  assert.equal(await raw.errno("Twalk", walkTo(1)), 0);
  assert.equal(await raw.errno("Twalk", walkTo(2)), 0);
  assert.equal(await raw.errno("Twalk", walkTo(3)), EDQUOT);
  assert.equal(await raw.errno("Tclunk", { fid: 1 }), 0);
  assert.equal(await raw.errno("Twalk", walkTo(3, "none")), ENOENT);
  assert.equal(await raw.errno("Twalk", walkTo(3, "hello")), 0);
});

test("readdir fills the count with whole entries, and says EINVAL when not even one fits", async () => {
  const { raw } = await talk();
  await raw.open(1, "/");
  const page = async (offset: number, count: number) => {
    const answer = await raw.ask("Treaddir", { fid: 1, offset, count });
    return answer?.type === "Rreaddir" ? answer.entries : answer?.type;
  };
  const all = await page(0, 1000);
  assert.ok(Array.isArray(all));
  assert.deepEqual(
    all.map(({ name, type }) => [name, type]),
    [
      ["hello", 8],
      ["ctl", 8],
      ["sub", 4],
    ],
  );
  assert.deepEqual(await page(0, 29 + 26), all.slice(0, 1));
  assert.deepEqual(await page(0, 29 + 27), all.slice(0, 2));
  assert.deepEqual(await page(Number(all[1]?.offset), 1000), all.slice(2));
  assert.deepEqual(await page(Number(all[2]?.offset), 1000), []);
  assert.equal(await page(0, 28), "Rlerror");
  assert.equal(await raw.errno("Treaddir", { fid: 1, offset: 1n << 60n, count: 1000 }), EINVAL);
});

test("what the host did not mean to throw is EIO, and is reported with its cause", async () => {
  const seen: Fault[] = [];
  const broken = {
    ...text("x"),
    getattr: () => {
      throw new TypeError("secret");
    },
    open: () => Promise.resolve({ read: async () => Buffer.alloc(11), write: async () => 11 }),
  };
  const { raw } = await rawClient(hostOf(dir({ broken })), { report: (fault) => seen.push(fault) });
  await raw.open(1, "broken", 2);
  assert.equal(await raw.errno("Tgetattr", { fid: 1, requestMask: 1 }), EIO);
  assert.equal(await raw.errno("Tread", { fid: 1, offset: 0, count: 10 }), EIO);
  assert.equal(await raw.errno("Twrite", { fid: 1, offset: 0, data: Buffer.alloc(10) }), EIO);
  assert.equal((seen[0]?.cause as Error | undefined)?.message, "secret");
  assert.deepEqual(
    seen.slice(1).map(({ code }) => code),
    ["ninep.hostBroke", "ninep.hostBroke"],
  );
});

test("the root closes once, after its last fid or with the connection", async () => {
  let closed = 0;
  const host = hostOf(tree(), { close: () => closed++ });
  const { raw, connection } = await rawClient(host);
  await raw.ask("Tattach", attachBody(5));
  await raw.ask("Twalk", { fid: 5, newfid: 6, names: ["hello"] });
  await raw.ask("Tclunk", { fid: 5 });
  assert.equal(closed, 0);
  await raw.ask("Tclunk", { fid: 6 });
  assert.equal(closed, 1);
  connection.close();
  await connection.closed;
  assert.equal(closed, 2);
});

test("when the session behind an attach ends its fids answer EACCES, and others go on", async () => {
  const ending = new AbortController();
  let attaches = 0;
  let closed = 0;
  const file = tree();
  const handle = { read: () => new Promise<Uint8Array>(() => undefined), close: () => void closed++ };
  file.entries.stuck = { ...text(""), open: () => handle };
  const host = { attach: () => ({ file, ...(attaches++ === 0 && { ended: ending.signal }) }) };
  const { raw } = await rawClient(host);
  await raw.ask("Tattach", attachBody(5));
  await raw.open(1, "stuck");
  raw.send("Tread", 9, { fid: 1, offset: 0, count: 1 });
  ending.abort();
  assert.deepEqual(await raw.next(), { type: "Rlerror", tag: 9, ecode: EACCES });
  assert.equal(closed, 1);
  assert.equal(await raw.errno("Tgetattr", { fid: 0, requestMask: 1 }), EACCES);
  assert.equal(await raw.errno("Tclunk", { fid: 1 }), 0);
  assert.equal(await raw.errno("Tgetattr", { fid: 5, requestMask: 1 }), 0);
});

test("a refusal of the host is the errno of its kind", async () => {
  const host = {
    attach: () => Promise.reject(new Fault("unauthenticated", "session.ticket", "Cannot attach: no ticket")),
  };
  const { raw, connection } = await rawClient(host);
  assert.equal(await raw.errno("Tattach", attachBody(3)), EACCES);
  assert.equal(connection.load.fids, 0);
});

test("qids come as the host has them at the moment", async () => {
  const file = tree();
  const grows = { ...text("x"), qid: { type: QT.append, version: 1, path: 99 } };
  file.entries.grows = grows;
  const { raw } = await rawClient(hostOf(file));
  await raw.ask("Twalk", walkTo(1, "grows"));
  grows.qid = { ...grows.qid, version: 2 };
  const attr = await raw.ask("Tgetattr", { fid: 1, requestMask: 1 });
  assert.deepEqual(attr?.type === "Rgetattr" && attr.qid, { type: QT.append, version: 2, path: 99 });
});
