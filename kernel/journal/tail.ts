import { crc32 } from "node:zlib";
import type { Files } from "../store/files.ts";
import { fault } from "./faults.ts";

const endName = "journal/end";
const againName = "journal/again";

interface Place {
  readonly name: string;
  readonly at: number;
}

/** Where the last segment ended, and the CRC-32 of all its bytes. */
export interface End extends Place {
  readonly crc: number;
}

function sumOf(text: string, bytes: Uint8Array): string {
  return crc32(bytes, crc32(text)).toString(16).padStart(8, "0");
}

function encode({ name, at }: Place, bytes: Uint8Array): Buffer {
  const text = `${name} ${at} `;
  return Buffer.concat([Buffer.from(`${text}${sumOf(text, bytes)}\n`), bytes]);
}

async function read(files: Files, file: string): Promise<(Place & { readonly bytes: Buffer }) | undefined> {
  const size = await files.size(file);
  if (size === undefined) return undefined;
  const all = Buffer.from(await files.read(file, 0, size));
  const line = all.indexOf("\n");
  const [name = "", at = "", sum = ""] = all.subarray(0, Math.max(line, 0)).toString().split(" ");
  const bytes = all.subarray(line + 1);
  if (sum !== sumOf(`${name} ${at} `, bytes)) throw fault.damaged(file);
  return { name, at: Number(at), bytes };
}

/** A clean stop notes how far the last segment reached, so that damage at its end is not taken for a torn write. */
export async function noteEnd(files: Files, end: End): Promise<void> {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(end.crc);
  await files.replace(endName, encode(end, crc));
}

/** The noted end; undefined after a crash. */
export async function readEnd(files: Files): Promise<End | undefined> {
  const found = await read(files, endName);
  return found && { name: found.name, at: found.at, crc: found.bytes.readUInt32BE(0) };
}

/** To be done before anything is written after a clean stop. */
export async function forgetEnd(files: Files): Promise<void> {
  if ((await files.size(endName)) !== undefined) await files.remove(endName);
}

/** The bytes of the last segment, with the last group that an interrupted `writeAgain` kept beside it. */
export async function restore(files: Files, name: string, found: Uint8Array): Promise<Uint8Array> {
  const again = await read(files, againName);
  if (!again) return found;
  if (again.name !== name || again.at > found.length) throw fault.damaged(again.name);
  return Buffer.concat([found.subarray(0, again.at), again.bytes]);
}

/**
 * Writes the last group of a segment again, in place of all that stands there. After a crash its bytes can be read
 * and yet not be on the disk: nobody synced them, or a sync failed and the system took them for written. A second
 * sync would not help, only a second write does. The copy beside it keeps the group should this be interrupted.
 */
export async function writeAgain(files: Files, { name, at }: Place, bytes: Uint8Array): Promise<void> {
  await files.replace(againName, encode({ name, at }, bytes));
  if (((await files.size(name)) ?? 0) > at) await files.truncate(name, at);
  const file = await files.open(name);
  await file.append([bytes]);
  await file.sync();
  await file.close();
  await files.remove(againName);
}
