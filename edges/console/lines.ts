import type { Clock } from "@skep/clock";
import { toFault } from "@skep/fault";
import { ackOf, type Command, printErr, printOk, refusalOf } from "@skep/grammar";
import { createCounters } from "./about.ts";
import { type Client, execute, type Facts } from "./dispatch.ts";
import { longestLine, readLine, refuseLong } from "./line.ts";
import { Attacher, type Login, RateLimit } from "./login.ts";
import { TicketMeter } from "./meter.ts";
import type { ConsoleSession } from "./session.ts";

/** What a console without a connection is made of. */
export interface ConsoleLinesOptions {
  readonly login: Login;
  readonly clock: Clock;
  /** Who is attached from the start; absent until ATTACH. It stays its owner's to close. */
  readonly attached?: { readonly session: ConsoleSession; readonly role: string };
}

/** The console's commands and answers, asked one after the other over a session that is there. */
export interface ConsoleLines extends AsyncDisposable {
  /** Every line of the answer to one line, as the console sends them; nothing after QUIT. Never throws. */
  ask(line: string): Promise<readonly string[]>;
  /** QUIT was said. */
  readonly isOver: boolean;
}

// Of a listener that there is none of here.
const hostOnly: readonly string[] = ["BI", "MEM", "NETSTATS"];
const facts: Facts = {
  about: { name: "", version: "", startedAt: 0, memory: () => ({ resident: 0, heap: 0, buffers: 0 }) },
  counters: createCounters(),
  uptime: () => 0,
};

class Lines implements ConsoleLines {
  readonly #options: ConsoleLinesOptions;
  readonly #attacher: Attacher;
  #client: Client | undefined;
  #isOwn = false;
  isOver = false;

  constructor(options: ConsoleLinesOptions) {
    const { login, clock, attached } = options;
    this.#options = options;
    this.#attacher = new Attacher(clock, login, new RateLimit(clock));
    if (attached) this.#client = { ...attached, meter: undefined };
  }

  async ask(line: string): Promise<readonly string[]> {
    if (this.isOver) return [];
    if (Buffer.byteLength(line) > longestLine(line)) return [refuseLong(line)];
    const command = readLine(line);
    if (typeof command === "string") return [command];
    if (command.verb === "ATTACH") return [await this.#attach(command)];
    if (hostOnly.includes(command.verb))
      return [printErr({ verb: ackOf(command.verb), reason: "policy", detail: "host-only" })];
    const answer = await execute(command, this.#client, facts);
    if (command.verb === "QUIT") await this.#leave("quit");
    return answer;
  }

  async #attach({ role: asked, ticket }: Extract<Command, { verb: "ATTACH" }>): Promise<string> {
    const before = this.#client;
    const wasOwn = this.#isOwn;
    try {
      const { session, role, limits } = await this.#attacher.attach(asked, ticket);
      const meter = ticket === undefined ? undefined : new TicketMeter(limits ?? {}, this.#options.clock);
      this.#client = { session, role, meter };
      this.#isOwn = session !== this.#options.attached?.session;
      if (wasOwn) await before?.session.close("replaced");
      return printOk("ATTACH", [`role=${role}`]);
    } catch (thrown) {
      const { error: _, ...refusal } = refusalOf("ATTACH", toFault(thrown));
      return printErr(refusal);
    }
  }

  async #leave(how: "quit" | "lost"): Promise<void> {
    this.isOver = true;
    const client = this.#client;
    this.#client = undefined;
    if (this.#isOwn) await client?.session.close(how);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isOver) await this.#leave("lost");
  }
}

/** The console without AUTH, frames and a listener: for a command line, or a program with a session of its own. */
export function createConsoleLines(options: ConsoleLinesOptions): ConsoleLines {
  return new Lines(options);
}
