import { open, readFile, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A file of the host and where it must stand inside. */
export interface Bind {
  readonly from: string;
  readonly to: string;
}

/** The loader that a 64-bit little-endian ELF program names, or undefined. */
export function interpreterOf(head: Buffer): string | undefined {
  if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1)
    return undefined;
  const table = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  for (let n = 0; n < count; n++) {
    const at = table + n * size;
    if (at + 56 > head.length) return undefined;
    if (head.readUInt32LE(at) !== 3) continue;
    const from = Number(head.readBigUInt64LE(at + 8));
    const length = Number(head.readBigUInt64LE(at + 32));
    return from + length > head.length ? undefined : head.toString("latin1", from, from + length - 1);
  }
  return undefined;
}

/** Shared objects in the text of /proc/self/maps, under the name that the loader asks for. */
export function mappedLibraries(maps: string): Bind[] {
  const found = new Map<string, string>();
  for (const line of maps.split("\n")) {
    const path = line.slice(line.indexOf("/"));
    const soname = /^(\/(?:usr\/)?lib.*\/[^/]+\.so(?:\.\d+)?)[.\d]*$/.exec(path)?.[1];
    if (line.includes("/") && soname) found.set(soname, path);
  }
  return [...found].map(([to, from]) => ({ from, to }));
}

/** Everything that the running Node needs from the file system, and nothing else; throws where it cannot be told. */
export async function programFiles(node: string): Promise<Bind[]> {
  const file = await open(node);
  const head = Buffer.alloc(4096);
  try {
    await file.read(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
  const loader = interpreterOf(head);
  if (loader === undefined) throw new Error("the program is no dynamic ELF file");
  const binds = mappedLibraries(await readFile("/proc/self/maps", "utf8"));
  const known = new Set(
    binds.map((bind) => join(dirname(bind.to), bind.to.slice(bind.to.lastIndexOf("/") + 1))),
  );
  if (!known.has(loader)) binds.push({ from: await realpath(loader), to: loader });
  return binds;
}
