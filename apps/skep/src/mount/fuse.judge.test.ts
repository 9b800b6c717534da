// The kernel's own FUSE client, coreutils and bash, which we did not write, on a hive that is really mounted here.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createFakeIo, runProgram } from "@skep/edge-cli";
import { realClock } from "../clock.ts";
import { createProgram } from "../commands/table.ts";
import { type Daemon, startDaemon } from "../testing/daemon.ts";
import { findFusermount, mountedIn } from "./place.ts";

const main = fileURLToPath(new URL("../main.mjs", import.meta.url));
const skepWords = ["--disable-warning=ExperimentalWarning", main];
const root = process.getuid?.() === 0;

function deviceLacks(): string | false {
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return false;
  } catch {
    return "no /dev/fuse that this user may open";
  }
}

function lacks(program: string): boolean {
  return spawnSync(program, ["--version"]).error !== undefined;
}

function userLacks(): string | false {
  if (findFusermount(process.env) === undefined) return "no fusermount3: apt install fuse3";
  if (spawnSync("/usr/bin/python3", ["--version"]).error) return "no /usr/bin/python3";
  if (root && lacks("setpriv")) return "no setpriv";
  return deviceLacks();
}

function rootLacks(): string | false {
  if (!root && userLacks()) return userLacks();
  const skip = deviceLacks();
  // A container may have the device and not the right to mount.
  if (skip || !root) return skip;
  const status = readFileSync("/proc/self/status", "utf8");
  const capable = BigInt(`0x${/^CapEff:\s+(\w+)$/m.exec(status)?.[1] ?? "0"}`);
  return (capable & (1n << 21n)) === 0n && "this root may not mount";
}

const skip = rootLacks();

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Takes every mount below a directory out of the tree, whoever is in it. */
function unmountBelow(dir: string): void {
  for (const line of readFileSync("/proc/mounts", "utf8").split("\n")) {
    const place = line.split(" ")[1] ?? "";
    if (!place.startsWith(`${dir}/`)) continue;
    if (root) execFileSync("umount", ["-l", place]);
    else execFileSync(findFusermount(process.env) ?? "fusermount3", ["-uz", place]);
  }
}

/** No mount outlives this process, also where a test failed in its midst or took too long. */
const places = new Set<string>();
process.once("exit", () => places.forEach(unmountBelow));
process.once("SIGTERM", () => process.exit(143));

/** One user with a place of their own, a hive, and mounts that are gone when it is disposed of. */
class Person implements AsyncDisposable {
  readonly dir: string;
  readonly env: Record<string, string>;
  readonly #as: readonly string[];
  readonly #daemons: Daemon[] = [];

  constructor(uid: number | undefined) {
    this.dir = mkdtempSync(join(tmpdir(), "skep-fuse-"));
    this.env = {
      HOME: this.dir,
      XDG_CONFIG_HOME: join(this.dir, "config"),
      SKEP_HOME: join(this.dir, "home"),
      SKEP_DISK_RESERVE: "0",
      NO_COLOR: "1",
    };
    this.#as =
      uid === undefined ? [] : ["setpriv", "--reuid", `${uid}`, "--regid", `${uid}`, "--clear-groups"];
    places.add(this.dir);
    if (uid !== undefined) chownSync(this.dir, uid, uid);
  }

  /** Where something is mounted, by its name. */
  at(name: string): string {
    return join(this.dir, name);
  }

  run(program: string, words: readonly string[], more: Record<string, string> = {}): Promise<Ran> {
    const [first = program, ...rest] = [...this.#as, program, ...words];
    const env = { PATH: process.env.PATH ?? "", ...this.env, ...more };
    const child = spawn(first, rest, { env, stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (data: Buffer) => {
      out += data;
    });
    child.stderr.on("data", (data: Buffer) => {
      err += data;
    });
    return new Promise((done, failed) => {
      child.once("error", failed);
      child.once("close", (code) => done({ code, out, err }));
    });
  }

  /** The command line, in this process; in one of its own where it is somebody else's. */
  async skep(...words: readonly string[]): Promise<Ran> {
    if (this.#as.length > 0) return await this.run(process.execPath, [...skepWords, ...words]);
    const io = createFakeIo(words, { clock: realClock, env: { PATH: process.env.PATH ?? "", ...this.env } });
    const code = await runProgram(createProgram(), io);
    return { code, out: io.out(), err: io.err() };
  }

  /** A line of bash; `$m` is where "m" is mounted. Nothing waits for ever. */
  sh(line: string): Promise<Ran> {
    return this.run("timeout", ["60", "bash", "-c", line], { m: this.at("m") });
  }

  async hive(): Promise<Daemon> {
    const daemon = await startDaemon(this.env.SKEP_HOME ?? "", {
      args: ["--9p", "0"],
    });
    this.#daemons.push(daemon);
    return daemon;
  }

  mounted(name: string): string | undefined {
    return mountedIn(readFileSync("/proc/self/mountinfo", "utf8"), this.at(name))?.type;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    unmountBelow(this.dir);
    places.delete(this.dir);
    for (const daemon of this.#daemons) await daemon[Symbol.asyncDispose]();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

let person: Person;
let hive: Daemon;
/** The process that serves "m". */
let server: number;

before(async () => {
  if (skip) return;
  person = new Person(undefined);
  hive = await person.hive();
  const { code, out, err } = await person.skep("mount", person.at("m"), "--by", "fuse", "--json");
  assert.equal(code, 0, err);
  server = (JSON.parse(out) as { pid: number }).pid;
  const made = await person.sh(
    `for n in 1 2; do echo '{"spawn":"heartbeat","ticks":100000}' >> $m/queen/ctl; done`,
  );
  assert.equal(made.code, 0, made.err);
});
after(async () => {
  await person?.[Symbol.asyncDispose]();
});

const says = async (line: string, out: RegExp | string, code = 0): Promise<void> => {
  const ran = await person.sh(line);
  const told = `${line}\n${ran.out}${ran.err}`;
  if (typeof out === "string") assert.equal(ran.out, out, told);
  else assert.match(ran.out + ran.err, out, told);
  assert.equal(ran.code, code, told);
};

test("the mount is one of FUSE, without a ticket in its options, and its owner lists the whole tree", {
  skip,
}, async () => {
  assert.equal(person.mounted("m"), "fuse.skep");
  const line = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .find((each) => each.includes(person.at("m")));
  const [, , , options = ""] = (line ?? "").split(" ");
  const uid = process.getuid?.() ?? 0;
  assert.equal(options, `rw,nosuid,nodev,noexec,relatime,user_id=${uid},group_id=${process.getgid?.()}`);
  const { out, code, err } = await person.sh("ls -lR $m && find $m | wc -l");
  assert.equal(code, 0, err);
  assert.match(out, /^-rw------- .* ctl$/m);
  assert.match(out, /^-rw------- .* queen\.log$/m);
  assert.match(out, /\/worker\/worker-1:$/m);
  assert.ok(Number(out.trimEnd().split("\n").at(-1)) > 100, out.slice(-100));
});

test("files are read to their end, and say their size", { skip }, async () => {
  await says("cat $m/proc/lifecycle/state", "state=ONLINE\n");
  await says("grep -c spawned $m/log/queen.log", "2\n");
  await says("head -n 1 $m/worker/worker-1/spawn", "kind=heartbeat\n");
  await says("test $(cat $m/log/queen.log | wc -c) = $(stat -c %s $m/log/queen.log); echo $?", "0\n");
  await says("cp $m/log/queen.log $m/../copy && cmp $m/log/queen.log $m/../copy", "");
  await says("cat $m/jobs/1", /No such file or directory/, 1);
  await says(
    "cd $m/proc/lifecycle && pwd -P && cat state",
    `${person.at("m")}/proc/lifecycle\nstate=ONLINE\n`,
  );
});

test("commands are written with >> and with >, and a refusal is an errno", { skip }, async () => {
  await says(
    `echo '{"spawn":"heartbeat","ticks":9}' > $m/queen/ctl; cat $m/worker/worker-3/spawn`,
    /^ticks=9$/m,
  );
  await says(`echo '{"kill":"worker-99"}' >> $m/queen/ctl`, /No such file or directory/, 1);
});

test("lines in one large write stay whole, wherever in memory it begins, and a small ring keeps the newest", {
  skip,
}, async () => {
  const lines = Array.from({ length: 1000 }, (_, at) => `${at} ${"x".repeat(190)}\n`).join("");
  const bytes = Buffer.alloc(lines.length + 4096);
  const text = bytes.subarray(1, 1 + bytes.write(lines, 1));
  const write = (path: string): void => {
    const fd = openSync(person.at(path), "a");
    for (let at = 0; at < text.length; ) at += writeSync(fd, text, at);
    closeSync(fd);
  };
  await says(`echo '{"new":"segment","mime":"text/plain"}' >> $m/queen/telemetry/d1/ctl`, "");
  write("m/queen/telemetry/d1/seg/seg-000001");
  const kept = await person.sh("cat $m/queen/telemetry/d1/seg/seg-000001");
  assert.equal(kept.out === lines, true, kept.err);
  write("m/worker/worker-2/telemetry");
  assert.equal((await person.sh("cat $m/worker/worker-2/telemetry")).out, lines.slice(-1024));
});

test("the descriptor of a command reads its answers", { skip }, async () => {
  const line = `exec 3<>$m/queen/ctl
    printf '%s\\n' '{"spawn":"heartbeat","ticks":9}' '{"kill":"worker-3"}' >&3
    read -r one <&3; echo "$one"; read -r two <&3; echo "$two"
    echo '{"kill":"worker-3"}' >&3; read -r three <&3; echo "$three"`;
  const { out } = await person.sh(line);
  const answers = out
    .trimEnd()
    .split("\n")
    .map((each) => JSON.parse(each) as { verdict: string; code?: string });
  assert.deepEqual(
    answers.map(({ verdict, code }) => code ?? verdict),
    ["ok", "ok", "queen.absent"],
  );
});

test("a followed stream prints each line as it comes, and tail -f sees what is added", { skip }, async () => {
  const beats = "$m/worker/worker-1/telemetry";
  // Each line is written only when the one before it was printed.
  await says(
    `echo beat 1 >> ${beats}
     coproc cat ${beats}.follow
     for n in 1 2 3; do
       read -r line <&"\${COPROC[0]}"; echo "$line"; echo "beat $((n + 1))" >> ${beats}
     done; kill $COPROC_PID; head -n 1 ${beats}.follow`,
    "beat 1\nbeat 2\nbeat 3\nbeat 1\n",
  );
  await says(
    `coproc tail -f -n 1 ${beats}; read -r line <&"\${COPROC[0]}"; echo "$line"
     echo last >> ${beats}; read -r line <&"\${COPROC[0]}"; echo "$line"; kill $COPROC_PID`,
    "beat 4\nlast\n",
  );
});

test("Ctrl-C ends a waiting read at once", { skip }, async () => {
  // SIGINT comes when the first line was printed, so that cat waits for the next.
  await says(
    `set -m; coproc cat $m/log/queen.log.follow; exec 4<&"\${COPROC[0]}"; pid=$COPROC_PID; read -r line <&4
     while kill -0 $pid 2>/dev/null; do kill -INT $pid; sleep 0.1; done; wait $pid; echo $?`,
    /^130$/m,
  );
  await says("cat $m/proc/lifecycle/state", "state=ONLINE\n");
});

test("what does not exist here is refused as not permitted", { skip }, async () => {
  const refused = [
    "rm -f $m/proc/lifecycle/state",
    "mv $m/queen/ctl $m/queen/ctl2",
    "chmod 777 $m/queen/ctl",
  ];
  for (const line of [...refused, "mkdir $m/jobs/new", "ln -s x $m/jobs/l", "ln $m/queen/ctl $m/jobs/l"])
    await says(line, /Operation not permitted/, 1);
  await says("echo x > $m/jobs/new", /Operation not permitted/, 1);
  await says("truncate -s 5 $m/queen/ctl", /Operation not permitted/, 1);
  await says("touch $m/queen/ctl", "");
});

test("nobody else gets in", { skip: skip || (!root && "only root can be somebody else") }, async () => {
  const other = ["--reuid", "65533", "--regid", "65533", "--clear-groups"];
  for (const path of ["", "/proc/lifecycle/state"]) {
    const { code, err } = await person.run("setpriv", [...other, "cat", person.at("m") + path]);
    assert.notEqual(code, 0);
    assert.match(err, /Permission denied/);
  }
});

test("a second mount, a directory in use, a missing one and one of something else are refused with their cure", {
  skip,
}, async () => {
  const again = await person.skep("mount", person.at("m"), "--by", "fuse");
  assert.deepEqual([again.code, /skep mount --unmount/.test(again.err)], [8, true], again.err);
  writeFileSync(person.at("file"), "");
  const cases = [
    [["mount", person.dir, "--by", "fuse"], 8, /not empty/],
    [["mount", person.at("file"), "--by", "fuse"], 3, /no directory/],
    [["mount", person.at("a/b/c"), "--by", "fuse"], 3, /mkdir -p/],
    [["mount", "--unmount", person.at("home")], 3, /nothing is mounted there/],
    [["mount", "--unmount", "/proc"], 4, /no mount of a hive/],
    [["mount", person.at("n"), "--print", "--by", "fuse"], 2, /no line of mount/],
  ] as const;
  for (const [words, code, why] of cases) {
    const ran = await person.skep(...words);
    assert.equal(ran.code, code, ran.err);
    assert.match(ran.err, why);
  }
});

test("while the hive is away reads fail and waiting ones end, and the same mount shows it when it is back", {
  skip,
}, async () => {
  // The hive is told to go by a line that comes once the reader has what there is, and waits.
  const { out, err } = await person.sh(
    `coproc cat $m/log/queen.log.follow; exec 4<&"\${COPROC[0]}"; pid=$COPROC_PID; read -r line <&4
     kill ${hive.pid}; cat <&4 >/dev/null; wait $pid; echo $?`,
  );
  assert.deepEqual([out, /No route to host/.test(err)], ["1\n", true], err);
  await hive.ended;
  await says("cat $m/proc/lifecycle/state", /No route to host/, 1);
  hive = await person.hive();
  await says("cat $m/proc/lifecycle/state", "state=ONLINE\n");
});

test("in the foreground it stays until a signal, says which process serves it, and leaves nothing", {
  skip,
}, async () => {
  const line = `"${process.execPath}" --disable-warning=ExperimentalWarning "${main}" mount $m/../f --by fuse --foreground --json`;
  const { out, err } = await person.sh(
    `coproc exec ${line}; read -r told <&"\${COPROC[0]}"; echo "$told"; cat $m/../f/proc/lifecycle/state
     kill -TERM $COPROC_PID; wait $COPROC_PID; echo $?`,
  );
  const [told = "", ...rest] = out.trimEnd().split("\n");
  assert.deepEqual(rest, ["state=ONLINE", "143"], err);
  const { by, pid, unmount } = JSON.parse(told) as { by: string; pid: number; unmount: string };
  assert.deepEqual([by, unmount], ["fuse", `skep mount --unmount ${person.at("f")}`]);
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  assert.equal(person.mounted("f"), undefined);
});

test("a mount whose process was killed is named as such, and taken away", { skip }, async () => {
  const { out, err } = await person.skep("mount", person.at("d"), "--by", "fuse", "--json");
  assert.notEqual(out, "", err);
  const { pid } = JSON.parse(out) as { pid: number };
  process.kill(pid, "SIGKILL");
  await says("while cat $m/../d/proc/lifecycle/state 2>/dev/null; do sleep 0.1; done", "");
  const again = await person.skep("mount", person.at("d"), "--by", "fuse");
  assert.match(again.err, /whose process ended/);
  assert.ok(again.err.includes(`skep mount --unmount ${person.at("d")}`), again.err);
  const below = await person.skep("mount", person.at("d/below"), "--by", "fuse");
  assert.deepEqual([below.code, /whose process ended/.test(below.err)], [8, true], below.err);
  symlinkSync("d", person.at("link"));
  const linked = await person.skep("mount", person.at("link"), "--by", "fuse");
  assert.match(linked.err, /whose process ended/);
  assert.equal((await person.skep("mount", "--unmount", person.at("link"))).code, 0);
  assert.equal(person.mounted("d"), undefined);
});

test("who is in it still reads after an unmount, and the process that serves ends when they leave", {
  skip,
}, async () => {
  const { out } = await person.sh(
    `cd $m/proc; "${process.execPath}" --disable-warning=ExperimentalWarning "${main}" mount --unmount $m --json; cat lifecycle/state`,
  );
  assert.deepEqual(JSON.parse(out.split("\n")[0] ?? ""), {
    dir: person.at("m"),
    unmounted: true,
    inUse: true,
  });
  assert.match(out, /state=ONLINE/);
  assert.equal(person.mounted("m"), undefined);
  await says(`while kill -0 ${server} 2>/dev/null; do sleep 0.1; done`, "");
});

test("a user without root mounts what a ticket opens by fusermount3, and root does not get in", {
  skip: skip || userLacks(),
}, async () => {
  await using user = new Person(root ? 65_534 : undefined);
  const { port } = hive.ready["9p"] as { port: number };
  const ticket = join(user.dir, "ticket");
  const { out: token } = await person.skep("ticket", "mint", "--role", "observer");
  writeFileSync(ticket, token, { mode: 0o644 });
  const added = await user.skep("context", "add", "lab", "--9p", `127.0.0.1:${port}`, "--ticket", ticket);
  assert.equal(added.code, 0, added.err);
  const mounted = await user.skep("mount", user.at("m"), "--context", "lab", "--by", "fuse");
  assert.equal(mounted.code, 0, mounted.err);
  assert.equal(user.mounted("m"), "fuse.skep");
  const { out, err } = await user.sh(
    'cat $m/proc/lifecycle/state; echo \'{"kill":"worker-1"}\' >> $m/queen/ctl',
  );
  assert.deepEqual([out, /Permission denied/.test(err)], ["state=ONLINE\n", true], err);
  if (root) assert.match((await person.run("cat", [user.at("m")])).err, /Permission denied/);
  if (root) {
    const other = await user.skep("mount", user.at("o"), "--context", "lab", "--uid", "0");
    assert.deepEqual([other.code, /only root may/.test(other.err)], [4, true], other.err);
  }
  const gone = await user.skep("mount", "--unmount", user.at("m"));
  assert.equal(gone.code, 0, gone.err);
  assert.equal(user.mounted("m"), undefined);
});
