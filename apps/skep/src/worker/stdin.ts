import { createHash } from "node:crypto";
import type { Client } from "@skep/ninep";
import { type Pace, unpaced } from "../owner/pace.ts";
import { fault } from "./faults.ts";
import type { Lease } from "./lease.ts";

type Use = <T>(act: (client: Client) => Promise<T>) => Promise<T>;

/** Reads a blob piece by piece as it is asked for, over as many connections as that takes. */
async function* blob(digest: string, bytes: number, use: Use, pace: Pace): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let at = 0;
  let open: { readonly client: Client; readonly file: Awaited<ReturnType<Client["open"]>> } | undefined;
  try {
    while (at < bytes) {
      const piece = await use(async (client) => {
        if (open?.client !== client) open = { client, file: await client.open(`/cas/${digest}`) };
        // A copy: the view ends with the next message.
        return Buffer.from(await open.file.read(at, Math.min(open.file.iounit, 65_536)));
      });
      if (piece.length === 0) throw fault.stdin(`${digest}: it ends after ${at} of ${bytes} bytes`);
      hash.update(piece);
      at += piece.length;
      await pace(piece.length);
      if (at === bytes && hash.digest("hex") !== digest)
        throw fault.stdin(`${digest}: the bytes have another digest`);
      yield piece;
    }
  } finally {
    await open?.file.close();
  }
}

/** The input of a job: at once where it is small, else pulled from the hive as the module reads. */
export function inputOf(
  { stdin }: Lease,
  use: Use,
  pace: Pace = unpaced,
): Uint8Array | AsyncIterable<Uint8Array> {
  if (stdin.digest === undefined) return Buffer.from(stdin.inline ?? "", "base64");
  return blob(stdin.digest, stdin.bytes, use, pace);
}

/** SHA-256 of the input, hex; for a large one its name, which `inputOf` holds the bytes against. */
export function inputDigest({ stdin }: Lease): string {
  return (
    stdin.digest ??
    createHash("sha256")
      .update(Buffer.from(stdin.inline ?? "", "base64"))
      .digest("hex")
  );
}
