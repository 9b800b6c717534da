import type { Clock } from "@skep/clock";
import { encodeFrame, printErr } from "@skep/grammar";
import { type About, type Counters, createCounters } from "./about.ts";
import { Connection, type Shared } from "./connection.ts";
import { type Login, RateLimit } from "./login.ts";
import type { ConsoleSocket } from "./socket.ts";

const busy = printErr({ verb: "AUTH", reason: "busy", detail: "connections" });

/** Connections that are told at a time that there is no room for them. */
const turnedAwayAtOnce = 64;

/** What a console is made of. Times are milliseconds on the monotonic clock. */
export interface ConsoleOptions {
  /** The token of AUTH; the console never prints, logs or repeats it. */
  readonly token: string;
  readonly login: Login;
  readonly clock: Clock;
  readonly about: About;
  /** From connecting to AUTH; default 5,000. */
  readonly authDeadline?: number;
  /** Without a line; default 300,000. Clients keep themselves alive with PING. */
  readonly idleLimit?: number;
  /** Connections at once; default 256. A further one is told so and closed. */
  readonly connections?: number;
}

/** A console server without a listener: the app accepts sockets and hands them over. */
export interface Console extends AsyncDisposable {
  /** Serves one connection until it ends. */
  serve(socket: ConsoleSocket): Promise<void>;
  readonly counters: Readonly<Counters>;
}

/** Makes a console. Disposing it ends all its connections and waits until their sessions are closed. */
export function createConsole(options: ConsoleOptions): Console {
  const { token, login, clock, about } = options;
  const counters = createCounters();
  const started = clock.monotonic();
  const shared: Shared = {
    token,
    login,
    clock,
    rate: new RateLimit(clock),
    facts: { about, counters, uptime: () => clock.monotonic() - started },
    authDeadline: options.authDeadline ?? 5000,
    idleLimit: options.idleLimit ?? 300_000,
  };
  const most = options.connections ?? 256;
  const open = new Map<Connection, Promise<void>>();
  let closed = false;
  let turnedAway = 0;
  return {
    counters,
    async serve(socket) {
      if (closed || open.size >= most) {
        counters.refused++;
        socket.on("error", () => undefined);
        if (closed || turnedAway >= turnedAwayAtOnce) {
          socket.destroy();
          return;
        }
        turnedAway += 1;
        socket.write(encodeFrame(busy));
        socket.end();
        clock.after(1000, () => {
          socket.destroy();
          turnedAway -= 1;
        });
        return;
      }
      const connection = new Connection(socket, shared);
      const running = connection.run();
      open.set(connection, running);
      counters.accepted++;
      counters.open = open.size;
      await running;
      open.delete(connection);
      counters.open = open.size;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const connection of open.keys()) connection.stop();
      await Promise.all(open.values());
    },
  };
}
