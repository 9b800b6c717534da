const mostSources = 64;
const mark = /^\{"source":"([\w.:-]{1,64})","seq":(\d{1,15})[,}]/;

/** What ends each line. */
export const newline: Buffer = Buffer.from("\n");

/** Lines without their ends. */
export function linesOf(bytes: Uint8Array): Buffer[] {
  const lines: Buffer[] = [];
  const all = Buffer.from(bytes);
  for (let at = 0; at < all.length; ) {
    const found = all.indexOf(newline, at);
    const end = found < 0 ? all.length : found;
    lines.push(all.subarray(at, end));
    at = end + 1;
  }
  return lines;
}

/** The newest number of each source of each adapter, so that what is told again after a cut is there once. */
export class Newest {
  readonly #newest = new Map<string, Map<string, number>>();

  /** Whether a line was not told before; true for those that have no number. */
  isNew(name: string, line: Buffer): boolean {
    const [, source, number] = mark.exec(line.toString("latin1")) ?? [];
    if (source === undefined) return true;
    const newest = this.#newest.get(name) ?? new Map<string, number>();
    this.#newest.set(name, newest);
    const seq = Number(number);
    const known = newest.get(source) ?? -1;
    if (seq <= known) return false;
    newest.delete(source);
    newest.set(source, seq);
    const [oldest] = newest.keys();
    if (newest.size > mostSources && oldest !== undefined) newest.delete(oldest);
    return true;
  }

  /** A line that could not be kept is no repetition when it comes again. */
  forget(name: string, line: Buffer): void {
    const [, source, number] = mark.exec(line.toString("latin1")) ?? [];
    if (source !== undefined) this.#newest.get(name)?.set(source, Number(number) - 1);
  }
}
