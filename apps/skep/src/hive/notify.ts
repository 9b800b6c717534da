import { spawn } from "node:child_process";
import type { Clock } from "@skep/clock";

/** What a notifier is made of. */
export interface NotifyOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** This process and the one that started it: the watchdog may be meant for either. */
  readonly pids: readonly number[];
  readonly clock: Clock;
  /** Resolves when the kernel answered; what never resolves lets the watchdog bite. */
  readonly alive: () => Promise<unknown>;
  readonly warn: (line: string) => void;
  /** Tells the service manager; `systemd-notify` unless a test listens. */
  readonly send?: (line: string, socket: string) => Promise<void>;
}

/** Tells the service manager how it goes; does nothing where there is none. */
export interface Notifier {
  ready(status: string): Promise<void>;
  stopping(): Promise<void>;
}

const silent: Notifier = { ready: async () => undefined, stopping: async () => undefined };

// Node has no datagrams over unix sockets, so systemd's own tool carries the line.
function systemdNotify(line: string, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH, NOTIFY_SOCKET: socket };
    const child = spawn("systemd-notify", line.split("\n"), { env, stdio: "ignore" });
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`it ended with ${code}`))));
  });
}

function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: NotifyOptions["env"], pids: readonly number[]): number {
  const meant = WATCHDOG_PID === undefined || pids.includes(Number(WATCHDOG_PID));
  const micro = Number(WATCHDOG_USEC ?? 0);
  return meant && micro > 0 ? micro / 1000 : 0;
}

class SystemdNotifier implements Notifier {
  readonly #options: NotifyOptions;
  readonly #socket: string;
  readonly #every: number;
  #timer: { stop(): void } | undefined;
  #stopped = false;

  constructor(options: NotifyOptions, socket: string) {
    this.#options = options;
    this.#socket = socket;
    this.#every = watchdogMs(options.env, options.pids) / 2;
  }

  async #send(line: string): Promise<void> {
    try {
      await (this.#options.send ?? systemdNotify)(line, this.#socket);
    } catch (error) {
      this.#options.warn(`Cannot tell systemd: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async ready(status: string): Promise<void> {
    await this.#send(`READY=1\nSTATUS=${status}`);
    if (this.#every > 0) this.#beat();
  }

  // The next turn waits for this one: a kernel that does not answer is told of no more.
  #beat(): void {
    this.#timer = this.#options.clock.after(this.#every, () => void this.#watch());
  }

  async #watch(): Promise<void> {
    try {
      await this.#options.alive();
    } catch (error) {
      this.#options.warn(`No sign of life for the watchdog: ${String(error)}`);
      if (!this.#stopped) this.#beat();
      return;
    }
    if (this.#stopped) return;
    this.#beat();
    await this.#send("WATCHDOG=1");
  }

  async stopping(): Promise<void> {
    this.#stopped = true;
    this.#timer?.stop();
    await this.#send("STOPPING=1");
  }
}

/** The notifier for the service manager that started this process, as `$NOTIFY_SOCKET` names it. */
export function createNotifier(options: NotifyOptions): Notifier {
  const socket = options.env.NOTIFY_SOCKET;
  return socket ? new SystemdNotifier(options, socket) : silent;
}

const given = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] as const;

/** Takes what the service manager gave to this process out of its environment, so that no child speaks for it. */
export function takeNotifyEnv(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const taken = Object.fromEntries(given.map((name) => [name, env[name]]));
  for (const name of given) delete env[name];
  return taken;
}
