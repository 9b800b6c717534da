import type { ConsoleHandle, ConsoleSession } from "@skep/edge-console";
import { limits, parsePath } from "@skep/kernel";
import type { Client, RemoteFile } from "@skep/ninep";
import { isDirectory, list } from "../client/tree.ts";

type Mode = Parameters<ConsoleSession["open"]>[1];

async function directory(client: Client, path: string): Promise<ConsoleHandle> {
  const file = await client.walk(path);
  const found = isDirectory(file);
  await file.close();
  // Asked for as a file it is refused as one, by the hive.
  if (!found) await (await client.walk(path)).open("read").then((opened) => opened.readAll({ limit: 0 }));
  return {
    kind: "dir",
    list: async () => (await list(client, path)).map(({ name }) => name),
    read: () => new Uint8Array(0),
    append: () => 0,
    close: () => undefined,
  };
}

async function append(file: RemoteFile, bytes: Uint8Array): Promise<number> {
  await file.append(bytes);
  return bytes.length;
}

async function file(client: Client, path: string, mode: Mode): Promise<ConsoleHandle> {
  const opened = await client.open(path, mode === "append" ? "append" : "read");
  const size = mode === "append" ? undefined : Number((await opened.getattr()).size);
  return {
    kind: /^\/cas\/[0-9a-f]{64}$/.test(path) ? "blob" : "text",
    size,
    list: () => [],
    read: (offset, count) => opened.read(offset, Math.min(count, opened.iounit)),
    append: (bytes) => append(opened, bytes),
    close: () => opened.close(),
  };
}

/** A hive over 9P, as the console uses it: so its lines are answered as the console answers them, without a console. */
export function remoteSession(client: Client): ConsoleSession {
  return {
    open: async (path, mode) => {
      // A 9P client walks `..` by itself; the console has no such step.
      parsePath(path, limits);
      return mode === "list" ? directory(client, path) : file(client, path, mode);
    },
    close: () => client.close(),
  };
}
