import { type Command, type Context, command } from "@skep/edge-cli";
import { Fault, faults } from "@skep/fault";
import type { Client, RemoteFile } from "@skep/ninep";
import { connectOf } from "../client/connect.ts";
import { bytesOf, openToRead } from "../client/tree.ts";

const fault = faults("tail", {
  lines: ["invalid", "Cannot show less than no lines"],
  unfollowed: ["unsupported", "Cannot follow a file that is no stream", { cure: "Print it with `skep cat`" }],
});

/** The last lines of what it is given, in bounded memory while lines are of usual length. */
class LastLines {
  readonly #count: number;
  #kept: Buffer = Buffer.alloc(0);

  constructor(count: number) {
    this.#count = count;
  }

  add(bytes: Uint8Array): void {
    this.#kept = Buffer.concat([this.#kept, bytes]);
    this.#kept = this.#kept.subarray(this.#start());
  }

  get bytes(): Buffer {
    return this.#kept;
  }

  // A newline at the very end ends the last line; it begins none.
  #start(): number {
    const { length } = this.#kept;
    if (this.#count === 0) return length;
    let at = this.#kept.at(-1) === 10 ? length - 1 : length;
    for (let left = this.#count; left > 0; left -= 1) {
      at = at === 0 ? -1 : this.#kept.lastIndexOf(10, at - 1);
      if (at < 0) return 0;
    }
    return at + 1;
  }
}

async function openToFollow(client: Client, path: string, signal: AbortSignal): Promise<RemoteFile> {
  const name = path.endsWith(".follow") ? path : `${path}.follow`;
  try {
    return await openToRead(client, name, signal);
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.kind !== "absent") throw thrown;
    // Absent: either the file itself, which this says better, or its way to be followed.
    await using _there = await client.walk(path, { signal });
    throw fault.unfollowed(path);
  }
}

// What was there when it was opened is not new; the end of that is known from its size.
async function follow({ out, signal }: Context, file: RemoteFile, last: LastLines): Promise<void> {
  const there = Number((await file.getattr({ signal })).size);
  let at = 0;
  for (; at < there; ) {
    const bytes = await file.read(at, Math.min(there - at, file.iounit), { signal });
    if (bytes.length === 0) break;
    last.add(bytes);
    at += bytes.length;
  }
  await out.data(last.bytes);
  for await (const bytes of file.follow({ offset: at, signal })) await out.data(bytes);
}

/** `skep tail`. */
export const tail: Command = command({
  name: "tail",
  group: "files",
  summary: "Print the end of a file or stream",
  examples: [
    { run: "skep tail /log/queen.log", doc: "The last ten lines" },
    { run: "skep tail -f -n 0 /trace/events", doc: "What comes from now on, until Ctrl-C" },
  ],
  args: [{ name: "path", kind: "path", doc: "The file or stream" }],
  flags: {
    follow: { kind: "boolean", short: "f", doc: "Go on with what comes; streams only" },
    lines: { kind: "integer", short: "n", value: "N", default: "10", doc: "So many lines" },
  },
  run: async (context) => {
    const { args, flags, out, signal } = context;
    if (flags.lines < 0) throw fault.lines(flags.lines);
    await using client = await connectOf(context);
    const last = new LastLines(flags.lines);
    if (flags.follow) {
      await using file = await openToFollow(client, args.path, signal);
      return await follow(context, file, last);
    }
    await using file = await openToRead(client, args.path, signal);
    for await (const bytes of bytesOf(file, signal)) last.add(bytes);
    await out.data(last.bytes);
  },
});
