import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { delay } from "@skep/clock";
import type { Context } from "@skep/edge-cli";
import type { Client } from "@skep/ninep";
import { createSigner } from "@skep/receipt";
import { formatBytes } from "@skep/text";
import { connect, homeTarget } from "../client/connect.ts";
import { realClock } from "../clock.ts";
import { startHive, type Up } from "../commands/up.ts";
import { heldContent } from "./blob.ts";
import { type JournalHead, journalHead, logTrust, proveRecord, Records } from "./inclusion.ts";
import { outcomeOf } from "./outcome.ts";
import { submit } from "./submit.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const modules = join(root, "examples", "modules");

/** One module on one input. */
interface Piece {
  readonly module: string;
  readonly input: string;
  readonly stdin: Buffer;
  readonly args: readonly string[];
}

/** What became of one. */
interface Shown {
  readonly module: string;
  readonly input: string;
  readonly job: string;
  readonly worker: string;
  readonly exit: number | null;
  readonly verified: boolean;
  readonly output: string;
  /** Records of the journal that say that it was taken and how it ended, both proven. */
  readonly records: readonly number[];
}

/** What the demonstration showed. */
export interface Demonstration {
  readonly home: string;
  readonly workers: readonly string[];
  readonly jobs: readonly Shown[];
  readonly journal: JournalHead;
}

function fileInput(...names: readonly string[]): Pick<Piece, "input" | "stdin"> {
  const name = names.find((each) => existsSync(join(root, each))) ?? "package.json";
  const stdin = readFileSync(join(root, name));
  return { input: `${name}, ${formatBytes(stdin.length)}`, stdin };
}

function pieces(): readonly Piece[] {
  return [
    { module: "reverse", input: '"Hello, World"', stdin: Buffer.from("Hello, World"), args: [] },
    { module: "sha256", ...fileInput("LICENSE"), args: [] },
    { module: "wc", ...fileInput("README.md", "LICENSE"), args: [] },
    { module: "mandelbrot", input: "480 by 300", stdin: Buffer.alloc(0), args: ["480", "300"] },
  ];
}

async function attached(client: Client, workers: readonly string[], signal: AbortSignal): Promise<void> {
  for (const id of workers)
    for (;;) {
      const info = await client.readAll(`/worker/${id}/info.json`, { signal }).catch(() => undefined);
      if (info && (JSON.parse(String(info)) as { present?: boolean }).present) break;
      await delay(realClock, 25, signal);
    }
}

function outputText(home: string, { module }: Piece, stdout: Buffer): string {
  if (module !== "mandelbrot") return String(stdout).trim();
  const path = join(home, "mandelbrot.ppm");
  writeFileSync(path, stdout);
  return `${path}, ${formatBytes(stdout.length)}`;
}

async function perform(
  up: Up,
  client: Client,
  piece: Piece,
  signal: AbortSignal,
): Promise<Omit<Shown, "records">> {
  const module = heldContent(readFileSync(join(modules, `${piece.module}.wasm`)));
  const taken = await submit({
    client,
    signer: createSigner(up.hive.keys.identity.seed),
    module,
    stdin: heldContent(piece.stdin),
    wish: { args: piece.args, env: {} },
    now: Date.now(),
    signal,
  });
  const outcome = await outcomeOf(client, taken, { module: module.digest, signal });
  writeFileSync(join(up.home, "receipts", `${piece.module}.json`), `${outcome.envelope}\n`);
  return {
    module: piece.module,
    input: piece.input,
    job: taken.job,
    worker: outcome.status.worker ?? "",
    exit: outcome.status.exit,
    verified: outcome.verified,
    output: outputText(up.home, piece, outcome.stdout ?? Buffer.alloc(0)),
  };
}

/** Runs the modules and proves their verdicts. */
async function demonstrate(up: Up, client: Client, signal: AbortSignal): Promise<Demonstration> {
  const { hive, home, workers } = up;
  await attached(client, workers, signal);
  mkdirSync(join(home, "receipts"), { mode: 0o700 });
  const done = await Promise.all(pieces().map((piece) => perform(up, client, piece, signal)));
  const trust = logTrust(hive.origin, hive.keys.log.publicKey);
  const head = await journalHead(client, trust);
  const records = new Records(client, head.size);
  const jobs: Shown[] = [];
  for (const each of done) {
    const taken = Number(each.job);
    const ended = await records.find(taken, "jobs:ended@1", each.job);
    const both = ended === undefined ? [taken] : [taken, ended];
    for (const seq of both) await proveRecord(client, records, seq, trust);
    jobs.push({ ...each, records: both });
  }
  return { home, workers, jobs, journal: head };
}

async function tell({ out }: Context, { home, workers, jobs, journal }: Demonstration): Promise<void> {
  const module = join(relative(process.cwd(), modules) || ".", "reverse.wasm");
  const [first] = jobs;
  await out.line(`A hive is up in a home of its own, ${home}, and ${workers.length} workers have attached`);
  await out.line(`${jobs.length} WASM modules ran, each in a sandbox of its worker:`);
  await out.table(jobs, [
    { title: "job", cell: ({ job }) => job, align: "right" },
    { title: "module", cell: ({ module: name }) => name },
    { title: "input", cell: ({ input }) => input },
    { title: "exit", cell: ({ exit }) => String(exit), align: "right" },
    { title: "receipt", cell: ({ verified }) => (verified ? "verified" : "does not verify") },
    { title: "proven records", cell: ({ records }) => records.join(", ") },
    { title: "output", cell: ({ output }) => output },
  ]);
  await out.line(
    `Their verdicts are in the journal: ${journal.size} records, root ${journal.root.slice(0, 16)}…`,
  );
  await out.line(`The receipts are in ${join(home, "receipts")}; the signed root is /audit/checkpoint`);
  await out.line("In a second terminal, here:");
  await out.line(`  npx skep ls --home ${home} /jobs/${first?.job ?? ""}`);
  await out.line(`  npx skep cat --home ${home} /jobs/${first?.job ?? ""}/why /audit/checkpoint`);
  await out.line(`  npx skep run --home ${home} ${module} < package.json`);
}

/** Runs the demonstration in a throwaway home; `stay` resolves when it is to end. */
export async function demo(context: Context, stay: (() => Promise<void>) | undefined): Promise<number> {
  const { out, signal } = context;
  const home = mkdtempSync(join(tmpdir(), "skep-demo-"));
  try {
    const own = { ...context, global: { ...context.global, home, context: undefined } };
    await using up = await startHive(own, { "9p": "0", http: "0", console: "off", workers: "2" });
    await using client = await connect(homeTarget(home));
    const shown = await demonstrate(up, client, signal);
    if (out.wantsJson) await out.json(shown);
    else await tell(context, shown);
    if (!shown.jobs.every(({ verified, exit, records }) => verified && exit === 0 && records.length === 2))
      return 1;
    if (stay) {
      await out.line("It stays up until Ctrl-C, which removes the home");
      await stay();
    }
    return 0;
  } catch (thrown) {
    if (signal.aborted) return 0;
    throw thrown;
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  }
}
