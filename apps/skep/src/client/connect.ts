import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import type { Context } from "@skep/edge-cli";
import { Fault, faults } from "@skep/fault";
import { type Client, createClient, wireFromSocket } from "@skep/ninep";
import { formatTime } from "@skep/text";
import { findHome, findSocket, formatAddress } from "../config/mod.ts";
import { realClock } from "../clock.ts";
import { userHome } from "../person.ts";
import { hasCode } from "./files.ts";
import { explainer } from "./explain.ts";
import { readExpiry } from "../worker/who.ts";
import { givenClientFile } from "../manifest/client-file.ts";
import { tracedWire, type Tracing, tracingOf } from "../trace/place.ts";
import { currentContext, type Place, readContext } from "./contexts.ts";

const fault = faults("client", {
  down: ["cut", "Cannot reach the hive: nothing listens there", { cure: "Start it with `skep up`" }],
  closed: [
    "denied",
    "Cannot reach the hive: you may not use its socket",
    { cure: "It belongs to somebody else: ask for a ticket, and say --context" },
  ],
  expired: [
    "unauthenticated",
    "Cannot attach: the ticket expired at",
    { cure: "Ask whoever gave it for a new one: `skep ticket mint`" },
  ],
  ticket: [
    "unauthenticated",
    "Cannot attach: the hive does not accept this ticket: it is revoked or used up, or of another hive",
    { cure: "Ask whoever gave it for a new one: `skep ticket mint`" },
  ],
  manifest: [
    "conflict",
    "Cannot go on: the hive is configured otherwise than this client was made for",
    { cure: "Ask whoever runs the hive for a new file of `skep manifest client`, and look at what changed" },
  ],
  both: ["invalid", "Cannot use --home and --context together", { cure: "Leave one of them out" }],
});

/** Where a hive is, and what to show there. */
export interface Target {
  readonly place: Place;
  /** A ticket; empty on the owner's own socket. */
  readonly aname: string;
  /** For messages: the home, or the name of the context. */
  readonly name: string;
  /** The home of the hive, where it is one of this machine's. */
  readonly home?: string;
  /** Fingerprint of the manifest that the hive must have, where this client was made for one. */
  readonly manifest?: string;
  /** What is recorded of the connection, or whose record it is. */
  readonly tracing?: Tracing;
}

type Env = Readonly<Record<string, string | undefined>>;

/** The socket of a home, for whoever owns it. Throws `config.home` when the place of the socket is open to others. */
export function homeTarget(home: string, env: Env = process.env): Target {
  const uid = process.getuid?.() ?? 0;
  const path = findSocket({ home, env, uid, tempDir: tmpdir() });
  return { place: { path }, aname: "", name: home, home };
}

/** The target of a context. Throws `context.*`. */
export function contextTarget(env: Env, name: string): Target {
  const { place, ticket } = readContext(env, name);
  return { place, aname: ticket, name };
}

/** The home that a command means: of this machine, whatever context is in use. */
export function homeOf({ global, io }: Pick<Context, "global" | "io">): string {
  return findHome({ flag: global.home, env: io.env, userHome });
}

/**
 * The hive that a command means: `--context` or `--home`, then `$SKEP_CONTEXT`, `$SKEP_HOME`, the context in use, and
 * the default home. Throws `context.*`, `config.home`, `client.both`.
 */
export function targetOf(context: Pick<Context, "global" | "io">): Target {
  const made = givenClientFile(context.io.env);
  const tracing = tracingOf(context.io.env);
  return { ...placeOf(context), ...(made && { manifest: made.manifest }), ...(tracing && { tracing }) };
}

function placeOf({ global, io }: Pick<Context, "global" | "io">): Target {
  const { env } = io;
  if (global.context !== undefined && global.home !== undefined) throw fault.both();
  if (global.context !== undefined) return contextTarget(env, global.context);
  if (global.home === undefined) {
    const named = env.SKEP_CONTEXT || (env.SKEP_HOME ? undefined : currentContext(env));
    if (named) return contextTarget(env, named);
  }
  return homeTarget(homeOf({ global, io }), env);
}

/** A place in words. */
export function placeName(place: Place): string {
  return "path" in place ? place.path : formatAddress(place);
}

function down({ place, home, name }: Target, cause: unknown): Fault {
  if (hasCode(cause, "EACCES") || hasCode(cause, "EPERM")) return fault.closed(placeName(place), { cause });
  const cure = home === undefined ? `Is the hive of context ${name} up?` : "Start it with `skep up`";
  return fault.down(placeName(place), { cause, cure });
}

/** A connected socket. Throws `client.down`, and the reason of a signal that aborts before. */
export function dial(target: Target, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = createConnection(target.place);
    // A machine that is away answers nothing for minutes.
    const abort = (): void => void socket.destroy(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    socket.once("connect", () => {
      signal?.removeEventListener("abort", abort);
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (cause) => {
      signal?.removeEventListener("abort", abort);
      reject(signal?.aborted ? signal.reason : down(target, cause));
    });
  });
}

// To whom is not let in the hive says nothing; the ticket itself does.
function notLetIn(thrown: unknown, { aname }: Target): unknown {
  if (!(thrown instanceof Fault) || thrown.code !== "ninep.remote" || thrown.row.errnoName !== "EACCES")
    return thrown;
  if (aname === "") return thrown;
  const expiresAt = readExpiry(aname.split(":", 1)[0] ?? "");
  if (expiresAt !== undefined && expiresAt < realClock.now())
    return fault.expired(formatTime(expiresAt), { cause: thrown });
  return fault.ticket(undefined, { cause: thrown });
}

/**
 * A 9P client of a hive, whose refusals are thrown as the faults that they are there. Throws `client.down` when nothing
 * listens, `client.expired` and `client.ticket` when the ticket is not taken, `client.manifest` when the hive has another
 * manifest than the client was made for, the fault of a refused attach, and the reason of the signal.
 */
export async function connect(target: Target, signal?: AbortSignal): Promise<Client> {
  const { aname, tracing } = target;
  const wire = async () => wireFromSocket(await dial(target, signal));
  const taken = tracing ? await tracedWire(tracing, wire) : await wire();
  let client: Client;
  try {
    client = await createClient(taken, {
      aname,
      uname: "skep",
      explain: explainer(),
      ...(signal && { signal }),
    });
  } catch (thrown) {
    throw notLetIn(thrown, target);
  }
  if (target.manifest === undefined) return client;
  try {
    await checkManifest(client, target.manifest, signal);
  } catch (thrown) {
    await client.close();
    throw thrown;
  }
  return client;
}

// Before anything else is asked: a client that was made for another hive does nothing here.
async function checkManifest(client: Client, made: string, signal?: AbortSignal): Promise<void> {
  const boot = JSON.parse(String(await client.readAll("/proc/boot.json", { signal }))) as {
    manifest?: unknown;
  };
  if (boot.manifest !== made)
    throw fault.manifest(`${String(boot.manifest).slice(0, 16)}…, not ${made.slice(0, 16)}…`);
}

/** Connects to the hive that a command means. */
export function connectOf(context: Context): Promise<Client> {
  return connect(targetOf(context), context.signal);
}
