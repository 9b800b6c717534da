import { Fault, type FaultKind } from "@skep/fault";

/** What a session is for: commands of a person or program, or the telemetry that flows meanwhile. */
export type SessionKind = "control" | "telemetry";

/** How long a pool tries again. */
export interface Patience {
  /** Tries after the first. */
  readonly times: number;
  /** Before the first of them, doubled for each further one. Milliseconds. */
  readonly wait_ms: number;
  /** The longest wait. Milliseconds. */
  readonly most_ms: number;
}

/** What a pool is made of. */
export interface PoolOptions<S> {
  /** Sessions at a time. */
  readonly sessions: Readonly<Record<SessionKind, number>>;
  readonly retry: Patience;
  readonly open: (kind: SessionKind) => Promise<S>;
  readonly close: (session: S) => Promise<void>;
  readonly wait: (ms: number) => Promise<void>;
}

/** Ends after which the session is no more, and what was asked may or may not have happened. */
const broken: ReadonlySet<FaultKind> = new Set(["cut", "timeout"]);

function isBroken(thrown: unknown): boolean {
  if (thrown instanceof Fault) return broken.has(thrown.kind);
  // An error of the system, from the socket.
  return thrown instanceof Error && "syscall" in thrown;
}

const isBusy = (thrown: unknown): boolean => thrown instanceof Fault && thrown.kind === "busy";

interface Lane<S> {
  readonly most: number;
  open: number;
  readonly idle: S[];
  /** Each is given a session, or the place of one that is gone. */
  readonly waiting: ((session: S | undefined) => void)[];
}

const laneOf = <S>(most: number): Lane<S> => ({ most, open: 0, idle: [], waiting: [] });

/**
 * Sessions that are shared by whatever a client does at the same time: so many for commands, so many for telemetry, opened
 * when they are needed and used again. Whoever comes when all are in use waits in order.
 */
export class SessionPool<S> implements AsyncDisposable {
  readonly #options: PoolOptions<S>;
  readonly #lanes: Readonly<Record<SessionKind, Lane<S>>>;
  #tries = 0;

  constructor(options: PoolOptions<S>) {
    this.#options = options;
    const { control, telemetry } = options.sessions;
    this.#lanes = { control: laneOf(control), telemetry: laneOf(telemetry) };
  }

  /** Tries that were made again since the beginning. */
  get retried(): number {
    return this.#tries;
  }

  /** Sessions that are open. */
  get open(): number {
    return this.#lanes.control.open + this.#lanes.telemetry.open;
  }

  async #take(kind: SessionKind): Promise<S> {
    const lane = this.#lanes[kind];
    const idle = lane.idle.pop();
    if (idle !== undefined) return idle;
    if (lane.open < lane.most) lane.open += 1;
    else {
      const given = await new Promise<S | undefined>((resolve) => lane.waiting.push(resolve));
      if (given !== undefined) return given;
    }
    try {
      return await this.#options.open(kind);
    } catch (thrown) {
      this.#gone(lane);
      throw thrown;
    }
  }

  #gone(lane: Lane<S>): void {
    const next = lane.waiting.shift();
    if (next) next(undefined);
    else lane.open -= 1;
  }

  async #give(kind: SessionKind, session: S, usable: boolean): Promise<void> {
    const lane = this.#lanes[kind];
    if (!usable) {
      await this.#options.close(session).catch(() => undefined);
      this.#gone(lane);
      return;
    }
    const next = lane.waiting.shift();
    if (next) next(session);
    else lane.idle.push(session);
  }

  async #once<T>(kind: SessionKind, act: (session: S) => Promise<T>): Promise<T> {
    const session = await this.#take(kind);
    let usable = true;
    try {
      return await act(session);
    } catch (thrown) {
      usable = !isBroken(thrown);
      throw thrown;
    } finally {
      await this.#give(kind, session, usable);
    }
  }

  /**
   * Does something on a session. Where the connection broke or the hive was busy it is done again, on another session, so
   * it must come to the same when it is done twice: a command with its `$key`, a record with its number, a blob by its digest.
   * Any other refusal is thrown at once.
   */
  async run<T>(kind: SessionKind, act: (session: S) => Promise<T>): Promise<T> {
    const { times, wait_ms, most_ms } = this.#options.retry;
    for (let tried = 0; ; tried += 1) {
      try {
        return await this.#once(kind, act);
      } catch (thrown) {
        if (tried >= times || !(isBusy(thrown) || isBroken(thrown))) throw thrown;
      }
      this.#tries += 1;
      await this.#options.wait(Math.min(most_ms, wait_ms * 2 ** tried));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = Object.values(this.#lanes).flatMap(({ idle }) => idle.splice(0));
    await Promise.allSettled(all.map((session) => this.#options.close(session)));
  }
}
