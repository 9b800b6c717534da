import type { Context, Danger, Question } from "./command.ts";
import { fault } from "./faults.ts";
import type { Source } from "./io.ts";
import { escapeQuoted } from "./style.ts";

const longest = 4096;

async function* chunksUntil(source: Source, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = source.chunks()[Symbol.asyncIterator]();
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  for (;;) {
    const next = await Promise.race([chunks.next(), aborted]);
    if (next === undefined || next.done) break;
    yield next.value;
  }
  if (!signal.aborted) await chunks.return?.();
}

/** The first line of `source`, without its newline; undefined when it ends before one begins. */
export async function readLine(source: Source, signal: AbortSignal): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunksUntil(source, signal)) {
    parts.push(chunk);
    length += chunk.length;
    if (chunk.includes(0x0a) || length > longest) break;
  }
  if (length === 0) return undefined;
  return Buffer.concat(parts).toString("utf8").split(/\r?\n/, 1)[0];
}

interface Asking {
  readonly context: Omit<Context, "confirm">;
  /** Writes to stderr, with `--quiet` too: an operator must see what is asked. */
  readonly ask: (text: string) => void;
}

async function answer({ context, ask }: Asking, text: string): Promise<string> {
  ask(text);
  return ((await readLine(context.io.stdin, context.signal)) ?? "").trim();
}

const canAsk = ({ io, global }: Asking["context"]) =>
  global.input && !global.json && io.stdin.isTTY && io.stderr.isTTY;

type Grade = (asking: Asking, question: Question, flags: Readonly<Record<string, unknown>>) => Promise<void>;

// Mild: agreed unless someone who can be asked says no.
const mild: Grade = async (asking, { act }) => {
  if (!canAsk(asking.context)) return;
  if (/^n/i.test(await answer(asking, `${act}? [Y/n] `))) throw fault.declined();
};

const moderate: Grade = async (asking, { act }, flags) => {
  if (flags.yes === true) return;
  if (!canAsk(asking.context)) throw fault.unconfirmed(act, { cure: "Say --yes to agree beforehand" });
  if (!/^y(es)?$/i.test(await answer(asking, `${act}? [y/N] `))) throw fault.declined();
};

const severe: Grade = async (asking, { act, name }, flags) => {
  const cure = "Say --confirm=NAME with the name of what is lost to agree beforehand";
  if (typeof flags.confirm === "string") {
    if (flags.confirm === name) return;
    throw fault.unconfirmed(act, { cure: `--confirm names something else; it is about "${name}"` });
  }
  if (!canAsk(asking.context)) throw fault.unconfirmed(act, { cure });
  const typed = await answer(asking, `${act}. This cannot be undone.\nType "${name}" to go on: `);
  if (typed !== name) throw fault.declined();
};

const grades: Readonly<Record<Danger, Grade>> = { mild, moderate, severe };

/** Asks in the grade of `danger`; throws `cli.unconfirmed` where nobody can be asked, `cli.declined` on a no. */
export async function confirm(
  danger: Danger,
  asking: Asking,
  question: Question,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const shown = { act: escapeQuoted(question.act), name: escapeQuoted(question.name) };
  // The comparison is with what is shown: a name that a terminal would distort is typed in its escaped form.
  await grades[danger](asking, shown, flags);
}
