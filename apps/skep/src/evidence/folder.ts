import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { faults } from "@skep/fault";
import { readTar, type TarEntry, writeTar } from "../care/tar.ts";

const fault = faults("pack", {
  there: [
    "conflict",
    "Cannot write the pack: something is there",
    { cure: "Name a folder that is not there" },
  ],
  none: ["absent", "Cannot find a pack", { cure: "Look at the name, and at the directory that you are in" }],
  form: [
    "invalid",
    "Cannot read what is no pack",
    { cure: "Give a folder of `skep evidence pack`, or a file of `skep evidence bundle`" },
  ],
  large: ["oversize", "Cannot read a pack of more than 64 MiB"],
});

const most = 64 * 1024 * 1024;

/** Writes a pack into a new folder. Throws `pack.there`. */
export function writePack(dir: string, files: ReadonlyMap<string, string>): void {
  if (existsSync(dir)) throw fault.there(dir);
  for (const [name, text] of files) {
    const path = join(dir, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { flag: "wx", mode: 0o600 });
  }
}

async function* entriesOf(files: ReadonlyMap<string, string>): AsyncGenerator<TarEntry> {
  for (const [name, text] of [...files].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const bytes = Buffer.from(text);
    async function* body(): AsyncGenerator<Uint8Array> {
      yield bytes;
    }
    yield { name, size: bytes.length, mode: 0o600, body: body() };
  }
}

/** Writes a pack as one tar file, byte for byte the same for the same pack. Throws `pack.there`. */
export async function writeBundle(file: string, files: ReadonlyMap<string, string>): Promise<void> {
  if (existsSync(file)) throw fault.there(file);
  const parts = await Array.fromAsync(writeTar(entriesOf(files)));
  writeFileSync(file, Buffer.concat(parts), { flag: "wx", mode: 0o600 });
}

function readFolder(dir: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  let bytes = 0;
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    bytes += statSync(path).size;
    if (bytes > most) throw fault.large(dir);
    files.set(relative(dir, path), readFileSync(path, "utf8"));
  }
  return files;
}

async function readBundle(file: string): Promise<ReadonlyMap<string, string>> {
  if (statSync(file).size > most) throw fault.large(file);
  const files = new Map<string, string>();
  async function* chunks(): AsyncGenerator<Buffer> {
    yield readFileSync(file);
  }
  try {
    for await (const { name, body } of readTar(chunks())) {
      const parts: Uint8Array[] = [];
      for await (const part of body) parts.push(part);
      files.set(name, Buffer.concat(parts).toString());
    }
  } catch (cause) {
    throw fault.form(file, { cause });
  }
  return files;
}

/** The files of a pack: a folder, or a bundle. Throws `pack.none`, `.form`, `.large`. */
export async function readPack(path: string): Promise<ReadonlyMap<string, string>> {
  if (!existsSync(path)) throw fault.none(path);
  const files = statSync(path).isDirectory() ? readFolder(path) : await readBundle(path);
  if (!files.has("manifest.json")) throw fault.form(path);
  return files;
}
