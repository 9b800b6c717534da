// The Linux kernel's 9P client, which we did not write, against the real daemon over a home with a long past.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  type Filled,
  fillHive,
  guestHost,
  guestLacks,
  type GuestResult,
  runGuest,
  type Step,
} from "@skep/testing";
import { listBriefly } from "@skep/provider-workers";
import { mountArguments } from "./mount/line.ts";
import { attachCrowd, crowdOf } from "./testing/crowd.ts";
import { type Daemon, startDaemon } from "./testing/daemon.ts";
import { withKernelOf } from "./testing/home-kernel.ts";

const past = { workers: 1000, jobs: 100_000, records: 1_000_000 };
/** Machines that are there, beside those of the past. */
const present = crowdOf(1000);
const skip = guestLacks();
const uid = process.getuid?.() ?? 0;
const main = fileURLToPath(new URL("./main.mjs", import.meta.url));
const workerScript = fileURLToPath(new URL("../../../examples/worker.sh", import.meta.url));

/** Some of them that a mount does not list. */
const far = [0, 99, 500, 899].map((at) => present[at] ?? "");

let dir = "";
let filled: Filled;
let daemon: Daemon | undefined;
let crowd: Disposable | undefined;
let seen: GuestResult;
/** Of the last minute before the test, for each core. */
const load = (loadavg()[0] ?? 0) / availableParallelism();
/** When each line came, in milliseconds, by its text; the first time of each. */
const heardAt = new Map<string, number>();

const owner = `
. /etc/profile
m=/mnt q=/mnt/queen/ctl log=/mnt/log/queen.log
step list sh -c 'ls -lR /mnt/proc /mnt/queen /mnt/log /mnt/worker/w-000000000007'
step spawn sh -c 'echo "{\\"spawn\\":\\"heartbeat\\",\\"ticks\\":1000}" >> /mnt/queen/ctl; cat /mnt/worker/worker-1/spawn'
step truncate sh -c 'echo "{\\"spawn\\":\\"heartbeat\\",\\"ticks\\":1000}" > /mnt/queen/ctl; cat /mnt/worker/worker-2/spawn'
step refused sh -c 'echo "{\\"kill\\":\\"worker-9\\"}" > /mnt/queen/ctl'
step cat cat $m/proc/lifecycle/state $m/jobs/$OLD/status
step grep grep -c wrapped- $log
step head head -n 1 $log
step last sh -c 'cat /mnt/log/queen.log | tail -n 1'
step size sh -c 'cat /mnt/log/queen.log | wc -c; stat -c %s /mnt/log/queen.log'
answers() {
  exec 3<>$q
  echo '{"spawn":"heartbeat","ticks":1000}' >&3; read -r line <&3; echo "$line"
  echo '{"kill":"worker-3"}' >&3; echo '{"kill":"worker-3"}' >&3; echo '{"kill":"worker-2"}' >&3
  read -r line <&3; echo "$line"; read -r line <&3; echo "$line"; cat <&3
  exec 3>&-
}
step answers answers
step bash bash -c '
  exec 3<>/mnt/queen/ctl
  printf "%s\\n" "{\\"spawn\\":\\"heartbeat\\",\\"ticks\\":1000}" "{\\"spawn\\":\\"heartbeat\\",\\"ticks\\":1000}" >&3
  read -r one <&3; echo "$one"; read -r two <&3; echo "$two"
  echo "{\\"kill\\":\\"worker-4\\"}" >&3; read -r three <&3; echo "$three"
  echo "{\\"kill\\":\\"worker-4\\"}" >&3; read -r four <&3; echo "$four"'
beats=$m/worker/worker-1/telemetry
put() { for n in 1 2 3; do sleep 1; echo "put beat $n"; echo "beat $n" >> $beats; done; }
follow() { put & timeout 5 cat $beats.follow; wait; }
step follow follow
tailing() { (sleep 1; echo "one more" >> $beats) & timeout 4 tail -f -n 1 $beats; }
step tail tailing
step interrupt timeout -s INT 1 cat $beats.follow
step alive cat $m/proc/lifecycle/state
worker() {
  sh /worker.sh /shell shell &
  until [ -e $m/worker/shell/info ]; do sleep 1; done
  exec 3<>$m/jobs/ctl
  echo '{"op":"submit","run":{"kind":"task","name":"sha256"},"stdin":{"inline":"c2tlcA=="}}' >&3
  read -r line <&3; exec 3>&-
  job=$(echo "$line" | sed -n 's/.*"job":"\\([0-9]*\\)".*/\\1/p')
  for n in 1 2 3 4 5 6 7 8 9 10; do grep -q '^state=done' $m/jobs/$job/status && break; sleep 1; done
  cat $m/jobs/$job/status $m/jobs/$job/stdout
  kill $!
}
step worker worker
step rm rm -f $m/proc/lifecycle/state
step mv mv $q $m/queen/ctl2
step chmod chmod 777 $q
step mkdir mkdir $m/jobs/new
step create sh -c 'echo x > /mnt/jobs/new'
step missing cat $m/jobs/1
step named sh -c 'for id in $FAR; do head -n 1 /mnt/worker/$id/info; done'
step all sh -c 'grep -o "crowd-[0-9]*" /mnt/worker.json | sort -u | wc -l'
cd /mnt
read -r from rest < /proc/uptime
step find sh -c 'find . | wc -l'
read -r to rest < /proc/uptime
echo "@@ took $from $to"
`;

const others = `
. /etc/profile
step wasp-list ls /mnt
step wasp-cat cat /mnt/proc/lifecycle/state
step wasp-write sh -c 'echo "{\\"kill\\":\\"worker-1\\"}" >> /mnt/queen/ctl'
`;

/** The line of `skep mount`, with TCP and a ticket in the place of the socket that a guest cannot reach. */
function mountLine(port: number, ticket: string, at: string): string {
  const [, , , options = ""] = mountArguments({ socket: "", dir: at, uid, msize: 131_072 });
  const over = options.replace("trans=unix", `trans=tcp,port=${port}`);
  return `mount -t 9p -o ${over},aname=${ticket} ${guestHost} ${at}`;
}

function script(port: number, queen: string, worker: string): string {
  return `
chmod 1777 /tmp; mkdir /shell
export OLD=${filled.jobs[0]}
export FAR="${far.join(" ")}"
step mount ${mountLine(port, queen, "/mnt")}
step mount-shell ${mountLine(port, worker, "/shell")}
su wasp -c 'sh /others.sh'
${uid === 0 ? "sh /owner.sh" : "su bee -c 'sh /owner.sh'"}
cd /; step unmount umount /mnt
`;
}

function mint(...args: string[]): string {
  const words = ["--disable-warning=ExperimentalWarning", main, "ticket", "mint", "--home", dir, ...args];
  return execFileSync(process.execPath, words, { encoding: "utf8" }).trim();
}

/** Bash and what it is linked with: it reads lines otherwise than busybox does. */
function bash(): Record<string, Uint8Array> {
  const linked = execFileSync("ldd", ["/bin/bash"], { encoding: "utf8" });
  const paths = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  return Object.fromEntries(["/bin/bash", ...paths].map((path) => [path, readFileSync(path)]));
}

async function wrapTheLog(daemon: Daemon): Promise<void> {
  await using client = await daemon.connect();
  await using log = await client.open("/log/queen.log", "append");
  for (let at = 0; at < 2000; at += 1) await log.write(Buffer.from(`wrapped-${at} ${"x".repeat(60)}\n`));
}

before(async () => {
  if (skip) return;
  dir = mkdtempSync(join(tmpdir(), "skep-linux-"));
  filled = await withKernelOf(dir, (kernel) => fillHive(kernel, past));
  daemon = await startDaemon(dir, { args: ["--9p", "0"] });
  await wrapTheLog(daemon);
  const { port } = daemon.ready["9p"] as { port: number };
  crowd = await attachCrowd(dir, port, present.length);
  seen = await runGuest({
    uid: uid === 0 ? 1000 : uid,
    within: 480_000,
    script: script(port, mint("--role", "queen"), mint("--role", "worker", "--subject", "shell")),
    files: {
      "/owner.sh": owner,
      "/others.sh": others,
      "/worker.sh": readFileSync(workerScript),
      ...bash(),
    },
    heard: (line) => heardAt.set(line, heardAt.get(line) ?? performance.now()),
  });
  if (process.env.SKEP_TEST_VERBOSE) process.stderr.write(seen.console);
});
after(async () => {
  crowd?.[Symbol.dispose]();
  await daemon?.[Symbol.asyncDispose]();
  if (dir) rmSync(dir, { recursive: true, force: true });
});
const of = (name: string): Step => {
  const step = seen.steps.get(name);
  assert.ok(step, `no step ${name} in\n${seen.console}`);
  return step;
};
const says = (name: string, output: RegExp, code = 0) => {
  const step = of(name);
  assert.match(step.output, output, name);
  assert.equal(step.code, code, name);
};
const answersOf = (name: string) =>
  of(name)
    .output.split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => {
      const { verdict, code, result } = JSON.parse(line) as {
        verdict: string;
        code?: string;
        result?: { worker: string };
      };
      return code ?? `${verdict} ${result?.worker}`;
    });

test("Linux mounts with the options of `skep mount` and lists the tree as its owner's", { skip }, () => {
  says("mount", /^$/);
  const { output } = of("list");
  assert.match(output, /^-rw------- .* ctl$/m);
  assert.match(output, /^-rw------- .* queen\.log$/m);
  assert.match(output, /^\/mnt\/worker\/w-000000000007:$/m);
  says("unmount", /^$/);
});

test("Linux finds what a home of a million records and a thousand machines lists, in so many seconds", {
  skip,
}, (t) => {
  says("find", /^\d{3,4}$/);
  const names = Number(of("find").output);
  // The machines that came last and the jobs that are recent, with what is in their directories.
  assert.ok(names > 4 * listBriefly && names < 1200, `${names} names`);
  const [, from, to] = /^@@ took (\S+) (\S+)$/m.exec(seen.console) ?? [];
  const took = Number(to) - Number(from);
  t.diagnostic(`find: ${names} names in ${took.toFixed(1)} s, load before ${load.toFixed(1)} per core`);
});

test("Linux reads of each machine by its name, listed or not, and of all in one file", { skip }, () => {
  assert.deepEqual(of("named").output.match(/crowd-\d{4}/g), far);
  says("all", new RegExp(`^${present.length}$`));
});

test("Linux reads files, jobs that left state, and a stream that wrapped; every read ends by itself", {
  skip,
}, () => {
  says("cat", /^state=ONLINE\njob=\d+\nstate=done\nexit=0$/m);
  says("head", /^[-a-z0-9 ]*x$/);
  says("grep", /^\d{3}$/);
  says("last", /^\[hive\] spawned worker-2$/);
  const [read, told] = of("size").output.split("\n");
  assert.equal(read, told);
  says("missing", /No such file or directory/, 1);
});

test("Linux writes commands with >> and with >, and gets the errno of a refusal", { skip }, () => {
  says("spawn", /^kind=heartbeat$/m);
  says("truncate", /^kind=heartbeat$/m);
  says("refused", /No such file or directory/, 1);
});

test("Linux reads the answers on the descriptor of its commands, with busybox and with bash", {
  skip,
}, () => {
  assert.deepEqual(answersOf("answers"), ["ok worker-3", "ok worker-3", "queen.absent", "ok worker-2"]);
  assert.deepEqual(answersOf("bash"), ["ok worker-4", "ok worker-5", "ok worker-4", "queen.absent"]);
});

test("Linux prints each line of a followed stream within a second of its append", { skip }, () => {
  for (const line of ["beat 1", "beat 2", "beat 3"]) {
    const took = (heardAt.get(line) ?? Number.POSITIVE_INFINITY) - (heardAt.get(`put ${line}`) ?? 0);
    assert.ok(took < 1000, `${line} took ${took} ms`);
  }
  says("tail", /^beat 3\none more$/m, 143);
  says("interrupt", /one more$/, 130);
  says("alive", /^state=ONLINE$/);
});

test("a shell script on the mount is a worker, and its verdict says unverified", { skip }, () => {
  says("worker", /^state=done$/m);
  says("worker", /^verified=unverified$/m);
  says("worker", /^worker=shell$/m);
  // SHA-256 of the four letters that the job has for input.
  says("worker", /^[0-9a-f]{64} {2}-$/m);
});

test("Linux is refused what does not exist here, with sensible errors", { skip }, () => {
  for (const name of ["rm", "mv", "chmod", "mkdir", "create"])
    says(name, /Permission denied|Operation not permitted/, 1);
});

test("Linux gives a second user of the machine nothing", { skip }, () => {
  says("wasp-list", /Operation not permitted|Permission denied/, 1);
  says("wasp-cat", /Permission denied/, 1);
  says("wasp-write", /Permission denied/, 1);
});
