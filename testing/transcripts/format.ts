import { faults } from "@skep/fault";

const fault = faults("transcript", {
  step: ["invalid", "Cannot parse transcript: no such step"],
  answers: ["invalid", "Cannot parse transcript: a block without a line of four dashes"],
});

/** Who plays: a ticket of this role with these rights. */
export interface Actor {
  readonly name: string;
  readonly role: string;
  readonly rights: readonly { readonly path: string; readonly verb: string; readonly rate?: number }[];
  /** Operations that the ticket may make in all; undefined for no limit. */
  readonly ops?: number;
}

/** One step as it is typed; strings may hold `$names`. */
export type Step =
  | { readonly do: "actor"; readonly actor: Actor }
  | { readonly do: "as"; readonly name: string }
  | { readonly do: "ls"; readonly path: string }
  | { readonly do: "read"; readonly path: string }
  /** A line; `keep` names the field of the result that is kept as `$field`. */
  | { readonly do: "write"; readonly path: string; readonly text: string; readonly keep?: string }
  /** Bytes as they are, for blobs. */
  | { readonly do: "put"; readonly path: string; readonly text: string }
  /** Lines in one write. */
  | { readonly do: "batch"; readonly path: string; readonly lines: readonly string[] }
  /** One line so many times; `$n` is the number of the turn, from 1. */
  | { readonly do: "repeat"; readonly times: number; readonly path: string; readonly text: string };

/** Steps, and the lines that answer them. */
export interface Block {
  /** As it is typed, comments included. */
  readonly source: readonly string[];
  readonly steps: readonly Step[];
  readonly expected: readonly string[];
}

function right(word: string): Actor["rights"][number] {
  const [, path = "", verb = "", rate] = /^(.*):([a-z*]+)(?:@(\d+))?$/.exec(word) ?? [];
  if (path === "") throw fault.step(word);
  return { path, verb, ...(rate === undefined ? {} : { rate: Number(rate) }) };
}

function actor(rest: string): Actor {
  const [name = "", role = "", ...words] = rest.split(/\s+/);
  const ops = words.find((word) => word.startsWith("ops="))?.slice(4);
  const rights = words.filter((word) => word.includes(":")).map(right);
  return { name, role, rights, ...(ops === undefined ? {} : { ops: Number(ops) }) };
}

const pair = (rest: string): [string, string] => {
  const [, path = "", text = ""] = /^(\S+) ?(.*)$/.exec(rest) ?? [];
  return [path, text];
};

function write(rest: string): Step {
  const [path, all] = pair(rest);
  const [, text = all, keep] = /^(.*) => (\w+)$/.exec(all) ?? [];
  return { do: "write", path, text, ...(keep === undefined ? {} : { keep }) };
}

function put(rest: string): Step {
  const [path, text] = pair(rest);
  return { do: "put", path, text };
}

function repeat(rest: string): Step {
  const [, times, path = "", text = ""] = /^(\d+) (\S+) (.*)$/.exec(rest) ?? [];
  return { do: "repeat", times: Number(times), path, text };
}

const forms: Record<string, (rest: string) => Step> = {
  actor: (rest) => ({ do: "actor", actor: actor(rest) }),
  as: (name) => ({ do: "as", name }),
  ls: (path) => ({ do: "ls", path }),
  read: (path) => ({ do: "read", path }),
  write,
  put,
  batch: (path) => ({ do: "batch", path, lines: [] }),
  repeat,
};

function stepsOf(lines: readonly string[]): Step[] {
  const steps: Step[] = [];
  for (const line of lines) {
    if (line.startsWith("#")) continue;
    const last = steps.at(-1);
    if (line.startsWith("| ") && last?.do === "batch") {
      steps[steps.length - 1] = { ...last, lines: [...last.lines, line.slice(2)] };
      continue;
    }
    const [word, rest] = pair(line);
    const form = forms[word];
    if (!form) throw fault.step(line);
    steps.push(form(rest));
  }
  return steps;
}

/**
 * Parses a transcript: blocks with blank lines between them, each some steps, a line `----`, and the lines that answer
 * the steps. A block of nothing but `#` and `actor` lines needs no answers.
 * @throws Fault `transcript.…` with the line
 */
export function parseTranscript(text: string): Block[] {
  const blocks: Block[] = [];
  for (const part of text.split(/\n{2,}/)) {
    const lines = part.split("\n").filter((line) => line !== "");
    if (lines.length === 0) continue;
    const cut = lines.indexOf("----");
    const source = cut < 0 ? lines : lines.slice(0, cut);
    const steps = stepsOf(source);
    if (cut < 0 && steps.some((step) => step.do !== "actor")) throw fault.answers(lines[0]);
    blocks.push({ source, steps, expected: cut < 0 ? [] : lines.slice(cut + 1) });
  }
  return blocks;
}

/** The transcript with other answers; parsing gives the same steps back. */
export function printTranscript(blocks: readonly Block[], answers: readonly (readonly string[])[]): string {
  return blocks
    .map(({ source, steps }, at) => {
      const silent = steps.every((step) => step.do === "actor");
      return `${[...source, ...(silent ? [] : ["----", ...(answers[at] ?? [])])].join("\n")}\n`;
    })
    .join("\n");
}
