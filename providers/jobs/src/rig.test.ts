import { createHash } from "node:crypto";
import { type Blobs, defineProvider, fullAuthority, type Index, Kernel, type Session } from "@skep/kernel";
import { createSigner, signReceipt } from "@skep/receipt";
import { recordingFiles, type SimulatedClock, simulatedClock } from "@skep/testing";
import { Beats } from "./beats.ts";
import { jobsProvider } from "./jobs.ts";

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

const limits = { wallMs: 1000, memoryBytes: 65_536, fuel: "1000000", stdoutBytes: 4096, stderrBytes: 4096 };

/** Blobs in memory that hold nothing: these tests keep input and output inline. */
const noBlobs = { read: async () => new Uint8Array(0) } as unknown as Blobs;

type Known = {
  readonly key: string;
  readonly arch?: string;
  readonly memoryBytes?: number;
  /** Rules of the machine's owner, as it told them. */
  readonly rules?: Readonly<Record<string, string>>;
};
/** A machine that joined with an invitation; one without is the hive's own. */
type Member = { readonly class: string; readonly owner: string; readonly labels: readonly string[] };

/** A stand-in for the blob store and the workers, so that jobs are tested alone. */
function standIn(known: Map<string, Known>, members: Map<string, Member>) {
  return defineProvider<null>({
    name: "workers",
    doc: "Stand-in for workers and blobs",
    initial: () => null,
    events: { "joined@1": () => undefined, "left@1": () => undefined, "owner@1": () => undefined },
    offers: {
      workers: () => ({
        get: (id: string) => known.get(id),
        rule: (id: string, name: string) => known.get(id)?.rules?.[name],
      }),
      members: () => ({ get: (id: string) => members.get(id) }),
      cas: () => ({ sizeFor: () => 10, size: () => 10 }),
    },
    mounts: (t) => ({
      "/worker": t.each(
        "Workers",
        "id",
        { list: () => known.keys(), has: (id) => known.has(id) },
        t.dir("One worker", {}),
      ),
    }),
  });
}

export interface Rig extends AsyncDisposable {
  readonly kernel: Kernel;
  readonly clock: SimulatedClock;
  readonly owner: Session;
  readonly files: ReturnType<typeof recordingFiles>;
  readonly beats: Beats;
  /** A worker says hello; the same incarnation keeps its leases. */
  join(
    id: string,
    options?: {
      slots?: number;
      ahead?: number;
      beats?: boolean;
      incarnation?: string;
      kinds?: string[];
      machine?: Partial<Known & Member>;
    },
  ): Session;
  leave(id: string): void;
  /** What the owner of a machine says of it. */
  says(id: string, state: "run" | "freeze"): void;
  submit(line?: object): Promise<string>;
  status(job: string): Promise<Record<string, unknown>>;
  /** A signed result of a worker. */
  done(worker: string, job: string, stdout: string, exit?: number): Promise<object>;
}

/** What the provider of machines tells of one that joined with an invitation. */
function joined(worker: string, of: string | undefined, owner: string) {
  if (of === undefined) return [];
  return [
    { type: "peers:invited@1", data: { invite: worker, class: of, owner } },
    { type: "peers:redeemed@1", data: { invite: worker, worker } },
  ];
}

function indexOf(found: Map<string, number>): Index {
  return {
    upTo: 0,
    add: (entries) => {
      for (const { key, seq } of entries) found.set(key, seq);
    },
    find: async (_kind, key) => found.get(key),
    page: async () => [],
    count: async () => found.size,
    touched: async () => [],
    close: async () => undefined,
  };
}

export async function rig(files = recordingFiles(), clock = simulatedClock(7)): Promise<Rig> {
  const known = new Map<string, Known>();
  const members = new Map<string, Member>();
  const seeds = new Map<string, Uint8Array>();
  const beats = new Beats();
  let drawn = 0;
  const found = new Map<string, number>();
  const kernel = await Kernel.open({
    files,
    clock,
    version: "test",
    index: indexOf(found),
    providers: [
      standIn(known, members),
      jobsProvider({
        blobs: noBlobs,
        limits: { standard: limits, most: limits },
        record: (seq) => kernel.journal.record(seq),
        ended: async (job) => found.get(job),
        keepEndedMs: 24 * 3600_000,
        beats,
      }),
    ],
    defer: (act) => void setImmediate(act),
    fatal: (error) => {
      throw error;
    },
    chance: () => sha256(`${drawn++}`),
    born: () => ({ id: "hive-test", name: "test" }),
  });
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const sessions = new Map<string, Session>();
  const self: Rig = {
    kernel,
    clock,
    owner,
    files,
    beats,
    join(id, { slots = 1, ahead, beats, incarnation = `${id}-incarnation`, kinds = ["wasm"], machine } = {}) {
      const seed = Buffer.from(sha256(id), "hex");
      seeds.set(id, seed);
      const { class: of, owner: whose = "ann", labels = [], ...facts } = machine ?? {};
      known.set(id, { ...facts, key: createSigner(seed).publicKey });
      if (of !== undefined) members.set(id, { class: of, owner: whose, labels });
      kernel.system("workers", "/", { op: "join" }, () => ({
        events: [
          {
            type: "joined@1",
            data: {
              worker: id,
              slots,
              ...(ahead === undefined ? {} : { ahead }),
              ...(beats ? { beats } : {}),
              kinds,
              incarnation,
            },
          },
          ...joined(id, of, whose),
        ],
      }));
      const session = sessions.get(id) ?? kernel.attach(fullAuthority(id, "worker"), "test");
      sessions.set(id, session);
      return session;
    },
    says(id, state) {
      kernel.system("workers", "/", { op: "owner" }, () => ({
        events: [{ type: "owner@1", data: { worker: id, state } }],
      }));
    },
    leave(id) {
      kernel.system("workers", "/", { op: "leave" }, () => ({
        events: [{ type: "left@1", data: { worker: id } }],
      }));
    },
    async submit(line = { op: "submit", run: { kind: "wasm", module: "ab".repeat(32) } }) {
      const answer = await owner.append("/jobs/ctl", line as never);
      return String((answer.result as { job: string }).job);
    },
    async status(job) {
      return JSON.parse(Buffer.from(await owner.read(`/jobs/${job}/status.json`)).toString());
    },
    async done(worker, job, stdout, exit = 0) {
      const { job_id } = (await self.status(job)) as { job_id: string };
      const receipt = receiptFor(seeds.get(worker) as Uint8Array, job_id, stdout, exit, job);
      const line = {
        op: "done",
        job,
        exit,
        stdout: { bytes: stdout.length, inline: Buffer.from(stdout).toString("base64") },
        stderr: { bytes: 0, inline: "" },
        receipt,
      };
      return sessions.get(worker)?.append(`/worker/${worker}/results`, line as never) as Promise<object>;
    },
    async [Symbol.asyncDispose]() {
      await kernel.close();
    },
  };
  return self;
}

/** A receipt as a worker makes it, over output that stands inline. */
export function receiptFor(seed: Uint8Array, jobId: string, stdout: string, exit: number, job = "0"): object {
  let state = createHash("sha256").update("phase-protocol:v1:commitment").digest();
  const chunks = stdout === "" ? [] : [stdout];
  for (const [seq, data] of chunks.entries()) {
    const head = Buffer.alloc(8);
    head.writeBigUInt64BE(BigInt(seq));
    const sized = (text: string): Buffer[] => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(text));
      return [length, Buffer.from(text)];
    };
    state = createHash("sha256")
      .update(Buffer.concat([state, head, ...sized("stdout"), ...sized(data)]))
      .digest();
  }
  const result = {
    job_spec_hash: [...Buffer.from(jobId, "hex")],
    output_commitment: [...state],
    output_chunk_count: chunks.length,
    completion: "stop" as const,
    resumption: null,
    metrics: {
      total_duration_ms: 1,
      prompt_tokens: 0,
      completion_tokens: 0,
      extra: { module_hash: `sha256:${"ab".repeat(32)}`, exit_code: String(exit), job },
    },
  };
  return signReceipt(createSigner(seed), { result, jobId, completedAt: 1_779_883_200_000_000_000n });
}
