/** One file of an archive, with its permission bits. */
export interface Entry {
  readonly name: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

const kinds = { dir: 0o040000, file: 0o100000 };

function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

// The "newc" form that Linux unpacks: a header of hexadecimal fields, the name, the bytes, each to a multiple of 4.
function record(name: string, mode: number, bytes: Uint8Array, number: number): Uint8Array {
  const fields = [number, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return Buffer.concat([padded(Buffer.from(`${header}${name}\0`)), padded(bytes)]);
}

/** An initramfs of these files; directories on their way are made. */
export function initramfs(entries: readonly Entry[], directories: readonly string[] = []): Buffer {
  const dirs = new Set(directories);
  for (const { name } of entries)
    for (let at = name.indexOf("/"); at > 0; at = name.indexOf("/", at + 1)) dirs.add(name.slice(0, at));
  let number = 0;
  const parts: Uint8Array[] = [];
  for (const name of [...dirs].toSorted())
    parts.push(record(name, kinds.dir | 0o755, new Uint8Array(0), ++number));
  for (const { name, mode, bytes } of entries) parts.push(record(name, kinds.file | mode, bytes, ++number));
  parts.push(record("TRAILER!!!", 0, new Uint8Array(0), 0));
  return Buffer.concat(parts);
}
