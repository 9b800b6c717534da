// A machine that works as shipped and lies in what it tells: which lie, the first argument of each job says. The folder of a
// machine that joined is the first argument.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, RemoteFile } from "@skep/ninep";
import { commitTo, createSigner, parseMoment, type SignedReceipt, signReceipt } from "@skep/receipt";
import { promise } from "@skep/trust";
import { loadConfig } from "../config/mod.ts";
import { homeKey } from "../hive/keys.ts";
import { membershipOf, nodePlaces } from "../node/folder.ts";
import { openNodeMesh } from "../node/mesh.ts";
import { type Lease, Lines, readInbox } from "../worker/lease.ts";
import { openWorker } from "../worker/program.ts";

const folder = process.argv[2] ?? "";
const { seed } = homeKey(nodePlaces.identity(folder));
const own = createSigner(seed);
const stranger = createSigner(randomBytes(32));
const leases = new Map<string, Lease>();
const salts = new Map<string, string>();
let earlier: SignedReceipt | undefined;
/** Longer than whoever committed is waited for. */
const tooLateMs = 33_000;

interface Told {
  readonly op: string;
  readonly job: string;
  readonly receipt: SignedReceipt;
  readonly [name: string]: unknown;
}

const falsehood = Buffer.from("what nobody computed\n");
const { commitment: output, chunks } = commitTo([{ kind: "stdout", data: falsehood }]);

function signed(
  receipt: SignedReceipt,
  {
    by = own,
    jobId = receipt.job_id,
    extra = {},
    lies = false,
  }: {
    readonly by?: typeof own;
    readonly jobId?: string;
    readonly extra?: Record<string, string>;
    readonly lies?: boolean;
  },
): SignedReceipt {
  const { result, completed_at } = receipt;
  const metrics = { ...result.metrics, extra: { ...result.metrics.extra, ...extra } };
  const of = lies ? { output_commitment: [...output], output_chunk_count: chunks } : {};
  const completedAt = parseMoment(completed_at) ?? 0n;
  return signReceipt(by, { jobId, completedAt, result: { ...result, ...of, metrics } });
}

/** The commitment to an output that was never computed. */
function commitment(job: string): string {
  const salt = randomBytes(32).toString("hex");
  salts.set(job, salt);
  return promise({ output, salt, worker: own.publicKey, job, try: leases.get(job)?.try ?? 0 });
}

const wrong = (told: Told): Told => ({
  ...told,
  stdout: { bytes: falsehood.length, inline: falsehood.toString("base64") },
  receipt: signed(told.receipt, { lies: true }),
});

const commits: Record<string, (told: Told) => Told> = {
  "wrong-output": (told) => ({ ...told, commitment: commitment(told.job) }),
  "copied-output": (told) => ({ ...told, commitment: commitment(told.job) }),
};

const tells: Record<string, (told: Told) => Told | Promise<Told>> = {
  "wrong-output": (told) => ({ ...wrong(told), salt: salts.get(told.job) }),
  // What it tells is right, and it cannot have known it when it committed.
  "copied-output": (told) => told,
  "broken-commitment": wrong,
  "late-reveal": (told) => sleep(tooLateMs, told),
  "forged-receipt": (told) => ({ ...told, receipt: signed(told.receipt, { by: stranger }) }),
  "replayed-receipt": (told) => ({ ...told, receipt: earlier ?? told.receipt }),
  "other-job": (told) => ({
    ...told,
    receipt: signed(told.receipt, { jobId: "77".repeat(32), extra: { job: "3", journal: "3" } }),
  }),
};

async function lied(line: string): Promise<string> {
  const told = JSON.parse(line) as Told;
  const lie = leases.get(told.job)?.args[0] ?? "";
  if (told.op === "commit") return JSON.stringify(commits[lie]?.(told) ?? told);
  if (told.op !== "done") return line;
  const made = (await tells[lie]?.(told)) ?? told;
  if (!(lie in tells)) earlier = told.receipt;
  return JSON.stringify(made);
}

/** The same thing, with some of what it does replaced. */
function instead<T extends object>(thing: T, other: Partial<T>): T {
  return new Proxy(thing, {
    get: (target, name) => {
      const found: unknown = Reflect.get(name in other ? other : target, name);
      return typeof found === "function" && !(name in other) ? found.bind(target) : found;
    },
  });
}

function lyingResults(results: RemoteFile): RemoteFile {
  return instead<RemoteFile>(results, {
    write: async (bytes, ...rest) => {
      const lines = Buffer.from(bytes).toString().trimEnd().split("\n");
      const text = (await Promise.all(lines.map(lied))).map((line) => `${line}\n`).join("");
      await results.write(Buffer.from(text), ...rest);
      return bytes.length;
    },
  });
}

function watchedInbox(inbox: RemoteFile): RemoteFile {
  return instead<RemoteFile>(inbox, {
    follow: async function* (options) {
      const lines = new Lines(1 << 20);
      for await (const bytes of inbox.follow(options)) {
        for (const line of lines.push(bytes)) {
          const said = readInbox(line);
          if ("lease" in said) leases.set(said.lease.job, said.lease);
        }
        yield bytes;
      }
    },
  });
}

const lying = (client: Client): Client =>
  instead<Client>(client, {
    open: async (path, ...rest) => {
      const file = await client.open(path, ...rest);
      if (path.endsWith("/results")) return lyingResults(file);
      return path.endsWith("/inbox.follow") ? watchedInbox(file) : file;
    },
  });

const log = (line: string): void => void process.stderr.write(`${line}\n`);
const values = {
  ...loadConfig({ home: folder, env: {}, flags: {} }).values,
  "sandbox.isolation": "off" as const,
};
const { addresses, hiveKey } = membershipOf(folder);
await using mesh = await openNodeMesh({
  seed,
  hiveKey,
  addresses,
  values,
  mdns: false,
  log,
  tell: () => undefined,
});
const dial = async (ticket: string) => lying(await mesh.client(ticket));
await using opened = await openWorker({ dial, workerHome: folder, values, slots: 1, strangers: [], log });
await opened.worker.run();
