import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "@skep/clock";
import { Fault } from "@skep/fault";
import type { Context } from "./command.ts";
import { command } from "./command.ts";
import { createFakeIo, type FakeIoOptions } from "./fake-io.ts";
import { program } from "./program.ts";
import { runProgram } from "./run.ts";
import { sample } from "./sample.ts";

const hostile = "a\x1b[2Jb\u202ec\nd\x9b";

type Run = (context: Context) => Promise<number | undefined> | number | undefined;

async function running(run: Run, options: FakeIoOptions & { flags?: string[]; drain?: true } = {}) {
  const table = program({
    name: "skep",
    version: "1",
    summary: "Test",
    examples: [],
    groups: [{ key: "g", title: "G" }],
    commands: [
      command({
        name: "do",
        group: "g",
        summary: "Do it",
        examples: [{ run: "skep do", doc: "It" }],
        onSignal: options.drain ? "drain" : "exit",
        run: async (context) => (await run(context)) ?? 0,
      }),
    ],
    completers: {},
  });
  const io = createFakeIo(["do", ...(options.flags ?? [])], options);
  return { io, code: runProgram(table, io) };
}

async function ended(run: Run, options: Parameters<typeof running>[1] = {}) {
  const { io, code } = await running(run, options);
  return { code: await code, out: io.out(), err: io.err(), exits: io.exits };
}

test("a command's own exit code is the program's", async () => {
  const io = createFakeIo(["run", "m.wasm"]);
  assert.equal(await runProgram(sample(), io), 7);
});

test("a usage error exits 2 with its cure on stderr and nothing on stdout", async () => {
  const io = createFakeIo(["lss"]);
  assert.equal(await runProgram(sample(), io), 2);
  assert.equal(io.out(), "");
  assert.equal(
    io.err(),
    'skep: Cannot run command: there is none of that name: "lss"\n  Did you mean "skep ls"? See skep help\n',
  );
});

test("a command may have one exit code for all that is not its program's end", async () => {
  assert.equal(await runProgram(sample(), createFakeIo(["run", "--time", "x", "m"])), 125);
});

test("with --json a fault is one line on stdout, and nothing is on stderr", async () => {
  const made = new Fault("conflict", "jobs.ended", 'Cannot cancel: "j1"', { cure: "Read its status" });
  const { code, out, err } = await ended(() => Promise.reject(made), { flags: ["--json"] });
  assert.equal(code, 8);
  assert.equal(err, "");
  assert.deepEqual(JSON.parse(out), {
    error: { kind: "conflict", code: "jobs.ended", message: 'Cannot cancel: "j1"', cure: "Read its status" },
  });
});

test("an internal error shows its cause only with --verbose", async () => {
  const broken = () => Promise.reject(new TypeError("no such thing"));
  const quiet = await ended(broken);
  assert.equal(quiet.code, 1);
  assert.ok(!quiet.err.includes("no such thing"));
  const verbose = await ended(broken, { flags: ["--verbose"] });
  assert.match(verbose.err, /TypeError: no such thing/);
});

test("hostile text is escaped on a terminal and in messages, and raw in a pipe", async () => {
  const say: Run = async ({ out }) => {
    await out.data(`${hostile}\n`);
    await out.line("name ", hostile);
    await out.json({ hostile });
    await out.table([hostile], [{ title: "name", cell: (row) => row }]);
    out.message(hostile);
    out.detail(hostile);
    out.warn(hostile);
    throw new Fault("absent", "x.y", `Cannot find ${JSON.stringify(hostile)}`, { cure: hostile });
  };
  const bad = /[^\x20-\x7e\n]/;
  const terminal = await ended(say, { tty: true, env: { NO_COLOR: "1" }, flags: ["--verbose"] });
  assert.doesNotMatch(terminal.out + terminal.err, bad);
  const piped = await ended(say);
  assert.equal(piped.out.split("name ")[0], `${hostile}\n`);
  assert.doesNotMatch(piped.err, bad);
  const json = piped.out.split("\n").find((line) => line.startsWith("{")) ?? "";
  assert.doesNotMatch(json, bad);
  assert.deepEqual(JSON.parse(json), { hostile });
});

test("a character cut by a chunk's end is whole on a terminal", async () => {
  const { out } = await ended(
    async ({ out }) => {
      const bytes = Buffer.from("ä€😀");
      for (const byte of bytes) await out.data(Uint8Array.of(byte));
      await out.data(Uint8Array.of(0xe2, 0x82));
      return 0;
    },
    { tty: true },
  );
  assert.equal(out, "ä€😀\\xe2\\x82");
});

test("colour is on terminals only, and NO_COLOR, TERM=dumb and --no-color end it", async () => {
  const say: Run = async ({ out }) => {
    await out.line({ tone: "good", text: "yes" });
    return 0;
  };
  assert.equal((await ended(say, { tty: true })).out, "\x1b[32myes\x1b[0m\n");
  for (const options of [
    { tty: false },
    { tty: true, env: { NO_COLOR: "1" } },
    { tty: true, env: { TERM: "dumb" } },
    { tty: true, flags: ["--no-color"] },
  ])
    assert.equal((await ended(say, options)).out, "yes\n");
});

test("--quiet silences messages and warnings but not faults", async () => {
  const { err } = await ended(
    ({ out }) => {
      out.message("m");
      out.warn("w");
      throw new Fault("absent", "x.y", "Cannot find it");
    },
    { flags: ["--quiet"] },
  );
  assert.equal(err, "skep: Cannot find it\n");
});

test("a reader that goes away ends the command with 0 and without a word", async () => {
  const { code, err } = await ended(
    async ({ out, signal }) => {
      while (!signal.aborted) await out.data("line\n");
      throw new Fault("internal", "x", "Aborted");
    },
    { fail: { code: "EPIPE", after: 3 } },
  );
  assert.equal(code, 0);
  assert.equal(err, "");
});

test("a full disk behind stdout is a failure with its reason", async () => {
  const { code, err } = await ended(
    async ({ out }) => {
      await out.data("x");
      return 0;
    },
    { fail: { code: "ENOSPC", after: 0 } },
  );
  assert.equal(code, 1);
  assert.equal(err, 'skep: Cannot write to stdout: "write ENOSPC"\n');
});

const forever: Run = ({ signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

test("Ctrl-C ends a command with 130 and says nothing", async () => {
  const { io, code } = await running(forever);
  io.kill("SIGINT");
  assert.equal(await code, 130);
  assert.equal(io.err(), "");
});

test("SIGTERM ends a command with 143", async () => {
  const { io, code } = await running(forever);
  io.kill("SIGTERM");
  assert.equal(await code, 143);
});

test("SIGHUP is a command's own where it takes it and has no terminal, and ends it everywhere else", async () => {
  let heard = 0;
  const run: Run = async (context) => {
    context.onHangup(() => {
      heard += 1;
    });
    return forever(context);
  };
  const daemon = await running(run);
  daemon.io.kill("SIGHUP");
  daemon.io.kill("SIGHUP");
  assert.equal(heard, 2);
  daemon.io.kill("SIGTERM");
  assert.equal(await daemon.code, 143);
  const typed = await running(run, { tty: true });
  typed.io.kill("SIGHUP");
  assert.deepEqual([await typed.code, heard], [129, 2]);
});

test("the second Ctrl-C skips clean-up, unless it is the echo of the first", async () => {
  let now = 0;
  const clock: Clock = { now: () => now, monotonic: () => now, after: () => ({ stop: () => {} }) };
  const { io } = await running(() => new Promise(() => {}), { clock });
  io.kill("SIGINT");
  now = 100;
  io.kill("SIGINT");
  assert.deepEqual(io.exits, []);
  now = 600;
  io.kill("SIGINT");
  assert.deepEqual(io.exits, [130]);
});

test("clean-up that hangs is cut off after its limit", async () => {
  const asked: number[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after: (ms, act) => {
      asked.push(ms);
      act();
      return { stop: () => {} };
    },
  };
  const { io, code } = await running(() => new Promise(() => {}), { clock });
  io.kill("SIGINT");
  assert.equal(await code, 130);
  assert.deepEqual(asked, [3000]);
});

test("a daemon ends in its own time, with its own code, and outlives its reader", async () => {
  const { io, code } = await running(
    async ({ out, signal }) => {
      await out.data("ready\n");
      await out.data("lost\n");
      assert.equal(signal.aborted, false);
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve, { once: true });
        queueMicrotask(() => io.kill("SIGTERM"));
      });
      return 0;
    },
    { drain: true, fail: { code: "EPIPE", after: 1 } },
  );
  assert.equal(await code, 0);
  assert.equal(io.out(), "ready\n");
});
