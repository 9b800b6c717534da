import { randomBytes } from "node:crypto";
import { Fault } from "@skep/fault";
import type { Client, RemoteFile } from "@skep/ninep";
import { type Signer, type SignedManifest, signManifest } from "@skep/receipt";
import { type Content, upload } from "./blob.ts";
import { fault } from "./faults.ts";

/** What is to run, beside module and input. */
export interface Wish {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly wallMs?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly fuel?: number | undefined;
  readonly fresh?: boolean | undefined;
  /** What it is for, as owners of machines name it in what they refuse. */
  readonly workClass?: string | undefined;
  /** The file that it keeps, and how often that is stored. */
  readonly checkpoint?: CheckpointWish | undefined;
  /** Which machines may have it. */
  readonly where?: WhereWish | undefined;
  /** Among one's own jobs, -100 to 100. */
  readonly priority?: number | undefined;
  /** How long after its submission it is too late for it. */
  readonly deadlineMs?: number | undefined;
  /** Machines of different owners that answer it, and how many of them must agree. */
  readonly replicas?: number | undefined;
  readonly quorum?: number | undefined;
  /** Two honest machines may give other bytes. */
  readonly loose?: boolean | undefined;
}

/** The file that a job keeps, as it opens it. */
export interface CheckpointWish {
  readonly file: string;
  readonly everyMs?: number | undefined;
  readonly maxBytes?: number | undefined;
}

/** Which machines may have a job; what is left out is no matter. */
export interface WhereWish {
  readonly labels?: readonly string[] | undefined;
  readonly arch?: string | undefined;
  readonly memoryBytes?: number | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly data?: string | undefined;
}

/** A job that the hive took. */
export interface Submitted {
  /** Its number in the hive. */
  readonly job: string;
  /** Hash of its manifest: what the receipt binds. */
  readonly jobId: string;
}

/** Input up to this size rides in the manifest's line, bytes. */
export const inlineBytes = 6 * 1024;
/** Longest line that the hive takes, with room for what it adds. */
export const longestLine = 16_000;
/** A manifest is good for so long, milliseconds. */
const validFor = 600_000;

function whereOf({ labels, arch, memoryBytes, classes, data }: WhereWish): object | undefined {
  const where = {
    ...(labels?.length ? { labels } : {}),
    ...(arch === undefined ? {} : { arch }),
    ...(memoryBytes === undefined ? {} : { memory_bytes: memoryBytes }),
    ...(classes?.length ? { classes } : {}),
    ...(data === undefined ? {} : { data }),
  };
  return Object.keys(where).length > 0 ? where : undefined;
}

/** What a manifest says of where, when and in which order a job runs. */
function orderingOf({ where, priority, deadlineMs, replicas, quorum, loose }: Wish): object {
  const wanted = whereOf(where ?? {});
  return {
    ...(wanted ? { where: wanted } : {}),
    ...(priority ? { priority } : {}),
    ...(deadlineMs === undefined ? {} : { deadline_ms: deadlineMs }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(quorum === undefined ? {} : { quorum }),
    ...(loose ? { determinism: "loose" } : {}),
  };
}

function checkpointOf({ file, everyMs, maxBytes }: CheckpointWish): object {
  return {
    file,
    ...(everyMs === undefined ? {} : { every_ms: everyMs }),
    ...(maxBytes === undefined ? {} : { max_bytes: maxBytes }),
  };
}

function detailsOf(
  wish: Wish,
  stdin: Pick<Content, "bytes" | "digest"> | undefined,
  array?: Part,
): Uint8Array {
  const { args, env, fuel, fresh, workClass, checkpoint } = wish;
  const details = {
    ...(args.length > 0 ? { args } : {}),
    ...(Object.keys(env).length > 0 ? { env } : {}),
    ...(stdin && stdin.bytes > 0 ? { stdin: stdin.digest } : {}),
    ...(fuel === undefined ? {} : { limits: { fuel: String(fuel) } }),
    ...(fresh ? { grade: "fresh" } : {}),
    ...(workClass === undefined ? {} : { class: workClass }),
    ...(checkpoint ? { checkpoint: checkpointOf(checkpoint) } : {}),
    ...orderingOf(wish),
    ...(array ? { array } : {}),
    nonce: randomBytes(9).toString("base64url"),
  };
  return Buffer.from(JSON.stringify(details));
}

/** What the manifest of one part of an array says of it. */
export interface Part {
  readonly first: number;
  readonly total: number;
  /** SHA-256 over the digests of the part's inputs in hex, a line each. */
  readonly inputs: string;
}

/** Signs what is to run. Times are milliseconds since 1970. */
export function manifestOf(
  signer: Signer,
  digest: string,
  stdin: Content | undefined,
  wish: Wish,
  now: number,
  array?: Part,
): { readonly manifest: SignedManifest; readonly jobId: string } {
  return signManifest(signer, {
    payload: {
      kind: "wasm",
      module_cid: `sha256:${digest}`,
      input: [...detailsOf(wish, stdin, array)],
      ...(wish.wallMs === undefined ? {} : { max_duration_ms: wish.wallMs }),
      ...(wish.memoryBytes === undefined ? {} : { max_memory_bytes: wish.memoryBytes }),
    },
    createdAt: BigInt(now) * 1_000_000n,
    expiresAt: BigInt(now + validFor) * 1_000_000n,
  });
}

interface Answer {
  readonly verdict?: string;
  readonly kind?: string;
  readonly code?: string;
  readonly message?: string;
  readonly next?: string;
  readonly result?: { readonly job?: string; readonly array?: string; readonly part?: string };
}

/** Controls that stay open on a connection, by path: a command is then one write and one read. */
const openControls = new WeakMap<Client, Map<string, Promise<RemoteFile>>>();

function controlOf(client: Client, path: string): Promise<RemoteFile> {
  const open = openControls.get(client) ?? new Map<string, Promise<RemoteFile>>();
  openControls.set(client, open);
  const known = open.get(path);
  if (known) return known;
  const opening = client.open(path, "readWrite");
  open.set(path, opening);
  opening.catch(() => open.delete(path));
  return opening;
}

/** Answers that nobody read stand before those that are asked for: such a file is not used again. */
function giveUp(client: Client, path: string): void {
  const open = openControls.get(client);
  open
    ?.get(path)
    ?.then((file) => file.close())
    .catch(() => undefined);
  open?.delete(path);
}

/** Writes one command and reads its answer; a refusal is thrown as the fault that the hive told. */
export async function ask(
  client: Client,
  path: string,
  command: object,
  signal?: AbortSignal,
): Promise<Answer> {
  const ctl = await controlOf(client, path);
  signal?.throwIfAborted();
  const line = Buffer.from(`${JSON.stringify(command)}\n`);
  // Both at once: the answer stands behind the command, whichever it is. A refusal's errno is a word; its answer says
  // why.
  const [written, told] = await Promise.allSettled([
    ctl.write(line, 0, { signal }),
    ctl.read(0, ctl.iounit, { signal }).then((bytes) => Buffer.from(bytes).toString()),
  ]);
  if (told.status === "rejected") giveUp(client, path);
  const text = told.status === "fulfilled" ? told.value : "";
  const answer = readAnswer(text);
  if (answer?.verdict === "ok") return answer;
  if (answer?.code === undefined) throw written.status === "rejected" ? written.reason : fault.answer(text);
  throw new Fault((answer.kind ?? "internal") as Fault["kind"], answer.code, answer.message ?? "", {
    ...(answer.next === undefined ? {} : { cure: answer.next }),
  });
}

function readAnswer(text: string): Answer | undefined {
  try {
    // The last line: one before it is of a command whose caller did not wait.
    return JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as Answer;
  } catch {
    return undefined;
  }
}

/** Digests of modules that the hive has, as far as is known on a connection to it. */
const modulesThere = new WeakMap<Client, Set<string>>();

/** Whether the hive lacks a module, as far as one may see that: who may not look may still have it run. */
async function lacks(client: Client, module: Content): Promise<boolean> {
  const there = await client.getattr(`/cas/${module.digest}`).catch(() => undefined);
  return there !== undefined && Number(there.size) < module.bytes;
}

/**
 * Hands something in whose module the hive is to have. What it lacks is stored before it is asked, for a refusal for nothing is
 * no answer to work, and again where it has lost it since.
 */
export async function withModule<T>(
  { client, module, sent, signal }: Pick<Submission, "client" | "module" | "sent" | "signal">,
  hand: () => Promise<T>,
): Promise<T> {
  const store = (): Promise<void> => upload(client, module, sent, signal);
  const known = modulesThere.get(client) ?? new Set<string>();
  modulesThere.set(client, known);
  if (!known.has(module.digest) && (await lacks(client, module))) await store();
  known.add(module.digest);
  return await hand().catch(async (thrown: unknown) => {
    if (!(thrown instanceof Fault) || thrown.code !== "jobs.module") throw thrown;
    await store();
    return await hand();
  });
}

/** What is submitted and how. */
export interface Submission {
  readonly client: Client;
  readonly signer: Signer;
  readonly module: Content;
  readonly stdin: Content;
  readonly wish: Wish;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly signal?: AbortSignal | undefined;
  /** Jobs that have to end well before it starts. */
  readonly needs?: readonly string[];
  /** The job whose output is its input; `stdin` is empty then. */
  readonly from?: string | undefined;
  /** Bytes of input or module that were stored. */
  readonly sent?: (bytes: number) => void;
}

/**
 * Hands a job in: the input is stored first where it is long, the module where the hive lacks it.
 * Throws the hive's refusal, and `run.oversize`.
 */
export async function submit(what: Submission): Promise<Submitted> {
  const { client, signer, module, stdin, wish, now, signal, sent, needs = [], from } = what;
  const { manifest, jobId } = manifestOf(signer, module.digest, stdin, wish, now);
  const command = (inline: boolean) => ({
    op: "submit",
    manifest,
    ...(needs.length > 0 ? { needs } : {}),
    ...(from === undefined ? {} : { stdin: { job: from } }),
    ...(inline ? { stdin: { inline: stdin.held?.toString("base64") ?? "" } } : {}),
  });
  const fits = (inline: boolean) => JSON.stringify(command(inline)).length <= longestLine;
  const inline = stdin.bytes > 0 && stdin.bytes <= inlineBytes && stdin.held !== undefined && fits(true);
  if (!inline && !fits(false)) throw fault.oversize();
  if (!inline && stdin.bytes > 0) await upload(client, stdin, sent, signal);
  const hand = () => ask(client, "/jobs/ctl", command(inline), signal);
  const answer = await withModule(what, hand);
  const job = answer.result?.job;
  if (job === undefined) throw fault.answer(JSON.stringify(answer));
  return { job, jobId };
}
