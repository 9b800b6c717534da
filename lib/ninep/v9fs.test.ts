// Plays the sequences that Linux 6.1 was seen to send, one system call at a time.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  type Body,
  DIALECT,
  memoryWires,
  type Message,
  NOFID,
  NONUNAME,
  NOTAG,
  type RequestName,
  serve,
} from "./mod.ts";
import { RawClient } from "./raw-client.ts";
import { control as appendOnly, dir, hostOf, text } from "./sample-host.ts";

const MSIZE = 65_536;
const ROOT = 0;
const FILE = 1;
const OPENED = 2;
const NAME = "name";
const ENOENT = 2;
const EPERM = 1;
const ENODATA = 61;

const times = { atimeSec: 0, atimeNsec: 0, mtimeSec: 0, mtimeNsec: 0 };
const owner = { mode: 0o600, uid: 0, gid: 0 };

type Play = (linux: Linux, step: string) => Promise<Message | undefined>;

/** The fids of a client that makes one system call. */
class Linux {
  readonly raw: RawClient;
  walked = false;
  opened = false;

  constructor(raw: RawClient) {
    this.raw = raw;
  }

  /** Where the next request goes that names no place. */
  get fid(): number {
    if (this.opened) return OPENED;
    return this.walked ? FILE : ROOT;
  }

  ask<N extends RequestName>(type: N, body: Body<N>): Promise<Message | undefined> {
    return this.raw.ask(type, body);
  }

  version() {
    this.raw.send("Tversion", NOTAG, { msize: MSIZE, version: DIALECT });
    return this.raw.next();
  }

  walk() {
    this.walked = true;
    return this.ask("Twalk", { fid: ROOT, newfid: FILE, names: [NAME] });
  }

  open(flags: number) {
    this.opened = true;
    return this.ask("Tlopen", { fid: OPENED, flags });
  }

  clunk() {
    const { fid } = this;
    if (this.opened) this.opened = false;
    else this.walked = false;
    return this.ask("Tclunk", { fid });
  }
}

function numberIn(step: string, key: string): number {
  const found = new RegExp(`${key}=(0x[0-9a-f]+|[0-9]+)`).exec(step)?.[1] ?? "0";
  return key === "flags" ? Number.parseInt(found, 8) : Number(found);
}

const setattr = (step: string): Body<"Tsetattr"> => ({
  ...{ fid: FILE, valid: numberIn(step, "valid"), size: numberIn(step, "size") },
  ...owner,
  ...times,
});
const attach = { fid: ROOT, afid: NOFID, uname: "root", aname: "", nUname: NONUNAME };
const missing: Body<"Twalk"> = { fid: ROOT, newfid: 9, names: ["none"] };
const readOf = (step: string): Body<"Tread"> => ({
  ...{ fid: OPENED, offset: numberIn(step, "off"), count: numberIn(step, "cnt") },
});
const readdirAt = (offset: number): Body<"Treaddir"> => ({ fid: OPENED, offset, count: MSIZE - 24 });
const createOf = (step: string): Body<"Tlcreate"> => ({
  ...{ fid: ROOT, name: "new", flags: numberIn(step, "flags"), mode: 0o644, gid: 0 },
});
const rename = { olddirfid: ROOT, oldname: NAME, newdirfid: OPENED, newname: "new" };

/** What is sent for a step of the vectors, by its first words. */
const plays: [RegExp, Play][] = [
  [/^Tversion/, (linux) => linux.version()],
  [/^Tattach/, (linux) => linux.ask("Tattach", attach)],
  [
    /^Tgetattr/,
    (linux, step) => linux.ask("Tgetattr", { fid: linux.fid, requestMask: numberIn(step, "mask") || 0x17ff }),
  ],
  [/^Twalk \[\]/, (linux) => linux.ask("Twalk", { fid: linux.fid, newfid: OPENED, names: [] })],
  [/^Twalk .*ENOENT/, (linux) => linux.ask("Twalk", missing)],
  [/^Twalk/, (linux) => linux.walk()],
  [/^Tlopen/, (linux, step) => linux.open(numberIn(step, "flags"))],
  [/^Tread off/, (linux, step) => linux.ask("Tread", readOf(step))],
  [/^Twrite/, (linux) => linux.ask("Twrite", { fid: OPENED, offset: 64, data: Buffer.from("x\n") })],
  [
    /^Txattrwalk/,
    (linux) => linux.ask("Txattrwalk", { fid: OPENED, newfid: 9, name: "security.capability" }),
  ],
  [/^Tsetattr/, (linux, step) => linux.ask("Tsetattr", setattr(step))],
  [/^Tfsync/, (linux) => linux.ask("Tfsync", { fid: OPENED, datasync: 0 })],
  [/^Treaddir off=0/, (linux) => linux.ask("Treaddir", readdirAt(0))],
  [/^Treaddir off=</, (linux) => linux.ask("Treaddir", readdirAt(2))],
  [/^Tlcreate/, (linux, step) => linux.ask("Tlcreate", createOf(step))],
  [/^Tmkdir/, (linux) => linux.ask("Tmkdir", { dfid: ROOT, name: "new", mode: 0o755, gid: 0 })],
  [/^Tunlinkat/, (linux) => linux.ask("Tunlinkat", { dirfid: ROOT, name: NAME, flags: 0 })],
  [/^Trenameat/, (linux) => linux.ask("Trenameat", rename)],
  [/^Tclunk/, (linux) => linux.clunk()],
];

/** The errno that a step must get; nothing where it must succeed. */
const refusals: [RegExp, number][] = [
  [/-> (Rlerror )?ENOENT/, ENOENT],
  [/ENODATA/, ENODATA],
  [/^Tlcreate|^Tmkdir|^Tunlinkat|^Trenameat|valid=0x41/, EPERM],
];

async function connect(control: boolean): Promise<Linux> {
  const [here, there] = memoryWires();
  const tree = { name: control ? appendOnly() : text("x".repeat(64)), other: text("y") };
  serve(there, hostOf(dir(tree)));
  return new Linux(new RawClient(here));
}

async function play(name: string, steps: readonly string[]): Promise<void> {
  const before = openFirst[name] ?? [];
  const linux = await connect(/echo|write|fsync/.test(name));
  if (name !== "mount") await linux.raw.attach(MSIZE);
  for (const step of [...before, ...steps]) {
    const found = plays.find(([pattern]) => pattern.test(step));
    assert.ok(found, `no play for ${step}`);
    const answer = await found[1](linux, step);
    const errno = refusals.find(([pattern]) => pattern.test(step))?.[1] ?? 0;
    assert.equal(answer?.type === "Rlerror" ? answer.ecode : 0, errno, `${name}: ${step}`);
    const bytes = /-> ([0-9]+) bytes/.exec(step)?.[1];
    if (bytes !== undefined)
      assert.equal(answer?.type === "Rread" && answer.data.length, Number(bytes), step);
    if (errno === EPERM) return;
  }
}

/** What has to be open before the first step, by the name of the sequence. */
const openFirst: Record<string, readonly string[]> = {
  "pread on an open fd": ["Twalk [name]", "Twalk [] (clone)", "Tlopen flags=0100000"],
  "write on an O_APPEND fd": ["Twalk [name]", "Twalk [] (clone)", "Tlopen flags=0102001"],
  fsync: ["Twalk [name]", "Twalk [] (clone)", "Tlopen flags=0100002"],
};

/** The ones that no clone may miss; the vectors have all. */
const kept: Record<string, readonly string[]> = {
  mount: [
    "Tversion msize=65536 9P2000.L",
    "Tattach",
    "Tgetattr mask=0x7ff (root)",
    "Tgetattr mask=0x3fff (root)",
  ],
  "ls dir": [
    "Twalk [] (clone)",
    "Tlopen flags=0304000",
    "Tgetattr mask=0x3fff",
    "Treaddir off=0",
    "Treaddir off=<last>",
    "Tclunk",
  ],
  "stat missing": ["Twalk [name] -> Rlerror ENOENT"],
  "open+read(4096)+close of a 64-byte file": [
    "Twalk [name]",
    "Tgetattr mask=0x17ff",
    "Twalk [] (clone)",
    "Tlopen flags=0100000",
    "Tread off=0 cnt=4096 -> 64 bytes",
    "Tread off=64 cnt=4032 -> 0 bytes",
    "Tclunk",
    "Tclunk",
  ],
  "echo x > existing (O_WRONLY|O_CREAT|O_TRUNC)": [
    "Twalk [name]",
    "Tgetattr mask=0x17ff",
    "Twalk [] (clone)",
    "Tlopen flags=0100101",
    "Txattrwalk name=security.capability -> ENODATA",
    "Tsetattr valid=0x68 size=0",
    "Twrite off=0 cnt=n",
    "Tclunk",
    "Tclunk",
  ],
  unlink: ["Twalk [name]", "Tgetattr mask=0x17ff", "Tunlinkat"],
  chmod: ["Twalk [name]", "Tgetattr mask=0x17ff", "Tsetattr valid=0x41 (MODE|CTIME)"],
};

for (const [name, steps] of Object.entries(kept))
  test(`Linux is answered as it needs: ${name}`, () => play(name, steps));

const vectors = new URL("../../../shared/vectors/9p/v9fs-6.1-message-sequences.json", import.meta.url);
const skip = existsSync(vectors) ? false : "the vectors folder is not beside this clone";
test("every sequence of the vectors is answered as Linux needs it", { skip }, async () => {
  const { sequences } = JSON.parse(readFileSync(vectors, "utf8")) as { sequences: Record<string, string[]> };
  assert.ok(Object.keys(sequences).length >= 13);
  for (const [name, steps] of Object.entries(sequences)) await play(name, steps);
});
