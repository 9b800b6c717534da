import { createHash, timingSafeEqual } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Timer } from "@skep/clock";
import { toFault } from "@skep/fault";
import {
  type Command,
  consoleLimits,
  type FrameEvent,
  FrameReader,
  parseAuth,
  printErr,
  printOk,
  refusalOf,
} from "@skep/grammar";
import { type Answer, type Client, execute, type Facts } from "./dispatch.ts";
import { longestLine, readLine, refuseLong } from "./line.ts";
import { Attacher, type Login, type RateLimit } from "./login.ts";
import { TicketMeter } from "./meter.ts";
import { Outbox } from "./outbox.ts";
import type { Awaitable } from "./session.ts";
import type { ConsoleSocket } from "./socket.ts";

/** What all connections of a console share. */
export interface Shared {
  readonly token: string;
  readonly clock: Clock;
  readonly login: Login;
  readonly rate: RateLimit;
  readonly facts: Facts;
  readonly authDeadline: number;
  readonly idleLimit: number;
}

/** Lines handled before other connections get a turn, and milliseconds. */
const quantum = { lines: 128, time: 2 };
/** ECHOs of one connection that wait for durability at once. */
const window = 64;
/** Lines of one answer that are framed in one go. */
const portion = 512;

function isToken(shown: string, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(shown), digest(token));
}

/** One client: AUTH, then ATTACH, then commands, answered in order. */
export class Connection {
  readonly #socket: ConsoleSocket;
  readonly #shared: Shared;
  readonly #outbox: Outbox;
  readonly #attacher: Attacher;
  readonly #reader: FrameReader;
  readonly #waiting: Promise<Answer>[] = [];
  #authenticated = false;
  #quitting = false;
  #client: Client | undefined;
  #heard: number;
  #timer: Timer;

  constructor(socket: ConsoleSocket, shared: Shared) {
    const { clock, login, rate, facts } = shared;
    this.#socket = socket;
    this.#shared = shared;
    this.#outbox = new Outbox(socket, facts.counters);
    this.#attacher = new Attacher(clock, login, rate);
    this.#reader = new FrameReader((head) => this.#longest(head));
    this.#heard = clock.monotonic();
    this.#timer = clock.after(shared.authDeadline, () => this.#overdue());
  }

  /** Serves until the connection ends; never throws. */
  async run(): Promise<void> {
    this.#socket.on("error", () => undefined);
    this.#socket.setNoDelay(true);
    // By hand: leaving a `for await` would destroy the socket with the last answer still on its way.
    const chunks = this.#socket[Symbol.asyncIterator]();
    await this.#quietly(() => this.#serve(chunks));
    this.#timer.stop();
    await this.#quietly(() => this.#settle());
    await this.#quietly(() => this.#client?.session.close(this.#quitting ? "quit" : "lost"));
    if (this.#quitting) await this.#quietly(() => this.#linger(chunks));
    this.#socket.destroy();
  }

  // A connection that broke has nobody to tell; its session is closed as lost.
  async #quietly(act: () => unknown): Promise<void> {
    try {
      await act();
    } catch {}
  }

  async #serve(chunks: AsyncIterator<Uint8Array>): Promise<void> {
    while (!this.#quitting) {
      const { value, done } = await chunks.next();
      if (done) return;
      await this.#take(value);
    }
  }

  /** Says the end, then reads on for a second: unread input would make the system drop what was sent. */
  async #linger(chunks: AsyncIterator<Uint8Array>): Promise<void> {
    this.#timer = this.#shared.clock.after(1000, () => this.#socket.destroy());
    this.#socket.end();
    while (!(await chunks.next()).done);
    this.#timer.stop();
  }

  /** Ends the connection from this side. */
  stop(): void {
    this.#socket.destroy();
  }

  #longest(head: string): number {
    return this.#authenticated ? longestLine(head) : consoleLimits.line;
  }

  // One timer for the whole time: it looks when the last line came and sleeps again for what is left.
  #overdue(): void {
    const { clock, idleLimit } = this.#shared;
    const left = this.#authenticated ? this.#heard + idleLimit - clock.monotonic() : 0;
    if (left <= 0) this.#socket.destroy();
    else this.#timer = clock.after(left, () => this.#overdue());
  }

  async #take(chunk: Uint8Array): Promise<void> {
    const { counters } = this.#shared.facts;
    counters.bytesIn += chunk.length;
    // In portions: what a frame may be depends on whether the frames before it authenticated.
    let handled = 0;
    let began = this.#shared.clock.monotonic();
    for (const event of this.#events(chunk)) {
      counters.framesIn++;
      this.#heard = this.#shared.clock.monotonic();
      if (handled >= quantum.lines || this.#heard - began >= quantum.time) {
        await nextTurn();
        handled = 0;
        began = this.#shared.clock.monotonic();
      }
      handled++;
      const answered = this.#handle(event);
      if (answered) await answered;
      if (this.#quitting || this.#socket.destroyed) break;
    }
    await this.#settle();
    await this.#outbox.flush();
  }

  *#events(chunk: Uint8Array): Generator<FrameEvent> {
    if (this.#authenticated) {
      yield* this.#reader.push(chunk);
      return;
    }
    for (let at = 0; at < chunk.length; at++) {
      yield* this.#reader.push(chunk.subarray(at, at + 1));
      if (!this.#authenticated) continue;
      yield* this.#reader.push(chunk.subarray(at + 1));
      return;
    }
  }

  #handle(event: FrameEvent): Awaitable<void> {
    if (event.kind === "broken") return this.#hangUp();
    if (!this.#authenticated) return event.kind === "line" ? this.#auth(event.text) : this.#hangUp();
    if (event.kind === "tooLong") return this.#tooLong(event.head);
    return this.#line(event.text);
  }

  async #hangUp(): Promise<void> {
    await this.#settle();
    await this.#outbox.flush();
    this.#socket.destroy();
  }

  #auth(line: string): Awaitable<void> {
    const { token, facts, idleLimit, clock } = this.#shared;
    const shown = parseAuth(line);
    if (shown === undefined || !isToken(shown, token)) {
      facts.counters.authFailures++;
      const reason = shown === undefined ? "expected-token" : "invalid-token";
      return this.#refuseAuth(printErr({ verb: "AUTH", reason }));
    }
    this.#authenticated = true;
    this.#timer.stop();
    this.#timer = clock.after(idleLimit, () => this.#overdue());
    this.#outbox.put([printOk("AUTH")]);
    return undefined;
  }

  async #refuseAuth(line: string): Promise<void> {
    this.#outbox.put([line]);
    await this.#outbox.flush();
    this.#quitting = true;
  }

  async #tooLong(head: string): Promise<void> {
    await this.#settle();
    this.#outbox.put([refuseLong(head)]);
  }

  #line(text: string): Awaitable<void> {
    this.#shared.facts.counters.commands++;
    const command = readLine(text);
    if (typeof command === "string") return this.#answer([command]);
    if (command.verb === "ATTACH") return this.#attach(command.role, command.ticket);
    if (command.verb === "ECHO") return this.#pipeline(command);
    return this.#inOrder(command);
  }

  // Answers come in order, and what is not an ECHO sees what all ECHOs before it did.
  async #inOrder(command: Exclude<Command, { verb: "ATTACH" }>): Promise<void> {
    await this.#settle();
    await this.#answer(await execute(command, this.#client, this.#shared.facts));
    if (command.verb !== "QUIT") return;
    await this.#outbox.flush();
    this.#quitting = true;
  }

  /** ECHOs in a row wait together for the disk: each is decided before the next is begun. */
  #pipeline(command: Extract<Command, { verb: "ECHO" }>): Awaitable<void> {
    const answer = execute(command, this.#client, this.#shared.facts);
    if (!(answer instanceof Promise) && this.#waiting.length === 0) return this.#answer(answer);
    this.#waiting.push(Promise.resolve(answer));
    return this.#waiting.length >= window ? this.#settle() : undefined;
  }

  async #settle(): Promise<void> {
    while (this.#waiting.length > 0) {
      const answers = await Promise.all(this.#waiting.splice(0));
      for (const lines of answers) await this.#answer(lines);
    }
  }

  #answer(lines: Answer): Awaitable<void> {
    if (lines.length > portion) return this.#long(lines);
    return this.#outbox.put(lines) ? this.#outbox.flush() : undefined;
  }

  // A long listing leaves in portions, so that other connections get their turn between them.
  async #long(lines: Answer): Promise<void> {
    for (let at = 0; at < lines.length; at += portion) {
      if (this.#outbox.put(lines.slice(at, at + portion))) await this.#outbox.flush();
      await nextTurn();
    }
  }

  async #attach(role: string, ticket: string | undefined): Promise<void> {
    await this.#settle();
    const { counters } = this.#shared.facts;
    const before = this.#client;
    try {
      const { session, role: canonical, limits } = await this.#attacher.attach(role, ticket);
      const meter = ticket === undefined ? undefined : new TicketMeter(limits ?? {}, this.#shared.clock);
      this.#client = { session, role: canonical, meter };
      counters.attaches++;
      this.#outbox.put([printOk("ATTACH", [`role=${canonical}`])]);
    } catch (thrown) {
      counters.attachFailures++;
      const { error: _, ...refusal } = refusalOf("ATTACH", toFault(thrown));
      this.#outbox.put([printErr(refusal)]);
      return;
    }
    await this.#quietly(() => before?.session.close("replaced"));
  }
}
