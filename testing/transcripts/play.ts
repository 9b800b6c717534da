import { isUtf8 } from "node:buffer";
import { Fault } from "@skep/fault";
import { escapeForeign } from "@skep/text";
import { difference, linesOfAnswer } from "./alike.ts";
import { type Answer, ConsoleRefusal, type Door } from "./door.ts";
import { type Act, exceptions } from "./exceptions.ts";
import type { Actor, Block, Step } from "./format.ts";
import { HttpRefusal } from "./http-door.ts";

/** An actor on the stage. */
export interface Entry {
  readonly door: Door;
  /** The kernel's own session of the same ticket, for what the edge cannot carry. */
  readonly understudy: Door;
  /** Id of the last block of its ticket, which `$<name>` stands for. */
  readonly block: string;
}

/** A fresh hive behind one edge. */
export interface Stage {
  enter(actor: Actor): Promise<Entry>;
}

/** What came of one step. */
export interface Played {
  readonly step: Step;
  readonly act: Act;
  readonly answer: Answer;
}

const answersPath = "/proc/9p/session/self/answers";

interface Playing extends Entry {
  /** Its answers can be read: results and codes are known. */
  readonly told: boolean;
}

type Doing = Exclude<Step, { do: "actor" } | { do: "as" }>;

function actOf(step: Doing): Act {
  const { path } = step;
  if (step.do === "ls" || step.do === "read")
    return { verb: step.do === "ls" ? "LS" : "CAT", path, text: "" };
  const texts = step.do === "batch" ? step.lines : [step.text];
  const text = texts.reduce((longest, line) => (line.length > longest.length ? line : longest), "");
  return { verb: "ECHO", path, text };
}

/** Content as lines: text with controls escaped as every line protocol shows them, the rest as base64. */
export function contentLines(bytes: Uint8Array): string[] {
  if (!isUtf8(bytes)) return [`b64:${Buffer.from(bytes).toString("base64")}`];
  const lines = Buffer.from(bytes).toString("utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line) => escapeForeign(line, { form: "wire" }));
}

async function answersOf(door: Door): Promise<string> {
  return Buffer.from(await door.read(answersPath)).toString("utf8");
}

interface Learnt {
  readonly result: string;
  readonly code: string | undefined;
}

/** Does something, and reads what was answered to it where the actor can. */
async function learning(at: Playing, door: Door, act: () => Promise<Answer>): Promise<Answer> {
  if (!at.told) return act();
  const before = await answersOf(door).catch(() => "");
  const answer = await act();
  const after = await answersOf(door).catch(() => "");
  const learnt = after === before ? undefined : learn(after);
  if (learnt === undefined || answer.is === "lines") return answer;
  return answer.is === "ok" ? { ...answer, result: learnt.result } : { ...answer, code: learnt.code };
}

function learn(answers: string): Learnt {
  const line = answers.trimEnd().split("\n").at(-1) ?? "";
  const { result, code } = JSON.parse(line) as { result?: unknown; code?: string };
  return { result: result === undefined || result === null ? "" : JSON.stringify(result), code };
}

function refused(thrown: unknown, took?: number): Answer {
  if (!(thrown instanceof Fault) && !(thrown instanceof ConsoleRefusal)) throw thrown;
  const code = thrown instanceof HttpRefusal ? thrown.code : undefined;
  return { is: "refused", by: thrown, code, ...(took === undefined ? {} : { took }) };
}

async function tryTo(act: () => Promise<Answer>): Promise<Answer> {
  try {
    return await act();
  } catch (thrown) {
    return refused(thrown);
  }
}

async function batch(door: Door, path: string, lines: readonly string[]): Promise<Answer> {
  const all = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  const { taken } = await door.write(path, all);
  const took = all.subarray(0, taken).toString("utf8").split("\n").length - 1;
  if (taken === all.length) return { is: "lines", lines: [`took ${took}`] };
  // What was not taken is sent again, which is how a client comes to know why.
  try {
    await door.write(path, all.subarray(taken));
  } catch (thrown) {
    return refused(thrown, took);
  }
  throw new Error(`${door.edge} took ${taken} bytes of ${path} and then the rest`);
}

function carryOut(step: Doing, at: Playing, door: Door): Promise<Answer> {
  const { path } = step;
  const ok = { is: "ok", result: "" } as const;
  switch (step.do) {
    case "ls":
      return tryTo(async () => ({ is: "lines", lines: await door.ls(path) }));
    case "read":
      return tryTo(async () => ({ is: "lines", lines: contentLines(await door.read(path)) }));
    case "batch":
      return learning(at, door, () => tryTo(() => batch(door, path, step.lines)));
    case "repeat":
      return tryTo(async () => {
        for (let n = 1; n <= step.times; n++)
          await door.write(path, Buffer.from(`${step.text.replaceAll("$n", String(n))}\n`));
        return ok;
      });
    default: {
      const bytes = Buffer.from(step.do === "put" ? step.text : `${step.text}\n`);
      return learning(at, door, () =>
        tryTo(async () => {
          const { result = "" } = await door.write(path, bytes);
          // Compared where the session's answers can be read too.
          return at.told ? { ...ok, result } : ok;
        }),
      );
    }
  }
}

/** The documented exception is checked to be one; then the understudy does the step. */
async function excepted(step: Doing, at: Playing, act: Act): Promise<Answer> {
  const exception = exceptions[at.door.edge]?.find(({ applies }) => applies(act));
  if (!exception) return carryOut(step, at, at.door);
  const answer = await carryOut(step, at, at.door);
  const reply = answer.is === "refused" && answer.by instanceof ConsoleRefusal ? answer.by.reply : undefined;
  const { reason, detail } = exception.answer;
  if (reply?.reason !== reason || (reply.detail ?? "") !== (detail ?? ""))
    throw new Error(
      `${exception.why}: but ${act.verb} ${act.path} gave ${linesOfAnswer(answer).join(" / ")}`,
    );
  return carryOut(step, at, at.understudy);
}

/** One edge's way through a transcript. */
export class Play {
  readonly #stage: Stage;
  readonly #entries = new Map<string, Playing>();
  readonly #values = new Map<string, string>();
  #now: Playing | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Plays a block; one entry for each step that is answered. */
  async block({ steps }: Block): Promise<Played[]> {
    const played: Played[] = [];
    for (const step of steps) {
      if (step.do === "actor") await this.#enter(step.actor);
      else if (step.do === "as") this.#turnTo(step.name);
      else played.push(await this.#do(this.#expand(step)));
    }
    return played;
  }

  async #enter(actor: Actor): Promise<void> {
    const entry = await this.#stage.enter(actor);
    const told = await entry.door.read(answersPath).then(
      () => true,
      () => false,
    );
    this.#values.set(actor.name, entry.block);
    this.#entries.set(actor.name, { ...entry, told });
    this.#now ??= this.#entries.get(actor.name);
  }

  #turnTo(name: string): void {
    this.#now = this.#entries.get(name);
  }

  // A name that nothing was kept under stays: commands have `$key` of their own.
  #fill(text: string): string {
    return text.replace(/\$(\w+)/g, (all, name: string) => this.#values.get(name) ?? all);
  }

  #expand(step: Doing): Doing {
    const path = this.#fill(step.path);
    if (step.do === "batch") return { ...step, path, lines: step.lines.map((line) => this.#fill(line)) };
    if (step.do === "ls" || step.do === "read") return { ...step, path };
    return { ...step, path, text: this.#fill(step.text) };
  }

  async #do(step: Doing): Promise<Played> {
    if (!this.#now) throw new Error("nobody is on the stage");
    const act = actOf(step);
    const answer = await excepted(step, this.#now, act);
    if (step.do === "write" && step.keep !== undefined) this.#keep(step.keep, answer);
    return { step, act: { ...act, path: this.#hide(act.path) }, answer: this.#hidden(answer) };
  }

  #keep(name: string, answer: Answer): void {
    if (answer.is !== "ok")
      throw new Error(`nothing to keep as $${name}: ${linesOfAnswer(answer).join(" ")}`);
    this.#values.set(name, String((JSON.parse(answer.result) as Record<string, unknown>)[name]));
  }

  /** What differs from hive to hive by its name: kept values, times, and numbers of records. */
  #hide(text: string): string {
    let hidden = text.replace(/\b1[6-9]\d{11}\b|\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<time>");
    hidden = hidden.replace(/\brecord \d+/g, "record <number>");
    for (const [name, value] of this.#values)
      hidden = hidden.replace(new RegExp(`(?<![\\w.])${value}(?![\\w.])`, "g"), `$${name}`);
    return hidden;
  }

  #hidden(answer: Answer): Answer {
    if (answer.is === "lines") return { ...answer, lines: answer.lines.map((line) => this.#hide(line)) };
    return answer.is === "ok" ? { ...answer, result: this.#hide(answer.result) } : answer;
  }

  async leave(): Promise<void> {
    for (const { door, understudy } of this.#entries.values()) {
      await door.close();
      await understudy.close();
    }
  }
}

/** Where an edge answered otherwise than the session did, one line each. */
export function differences(edge: string, model: readonly Played[], other: readonly Played[]): string[] {
  return model.flatMap(({ answer, act }, at) => {
    const found = other[at];
    const how = found ? difference(answer, found.answer, act) : "no answer";
    return how === undefined ? [] : [`${act.verb} ${act.path} ${act.text} over ${edge}: ${how}`];
  });
}

/** A played block as it stands in the transcript. */
export function printedAnswers(played: readonly Played[]): string[] {
  return played.flatMap(({ answer }) => linesOfAnswer(answer));
}
