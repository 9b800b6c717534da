// Real machines that join a hive over the mesh, are killed and cut off, and work meanwhile. Options come as JSON in the first
// argument; the report is one JSON line on stdout.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, existsSync, mkdtempSync, mkdirSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { heldContent, outcomeOf, submit } from "@skep/app-skep";
import { type Client, createClient, wireFromSocket } from "@skep/ninep";
import { createSigner } from "@skep/receipt";
import { Churn } from "./churn.ts";

const main = fileURLToPath(new URL("../../apps/skep/src/main.mjs", import.meta.url));
const module = heldContent(
  readFileSync(fileURLToPath(new URL("../../examples/modules/mandelbrot.wasm", import.meta.url))),
);
const options = {
  seed: 1,
  workers: 10,
  /** Milliseconds of trouble. */
  lasts: 60_000,
  /** Milliseconds that stand for an hour. */
  hour: 10_000,
  kills: 0.3,
  cuts: 0.1,
  /** Jobs in flight. */
  lanes: 6,
  /** Jobs that must have ended before the trouble does, for at most five times as long. */
  least: 0,
  /** Width, height and steps of each job's picture. */
  picture: ["400", "300", "1000"],
  ...(JSON.parse(process.argv[2] ?? "{}") as object),
};
const dir = mkdtempSync(join(tmpdir(), "skep-churn-"));
const home = join(dir, "hive");
const env = { PATH: process.env.PATH ?? "", HOME: dir, SKEP_DISK_RESERVE: "0", NO_COLOR: "1" };
const node = ["--disable-warning=ExperimentalWarning", main];
const tell = (text: string): void => void process.stderr.write(`churn: ${text}\n`);

function skep(args: readonly string[], input = ""): string {
  const ran = spawnSync(process.execPath, [...node, ...args], {
    env,
    input,
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  if (ran.status !== 0) throw new Error(`skep ${args.join(" ")}: ${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

/** The same, without waiting for it here. */
async function asked(args: readonly string[], input = ""): Promise<string> {
  const child = spawn(process.execPath, [...node, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
  let out = "";
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  child.stdin.on("error", () => undefined).end(input);
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`skep ${args.join(" ")} ended with ${code}: ${out}${said}`);
  return out;
}

/** Machines that join at a time. */
const joining = 3;

/** Takes machines from the list and has them join, until there is none. */
async function joinAll(toJoin: number[]): Promise<void> {
  for (let at = toJoin.shift(); at !== undefined; at = toJoin.shift()) {
    const invite = ["--home", home, "invite", "--class", "borrowed", "--owner", `owner-${at}`];
    const folder = join(dir, `w${at}`);
    mkdirSync(folder, { mode: 0o700 });
    await asked(["join", "--only", "--worker-home", folder, "--name", `w${at}`], await asked(invite));
  }
}

async function up(port: number): Promise<{ child: ChildProcess; socket: string; port: number }> {
  const edges = ["--http", "off", "--9p", "off", "--workers", "0", "--mesh", `127.0.0.1:${port}`, "--json"];
  const child = spawn(process.execPath, [...node, "up", "--home", home, ...edges], {
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const ready = JSON.parse(line) as { socket: string; mesh: { port: number } };
    child.stdout.resume();
    return { child, socket: ready.socket, port: ready.mesh.port };
  }
  throw new Error("the hive did not start");
}

async function owner(socket: string): Promise<Client> {
  const wire = createConnection(socket);
  await new Promise((resolve, reject) => wire.once("connect", resolve).once("error", reject));
  return await createClient(wireFromSocket(wire), { nUname: process.getuid?.() ?? 0 });
}

/** Processes that have to do with this run. */
function processes(): number {
  let count = 0;
  for (const pid of readdirSync("/proc"))
    if (/^\d+$/.test(pid) && Number(pid) !== process.pid)
      try {
        if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(dir)) count += 1;
      } catch {
        // It has ended meanwhile.
      }
  return count;
}

function figuresOf(pid: number): { readonly files: number; readonly memory: number } {
  const memory = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { files: readdirSync(`/proc/${pid}/fd`).length, memory: Math.round(Number(memory) / 1024) };
}

/** Results that no hive has, and leftovers of fetching and output, in the machines' folders. */
function leftovers(): string[] {
  return Array.from({ length: options.workers }, (_, at) => join(dir, `w${at}`)).flatMap((folder) =>
    ["spool", "cache"].flatMap((name) => {
      const at = join(folder, name);
      const left = existsSync(at) ? readdirSync(at) : [];
      return left
        .filter((file) => name === "spool" || !/^[0-9a-f]{64}$/.test(file))
        .map((file) => join(at, file));
    }),
  );
}

interface Counts {
  done: number;
  readonly failed: string[];
  readonly waits: number[];
}

/** Keeps jobs in flight until it is told to stop; then lets them end. */
async function work(client: Client, stop: AbortSignal, counts: Counts): Promise<void> {
  const signer = createSigner(readFileSync(join(home, "keys", "identity")));
  const stdin = heldContent(Buffer.alloc(0));
  while (!stop.aborted) {
    const began = performance.now();
    const wish = { args: options.picture, env: {} };
    try {
      const taken = await submit({ client, signer, module, stdin, wish, now: Date.now() });
      const outcome = await outcomeOf(client, taken, { module: module.digest });
      if (outcome.verified && outcome.status.state === "done") counts.done += 1;
      else counts.failed.push(`${taken.job}: ${outcome.status.state} ${outcome.why}`);
    } catch (thrown) {
      counts.failed.push(String(thrown));
    }
    counts.waits.push(performance.now() - began);
  }
}

interface Told {
  readonly events?: readonly { readonly t: string; readonly d: { readonly job?: string } }[];
}

/** How many jobs ended by the journal, and which of them more than once. */
function endedTwice(): { readonly ended: number; readonly twice: string[] } {
  const times = new Map<string, number>();
  for (const line of skep(["--home", home, "audit", "cat", "--json"]).split("\n"))
    for (const { t, d } of line.includes("jobs:ended@") ? ((JSON.parse(line) as Told).events ?? []) : [])
      if (t.startsWith("jobs:ended@")) times.set(d.job ?? "", (times.get(d.job ?? "") ?? 0) + 1);
  return { ended: times.size, twice: [...times].filter(([, count]) => count > 1).map(([job]) => job) };
}

async function ledgerOf(client: Client): Promise<string | undefined> {
  const names = await client.readdir("/ledger").catch(() => undefined);
  if (!names) return undefined;
  const texts = await Promise.all(
    names.map(({ name }) => client.readAll(`/ledger/${name}`).then(String, () => "")),
  );
  return texts.join("");
}

const hive = await up(0).catch((thrown) => {
  rmSync(dir, { recursive: true, force: true });
  throw thrown;
});
let served = hive;
const churn = new Churn({ ...options, away: 0.1, leastCut: 8000 });
try {
  const client = await owner(hive.socket);
  const toJoin = Array.from({ length: options.workers }, (_, at) => at);
  await Promise.all(Array.from({ length: joining }, () => joinAll(toJoin)));
  tell(`${options.workers} machines joined`);
  const began = performance.now();
  for (let at = 0; at < options.workers; at += 1) {
    const words = ["worker", "--worker-home", join(dir, `w${at}`), "--slots", "1", "--isolation", "off"];
    churn.add({
      start: () => spawn(process.execPath, [...node, ...words], { env, stdio: "ignore" }),
      // Nothing comes from it and nothing is taken: to everybody else the cable is cut.
      cut: (child) => {
        child.kill("SIGSTOP");
        return () => void child.kill("SIGCONT");
      },
    });
  }
  const before = figuresOf(hive.child.pid ?? 0);
  const stop = new AbortController();
  const counts: Counts = { done: 0, failed: [], waits: [] };
  const lanes = Array.from({ length: options.lanes }, () => work(client, stop.signal, counts));
  await sleep(options.lasts);
  for (let more = 0; more < 4 * options.lasts && counts.done < options.least; more += 250) await sleep(250);
  await churn.calm();
  tell(`troubled: ${JSON.stringify(churn.happened)}, ${counts.done} jobs done`);
  stop.abort();
  await Promise.race([Promise.all(lanes), sleep(90_000)]);
  const lasted = performance.now() - began;
  // What the last job earned is posted within a second.
  await sleep(2500);
  const after = figuresOf(hive.child.pid ?? 0);
  const ledger = await ledgerOf(client);
  await churn.end();
  await client.close();
  const { ended, twice } = endedTwice();
  // Everything is read again from the journal.
  hive.child.kill("SIGKILL");
  await new Promise((resolve) => hive.child.once("exit", resolve));
  served = await up(hive.port);
  const again = await owner(served.socket);
  const replayed = await ledgerOf(again);
  await again.close();
  served.child.kill("SIGTERM");
  await new Promise((resolve) => served.child.once("exit", resolve));
  const { waits, failed, done } = counts;
  waits.sort((left, right) => left - right);
  const report = {
    ...churn.happened,
    jobs: waits.length,
    done,
    failed,
    ended,
    twice,
    ledger: ledger ? (ledger === replayed ? "equal" : "different") : "none",
    ledgerLines: ledger?.split("\n").length ?? 0,
    ...{ lasted: Math.round(lasted), p50: waits[waits.length >> 1], most: waits.at(-1) },
    hive: { before, after },
    processes: processes(),
    leftovers: leftovers(),
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
} finally {
  await churn.end();
  for (const { child } of [hive, served]) child.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
}
process.exit(0);
