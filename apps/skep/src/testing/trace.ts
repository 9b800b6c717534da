/** One system call of a trace: where it began and ended among all lines, what it was about, what went through it. */
export interface Call {
  readonly name: string;
  readonly pid: string;
  /** What the descriptor is: a path, or `socket:[…]`. */
  readonly on: string;
  readonly bytes: Buffer;
  readonly result: number;
  /** Line of its entry and of its return; what is in between ran meanwhile. */
  readonly began: number;
  readonly ended: number;
}

function bytesOf(text: string): Buffer {
  const parts = [...text.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = ""]) =>
    hex.replaceAll("\\x", ""),
  );
  return Buffer.from(parts.join(""), "hex");
}

function call(text: string, pid: string, began: number, ended: number): Call | undefined {
  const match = /^(\w+)\(\d+<([^>]*)>(.*)\)\s+= (-?\d+)/s.exec(text);
  if (!match) return undefined;
  const [, name = "", on = "", args = "", result = ""] = match;
  const path = on.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return { name, pid, on: path, bytes: bytesOf(args), result: Number(result), began, ended };
}

/** Reads the output of `strace -f -y -xx`: calls in the order of their returns. */
export function parseTrace(text: string): Call[] {
  const open = new Map<string, { readonly text: string; readonly began: number }>();
  const calls: Call[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    const [, pid = "", rest = ""] = /^(\d+)\s+(.*)$/s.exec(line) ?? [];
    if (rest.endsWith("<unfinished ...>")) {
      open.set(pid, { text: rest.slice(0, -"<unfinished ...>".length).trimEnd(), began: at });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/s.exec(rest);
    const first = open.get(pid);
    if (resumed && !first) continue;
    open.delete(pid);
    const found = first
      ? call(first.text + (resumed?.[1] ?? ""), pid, first.began, at)
      : call(rest, pid, at, at);
    if (found) calls.push(found);
  }
  return calls;
}
