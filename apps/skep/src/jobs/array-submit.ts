import { createHash } from "node:crypto";
import type { Client } from "@skep/ninep";
import type { Signer } from "@skep/receipt";
import { type Content, heldContent, upload } from "./blob.ts";
import { fault } from "./faults.ts";
import type { NamedInput } from "./inputs.ts";
import {
  ask,
  inlineBytes,
  longestLine,
  manifestOf,
  type Submitted,
  type Wish,
  withModule,
} from "./submit.ts";

/** An array to hand in. */
export interface ArraySubmission {
  readonly client: Client;
  readonly signer: Signer;
  readonly module: Content;
  readonly inputs: readonly NamedInput[];
  readonly wish: Wish;
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
  /** So many more jobs were handed in, in the order of their inputs. */
  readonly given: (jobs: readonly Submitted[]) => void;
}

type Given = { readonly inline: string } | { readonly digest: string };

interface Piece {
  readonly first: number;
  readonly inputs: Given[];
  readonly digests: string[];
}

/** Inputs of one line at most; the hive takes 1,024. */
const mostOfLine = 1000;
/** What a line takes beside its inputs: the signed manifest, with arguments as numbers. */
const aroundInputs = 1200;

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");
const sizeOf = (given: Given): number => JSON.stringify(given).length + 1;

async function give(bytes: Buffer, { client, signal }: ArraySubmission, room: number): Promise<Given> {
  const inline = { inline: bytes.toString("base64") };
  if (bytes.length <= inlineBytes && sizeOf(inline) <= room) return inline;
  const content = heldContent(bytes);
  await upload(client, content, undefined, signal);
  return { digest: content.digest };
}

/** Inputs, as many as one line takes. */
async function* piecesOf(what: ArraySubmission, room: number): AsyncGenerator<Piece> {
  let piece: Piece = { first: 0, inputs: [], digests: [] };
  let bytes = 0;
  for (const [at, input] of what.inputs.entries()) {
    const content = await input.bytes();
    const given = await give(content, what, room);
    const size = sizeOf(given);
    if (piece.inputs.length > 0 && (bytes + size > room || piece.inputs.length === mostOfLine)) {
      yield piece;
      piece = { first: at, inputs: [], digests: [] };
      bytes = 0;
    }
    piece.inputs.push(given);
    piece.digests.push(sha256(content));
    bytes += size;
  }
  yield piece;
}

/** What the receipt of one job of an array binds: its part's manifest, and its place. */
export function memberJobId(manifest: string, index: number): string {
  return sha256(`skep-array:v1:${manifest}:${index}`);
}

/**
 * Hands in one job for each input, some hundred with each line, each line signed with the digests of its inputs. Gives the
 * number of the array. Throws the hive's refusal, and `run.oversize`.
 */
export async function submitArray(what: ArraySubmission): Promise<string> {
  const { client, signer, module, inputs, wish, now, signal, given } = what;
  const bare = manifestOf(signer, module.digest, undefined, wish, now(), {
    first: inputs.length,
    total: inputs.length,
    inputs: sha256(""),
  });
  const room = longestLine - JSON.stringify(bare.manifest).length - 200;
  if (room < aroundInputs) throw fault.oversize();
  const hand = async (piece: Piece, array?: string): Promise<string> => {
    const digest = createHash("sha256");
    for (const one of piece.digests) digest.update(`${one}\n`);
    const part = { first: piece.first, total: inputs.length, inputs: digest.digest("hex") };
    const { manifest, jobId } = manifestOf(signer, module.digest, undefined, wish, now(), part);
    const line = { op: "array", manifest, inputs: piece.inputs, ...(array === undefined ? {} : { array }) };
    const answer = await ask(client, "/jobs/ctl", line, signal);
    const { array: id, part: record } = answer.result ?? {};
    if (id === undefined || record === undefined) throw fault.answer(JSON.stringify(answer));
    given(
      piece.inputs.map((_, at) => ({ job: `${record}.${at}`, jobId: memberJobId(jobId, piece.first + at) })),
    );
    return id;
  };
  let array: string | undefined;
  for await (const piece of piecesOf(what, room))
    if (array === undefined) array = await withModule(what, () => hand(piece));
    else await hand(piece, array);
  return array ?? "";
}
