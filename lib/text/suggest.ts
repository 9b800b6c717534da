/** Optimal string alignment: insert, delete, replace, or swap neighbours, each 1. */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let above = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let row = 1; row <= from.length; row++) {
    const line = [row];
    for (let at = 1; at <= to.length; at++) {
      const same = from[row - 1] === to[at - 1] ? 0 : 1;
      let cost = Math.min((above[at] ?? 0) + 1, (line[at - 1] ?? 0) + 1, (above[at - 1] ?? 0) + same);
      if (row > 1 && at > 1 && from[row - 1] === to[at - 2] && from[row - 2] === to[at - 1])
        cost = Math.min(cost, (before[at - 2] ?? 0) + 1);
      line.push(cost);
    }
    before = above;
    above = line;
  }
  return above[to.length] ?? 0;
}

/**
 * The candidates that `word` was probably meant to be, nearest first, at most three: within one edit for each three
 * characters (at least one), or words that it begins. Case does not count.
 */
export function suggest(word: string, candidates: Iterable<string>): string[] {
  const asked = word.toLowerCase();
  if (asked === "" || asked.length > 64) return [];
  const limit = Math.max(1, Math.floor(asked.length / 3));
  const near: [number, string][] = [];
  for (const candidate of new Set(candidates)) {
    const known = candidate.toLowerCase();
    const prefix = asked.length >= 2 && known.startsWith(asked);
    if (!prefix && Math.abs(known.length - asked.length) > limit) continue;
    const cost = prefix ? 1 : distance(asked, known);
    if (cost <= limit && cost < Math.max(asked.length, known.length)) near.push([cost, candidate]);
  }
  return near
    .sort((a, b) => a[0] - b[0])
    .slice(0, 3)
    .map(([, candidate]) => candidate);
}
