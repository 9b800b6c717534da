import { fault } from "./faults.ts";

/**
 * The lines of a followed stream, without their newlines, however its bytes are cut; what comes after the last
 * newline is a line when the stream is over. A line of more than `limit` bytes (16,384 by default) throws
 * `ninep.oversize`.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, limit = 16_384): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      if (end - from > limit) throw fault.oversize("line");
      yield bytes.toString("utf8", from, end);
      from = end + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > limit) throw fault.oversize("line");
  }
  if (rest.length > 0) yield rest.toString("utf8");
}
