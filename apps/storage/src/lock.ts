import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Fault } from "@skep/fault";
import { isErrno } from "./paths.ts";

/** A home that is ours until it is released or this process ends, however it ends. */
export interface HomeLock extends Disposable {
  readonly home: string;
  release(): void;
}

interface Holder {
  readonly pid: number;
  /** A daemon, and not a command that works on the files of a home for a while. */
  readonly daemon?: boolean;
}

// Only for the message: the number may be that of a process that is gone.
function heldFault(home: string, path: string, cause: unknown): Fault {
  const name = JSON.stringify(home);
  let holder: Holder | undefined;
  try {
    const read = JSON.parse(readFileSync(path, "utf8")) as Holder;
    if (Number.isSafeInteger(read.pid)) holder = read;
  } catch {
    // Nobody is named then.
  }
  if (holder?.daemon !== true) {
    const who = holder ? `process ${holder.pid}` : "another process";
    return new Fault("conflict", "home.held", `Cannot lock home ${name}: ${who} holds it`, {
      cure: "Wait for that process or stop it, or choose another home with --home",
      cause,
    });
  }
  const { pid } = holder;
  return new Fault(
    "conflict",
    "home.held",
    `Cannot use home ${name}: the hive is already up in it (process ${pid})`,
    {
      cure: `Stop it with Ctrl-C in its terminal, \`kill -TERM ${pid}\`, or \`systemctl stop\` of its unit, or choose another home with --home`,
      cause,
    },
  );
}

// On a full disk the message names nobody; the lock holds all the same.
function tell(path: string, daemon: boolean): void {
  try {
    writeFileSync(path, JSON.stringify({ pid: process.pid, daemon }), { mode: 0o600 });
  } catch (error) {
    if (!isErrno(error, "ENOSPC") && !isErrno(error, "EDQUOT")) throw error;
  }
}

function isLocked(error: unknown): boolean {
  // SQLITE_BUSY and its extended codes.
  return error instanceof Error && ((error as Error & { errcode?: number }).errcode ?? 0) % 256 === 5;
}

function take(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    chmodSync(path, 0o600);
    database.exec("BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Locks a home for this process with a kernel lock: the exclusive transaction of a small SQLite file, which ends
 * with its process. Throws `home.held` when somebody else has it. Nobody may open `lock/home` by other means:
 * closing any descriptor of a file drops its process's locks on it. A `daemon` is named as one to whoever comes second.
 */
export function lockHome(home: string, { daemon = false }: { readonly daemon?: boolean } = {}): HomeLock {
  const dir = join(home, "lock");
  const holder = join(dir, "holder.json");
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  let database: DatabaseSync | undefined;
  try {
    database = take(join(dir, "home"));
  } catch (error) {
    if (!isLocked(error)) throw error;
    throw heldFault(home, holder, error);
  }
  tell(holder, daemon);
  const release = () => {
    database?.close();
    database = undefined;
  };
  return { home, release, [Symbol.dispose]: release };
}
