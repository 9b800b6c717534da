import { detailCap } from "./reply.ts";

const longest = 64;

/**
 * The `data=` of a CAT acknowledgement (facts §4): lines joined by `|`, chosen from the newest backwards while they fit
 * the 128 bytes beside `path=… data=`. Lines over 64 bytes are left out, and lines that begin with `[` where others
 * exist. Where the first line begins with `b64:` the summary is the beginning of that line.
 */
export function summarize(path: string, lines: readonly string[]): string {
  const room = detailCap - Buffer.byteLength(`path=${path} data=`);
  const first = lines[0] ?? "";
  if (first.startsWith("b64:")) return first.slice(0, Math.max(0, room));
  const short = lines.filter((line) => line !== "" && Buffer.byteLength(line) <= longest);
  const spoken = short.filter((line) => !line.startsWith("["));
  const candidates = spoken.length > 0 ? spoken : short;
  const chosen: string[] = [];
  let used = 0;
  for (const line of candidates.toReversed()) {
    const size = Buffer.byteLength(line) + (chosen.length > 0 ? 1 : 0);
    if (used + size > room) break;
    chosen.unshift(line);
    used += size;
  }
  return chosen.join("|");
}
