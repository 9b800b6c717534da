import { type Client, QT, type RemoteAttr, type RemoteFile } from "@skep/ninep";
import { faults } from "@skep/fault";

const fault = faults("file", {
  directory: ["isDirectory", "Cannot read a directory", { cure: "List it with `skep ls`" }],
});

/** One name of a listing. */
export interface Listed {
  readonly name: string;
  readonly kind: "dir" | "file";
}

/** What a stat tells, in words of ours. */
export interface Told {
  readonly path: string;
  readonly kind: "dir" | "file";
  /** As `ls -l` shows it: `drwx------`. */
  readonly mode: string;
  /** Bytes; decimal where it is beyond what a number holds. */
  readonly size: number | string;
  /** Grows when the file changes. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

const kindOf = (type: number): "dir" | "file" => ((type & QT.dir) === 0 ? "file" : "dir");

/** True when a walked file is a directory. */
export function isDirectory({ qid }: RemoteFile): boolean {
  return kindOf(qid.type) === "dir";
}

/** `/a/b` below `/base`. */
export function below(base: string, name: string): string {
  return base.endsWith("/") ? base + name : `${base}/${name}`;
}

function printMode(mode: number, kind: "dir" | "file"): string {
  const bit = (mask: number, letter: string): string => ((mode & mask) === 0 ? "-" : letter);
  const all = [0o400, 0o200, 0o100, 0o40, 0o20, 0o10, 4, 2, 1].map((mask, at) =>
    bit(mask, "rwx"[at % 3] ?? ""),
  );
  return `${kind === "dir" ? "d" : "-"}${all.join("")}`;
}

/** An Rgetattr as we show it. */
export function told(path: string, attr: RemoteAttr): Told {
  const kind = kindOf(attr.qid.type);
  return {
    path,
    kind,
    mode: printMode(attr.mode, kind),
    size: typeof attr.size === "bigint" ? String(attr.size) : attr.size,
    version: attr.qid.version,
    modified: Number(attr.mtimeSec) * 1000 + Math.floor(Number(attr.mtimeNsec) / 1e6),
  };
}

/** Stats one file. */
export async function statOf(client: Client, path: string, signal?: AbortSignal): Promise<Told> {
  return told(path, await client.getattr(path, { signal }));
}

/** The names in a directory, in the hive's order; a file is its own only entry. */
export async function list(client: Client, path: string, signal?: AbortSignal): Promise<readonly Listed[]> {
  await using file = await client.walk(path, { signal });
  if (!isDirectory(file)) return [{ name: path, kind: "file" }];
  await file.open("read", { signal });
  const found: Listed[] = [];
  for await (const { name, qid } of file.entries({ signal })) found.push({ name, kind: kindOf(qid.type) });
  return found;
}

/** Opens a file that has bytes. Throws `file.directory`. */
export async function openToRead(client: Client, path: string, signal?: AbortSignal): Promise<RemoteFile> {
  const file = await client.walk(path, { signal });
  try {
    if (isDirectory(file)) throw fault.directory(path);
    return await file.open("read", { signal });
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

/** Every piece of a file, in bounded memory. */
export async function* bytesOf(file: RemoteFile, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const bytes = await file.read(at, file.iounit, { signal });
    if (bytes.length === 0) return;
    yield bytes;
    at += bytes.length;
  }
}
