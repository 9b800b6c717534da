import { cannotFollow, type ConsoleHandle, type ConsoleSession } from "@skep/edge-console";
import { Fault } from "@skep/fault";
import type { Client, RemoteFile } from "@skep/ninep";
import { isDirectory } from "../client/tree.ts";

interface Kept {
  readonly base: number;
  readonly next: number;
}

// What a stream keeps stands in its JSON twin; nothing else has one with both.
async function keptOf(client: Client, path: string, signal: AbortSignal): Promise<Kept | undefined> {
  try {
    const told = JSON.parse(String(await client.readAll(`${path}.json`, { signal }))) as Partial<Kept> | null;
    const { base, next } = told ?? {};
    return typeof base === "number" && typeof next === "number" ? { base, next } : undefined;
  } catch {
    return undefined;
  }
}

// An errno's own name is no word of the console: the kind says it there.
function inWords(thrown: unknown): unknown {
  if (!(thrown instanceof Fault) || thrown.code !== "ninep.remote") return thrown;
  const { kind, code, message } = thrown;
  return new Fault(kind, code, message, { cause: thrown });
}

async function telling<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    throw inWords(thrown);
  }
}

/** A content address is where bytes are stored as they are; elsewhere one payload is one line. */
const isBlob = (path: string): boolean => /^\/cas\/[0-9a-f]{64}$/.test(path);

function handle(client: Client, path: string, file: RemoteFile, signal: AbortSignal): ConsoleHandle {
  return {
    kind: isDirectory(file) ? "dir" : isBlob(path) ? "blob" : "text",
    list: async () => (await telling(() => client.readdir(path, { signal }))).map(({ name }) => name),
    read: (offset, count) => telling(() => file.read(offset, Math.min(count, file.iounit), { signal })),
    append: (bytes) => telling(() => file.write(bytes, 0, { signal })),
    close: () => file.close(),
  };
}

/** A 9P client as the console uses a session; closing it is its owner's business unless `owned`. */
export function consoleSession(client: Client, signal: AbortSignal, owned = false): ConsoleSession {
  return {
    open: async (path, mode) => {
      if (path.endsWith(".follow")) throw cannotFollow(path);
      const file = await telling(() => client.walk(path, { signal }));
      if (mode === "list" || isDirectory(file)) return handle(client, path, file, signal);
      try {
        const kept = mode === "read" ? await keptOf(client, path, signal) : undefined;
        const open = handle(client, path, await file.open(mode, { signal }), signal);
        return kept ? { ...open, kind: "stream", base: kept.base, size: kept.next - kept.base } : open;
      } catch (thrown) {
        await file.close();
        throw inWords(thrown);
      }
    },
    close: async () => {
      if (owned) await client.close();
    },
  };
}
