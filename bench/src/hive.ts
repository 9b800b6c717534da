import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, createClient, wireFromSocket } from "@skep/ninep";
import { createRoot, describe, mint, type Right, type Role, type Root } from "@skep/ticket";
import { temporaryPlace } from "./place.ts";
import { Child } from "./process.ts";

const main = fileURLToPath(new URL("../../apps/skep/src/main.mjs", import.meta.url));

/** A place to connect to, on this machine. */
export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

/** The one JSON line of `skep up --json`. */
interface Ready {
  readonly home: string;
  readonly socket: string;
  readonly "9p": { readonly host: string; readonly port: number };
  readonly console?: { readonly host: string; readonly port: number };
  readonly http?: { readonly host: string; readonly port: number };
  readonly hive: string;
}

/** A daemon in a process of its own. */
export interface HiveProcess extends AsyncDisposable {
  readonly pid: number;
  readonly ready: Ready;
  /** Milliseconds from the start of the process to its line. */
  readonly startedIn: number;
  /** A client on its socket, with the owner's authority. */
  owner(): Promise<Client>;
  /** A ticket of this hive. */
  ticket(subject: string, role: Role, rights: readonly Right[]): Promise<string>;
}

/** Connects and attaches. */
export async function attach(place: Place, aname = ""): Promise<Client> {
  const socket = createConnection(place);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const nUname = process.getuid?.() ?? 0;
  const loop = { defer: setImmediate, monotonic: () => performance.now() };
  return createClient(wireFromSocket(socket), { aname, uname: "bench", nUname, loop });
}

const pkcs8 = "302e020100300506032b657004220420";

interface Holder {
  readonly subject: string;
  readonly role: Role;
  readonly rights: readonly Right[];
}

async function rootOf(home: string): Promise<Root> {
  const seed = await readFile(join(home, "keys", "ticket"));
  const der = Buffer.concat([Buffer.from(pkcs8, "hex"), seed]);
  return createRoot(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
}

async function ticketFor(home: string, hive: string, { subject, role, rights }: Holder): Promise<string> {
  const root = await rootOf(home);
  return mint(root, { hive, subject, role, rights: [...rights], issuedAt: Date.now() });
}

/** Id of a ticket's first block, by which it is revoked with all that was narrowed from it. */
export async function blockOf({ ready }: HiveProcess, token: string): Promise<string> {
  const { publicKey } = await rootOf(ready.home);
  const [block] = (await describe(token, { rootPublicKeys: [publicKey] })).blocks;
  if (!block) throw new Error("a ticket without a block");
  return block.id;
}

/** Starts `skep up` over a home, and resolves when it is ready. */
export async function startOver(
  home: string,
  flags: readonly string[] = [],
  node: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<HiveProcess> {
  const edges = ["--http", "off", "--9p", "0", "--workers", "0"];
  const args = [
    ...node,
    // As the launcher starts it, which started this.
    ...process.execArgv,
    main,
    "up",
    "--home",
    home,
    ...edges,
    ...flags,
    "--json",
  ];
  const began = performance.now();
  const child = new Child(process.execPath, args, { SKEP_DISK_RESERVE: "0", ...env });
  try {
    const ready = JSON.parse(await child.firstLine()) as Ready;
    return {
      pid: child.pid,
      ready,
      startedIn: performance.now() - began,
      owner: () => attach({ path: ready.socket }),
      ticket: (subject, role, rights) => ticketFor(home, ready.hive, { subject, role, rights }),
      [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
    };
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw error;
  }
}

/** Starts one over a home of its own, which goes with it; `env` holds settings. */
export async function startHive(
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<HiveProcess> {
  const place = await temporaryPlace();
  const hive = await startOver(join(place.path, "home"), flags, profiling(), env);
  return {
    ...hive,
    [Symbol.asyncDispose]: async () => {
      await hive[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** Arguments by which SKEP_BENCH_PROFILE=DIR leaves a .cpuprofile of a daemon there, if it is not killed. */
export function profiling(): string[] {
  const to = process.env.SKEP_BENCH_PROFILE;
  return to ? ["--cpu-prof", "--cpu-prof-interval", "500", "--cpu-prof-dir", to] : [];
}
