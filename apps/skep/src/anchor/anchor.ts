import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import {
  readRekorEntry,
  readTimestamp,
  type RekorEntry,
  rekorRequest,
  type Timestamp,
  timestampQuery,
} from "@skep/evidence";
import { faults } from "@skep/fault";
import { exchange, reasonOf } from "../http/exchange.ts";

const fault = faults("anchor", {
  answer: ["internal", "Cannot use what the authority answered"],
  url: ["invalid", "Cannot use as an address", { cure: "Write http://… or https://…" }],
});

/** Rekor v2 answers when its next checkpoint is there. */
const within = { timestamp: 10_000, rekor: 25_000 } as const;
const mostBytes = 256 * 1024;

/** Who may be told of a pack: an authority for timestamps (RFC 3161), a Rekor v2 log. */
export interface Anchors {
  readonly timestamp?: string | undefined;
  readonly rekor?: string | undefined;
}

/** What became of it: beside the pack lies what they answered, or `error` tells why not. */
export type Anchored<T> = (T & { readonly file: string }) | { readonly error: string };

/** Names of what stands beside a pack. */
export function besides(pack: string): { readonly timestamp: string; readonly rekor: string } {
  const name = pack.replace(/\/+$/, "");
  return { timestamp: `${name}.tsr`, rekor: `${name}.rekor.json` };
}

/** Throws `anchor.url`. */
export function checkUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol)) throw fault.url(text);
  return url;
}

async function post(
  url: URL,
  type: string,
  request: Uint8Array | string,
  withinMs: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const headers = { "content-type": type };
  const question = { method: "POST", headers, body: request, mostBytes, withinMs, signal };
  const { status, body } = await exchange(url, question);
  if (status < 200 || status > 299) throw fault.answer(`${url.host}: status ${status}`);
  return body;
}

const digestOf = (manifest: string): Buffer => createHash("sha256").update(manifest).digest();

async function stamp(file: string, url: string, manifest: string, signal: AbortSignal) {
  const nonce = randomBytes(8);
  const digest = digestOf(manifest);
  const query = timestampQuery(digest, nonce);
  const type = "application/timestamp-query";
  const answer = await post(checkUrl(url), type, query, within.timestamp, signal);
  const read = readTimestamp(answer, digest, { nonce });
  writeFileSync(file, answer, { flag: "wx", mode: 0o600 });
  return { file, ...read };
}

// A key for this one upload: whose the pack is, its seal tells; the log tells that it was there.
async function upload(file: string, url: string, manifest: string, signal: AbortSignal) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const message = Buffer.from(manifest);
  const digest = digestOf(manifest);
  const key = publicKey.export({ format: "der", type: "spki" });
  const body = rekorRequest(digest, sign("sha256", message, privateKey), key);
  const base = checkUrl(url).href.replace(/\/+$/, "");
  const entries = new URL(base.endsWith("/api/v2/log/entries") ? base : `${base}/api/v2/log/entries`);
  const answer = (await post(entries, "application/json", body, within.rekor, signal)).toString();
  const read = readRekorEntry(answer, digest, { message });
  writeFileSync(file, answer, { flag: "wx", mode: 0o600 });
  return { file, ...read };
}

async function kept<T>(made: Promise<T>): Promise<T | { readonly error: string }> {
  try {
    return await made;
  } catch (thrown) {
    return { error: reasonOf(thrown) };
  }
}

/** Has others vouch that a pack was there: never throws, for a pack without it is one all the same. */
export async function anchor(
  pack: string,
  manifest: string,
  { timestamp, rekor }: Anchors,
  signal: AbortSignal,
): Promise<{ readonly timestamp?: Anchored<Timestamp>; readonly rekor?: Anchored<RekorEntry> }> {
  const files = besides(pack);
  const [stamped, uploaded] = await Promise.all([
    timestamp === undefined ? undefined : kept(stamp(files.timestamp, timestamp, manifest, signal)),
    rekor === undefined ? undefined : kept(upload(files.rekor, rekor, manifest, signal)),
  ]);
  return { ...(stamped && { timestamp: stamped }), ...(uploaded && { rekor: uploaded }) };
}

/** Reads what stands beside a pack of that data root; nothing where nothing does. Throws `evidence.timestamp`, `.rekor`. */
export function readAnchors(
  pack: string,
  root: string,
  { roots, keys }: { readonly roots: readonly string[]; readonly keys: readonly string[] },
): { readonly timestamp?: Timestamp; readonly rekor?: RekorEntry } {
  const { timestamp, rekor } = besides(pack);
  const digest = Buffer.from(root, "hex");
  return {
    ...(existsSync(timestamp) && { timestamp: readTimestamp(readFileSync(timestamp), digest, { roots }) }),
    ...(existsSync(rekor) && { rekor: readRekorEntry(readFileSync(rekor, "utf8"), digest, { keys }) }),
  };
}
