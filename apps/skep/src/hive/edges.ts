import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { type Console, createConsole, ticketLogin } from "@skep/edge-console";
import { createNinepEdge, type NinepEdge } from "@skep/edge-ninep";
import { faults } from "@skep/fault";
import type { MacLimits } from "@skep/macticket";
import type { Ticket } from "@skep/ticket";
import { realClock } from "../clock.ts";
import { hiding } from "../console/hidden.ts";
import { allSecrets, limitsOf, type Listen, placeSocket } from "../config/mod.ts";
import { startHttp } from "../http/edge.ts";
import { version } from "../version.ts";
import { authorityOf } from "./door.ts";
import type { Hive } from "./hive.ts";
import { type MeshPlace, meshOf } from "./mesh.ts";
import { roomFor } from "./room.ts";

const fault = faults("edges", {
  taken: [
    "conflict",
    "Cannot listen for the console: the address is taken",
    { cure: "Choose another port with --console, --console 0 for any free one, or --console off" },
  ],
});

/** Where the edges that are on can be reached. */
export interface Listening {
  readonly socket: string;
  readonly http?: { readonly host: string; readonly port: number };
  readonly "9p"?: { readonly host: string; readonly port: number };
  readonly console?: { readonly host: string; readonly port: number };
  readonly mesh?: MeshPlace;
}

/** All edges of a hive. */
export interface Edges extends AsyncDisposable {
  readonly at: Listening;
}

async function listen(
  server: Server,
  { host, port }: { host: string; port: number },
): Promise<{ host: string; port: number }> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? fault.taken(`${host}:${port}`) : error),
    );
    server.listen({ host, port }, resolve);
  });
  const bound = server.address();
  return { host, port: typeof bound === "object" && bound ? bound.port : port };
}

// Read at each attach: all of them may change while the daemon runs.
function macLimitsOf({ values }: Hive["config"]): MacLimits {
  return {
    get scopes() {
      return values["console.ticket_scopes"];
    },
    get path() {
      return values["console.ticket_path"];
    },
    get rate() {
      return values["console.ticket_rate"];
    },
    get quotas() {
      return {
        bandwidthBytes: BigInt(values["console.ticket_bandwidth"]),
        cursorResumes: values["console.ticket_resumes"],
        cursorAdvances: values["console.ticket_advances"],
      };
    },
  };
}

/** The least that any block of a ticket lets its sessions on the console read on and back. */
function cursorsOf({ blocks }: Ticket): { readonly resumes?: number; readonly advances?: number } {
  const least = (name: "resumes" | "advances") => {
    const counts = blocks.map(({ budgets }) => budgets[name]).filter((count) => count !== undefined);
    return counts.length === 0 ? {} : { [name]: Math.min(...counts) };
  };
  return { ...least("resumes"), ...least("advances") };
}

function consoleOf(hive: Hive): Console {
  const secrets = allSecrets(hive.config, hive.home);
  const { door, kernel } = hive;
  const began = realClock.monotonic();
  const hide = hiding(hive.config.values["compat.hide"]);
  const login = ticketLogin({
    secretOf: (role) => secrets[`console.secrets.${role}`].secret.reveal(),
    verify: async (text) => {
      const ticket = await door.ticket(text);
      return { authority: authorityOf(ticket), limits: cursorsOf(ticket) };
    },
    macLimits: macLimitsOf(hive.config),
    now: () => kernel.time.now(),
    ...(hive.config.values["compat.well_known_secrets"]
      ? { uptime: () => realClock.monotonic() - began }
      : {}),
    attach: (authority) => door.admit(authority, "console"),
  });
  return createConsole({
    token: secrets["console.token"].secret.reveal(),
    clock: realClock,
    about: { name: "skep", version, startedAt: Date.now(), memory },
    connections: roomFor(hive.config.values["limits.connections"]).connections,
    login: async (request) => {
      const entered = await login(request);
      return { ...entered, session: hide(entered.session) };
    },
  });
}

function memory(): { resident: number; heap: number; buffers: number } {
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { resident: rss, heap: heapUsed, buffers: arrayBuffers };
}

async function startConsole(hive: Hive, where: Exclude<Listen, false>, ends: (() => Promise<unknown>)[]) {
  const served = consoleOf(hive);
  const server = createServer({ noDelay: true }, (socket) => void served.serve(socket));
  const at = await listen(server, where);
  ends.push(async () => {
    server.close();
    await served[Symbol.asyncDispose]();
  });
  return at;
}

/** Starts every edge that the configuration wants; ends them all again when one fails. */
export async function startEdges(hive: Hive, uid: number, report: (line: string) => void): Promise<Edges> {
  const { values } = hive.config;
  const ends: (() => Promise<unknown>)[] = [];
  const end = async (): Promise<void> => {
    await Promise.allSettled(ends.splice(0).map((act) => act()));
  };
  const room = roomFor(values["limits.connections"]);
  if (room.warning !== undefined) report(room.warning);
  try {
    const ninep: NinepEdge = createNinepEdge(hive.door, {
      uid,
      clock: realClock,
      defer: setImmediate,
      limits: limitsOf(values),
      connections: room.connections,
      counts: hive.kernel.metrics.counts,
      report: (failed) => report(`9p: ${failed.message}: ${String(failed.cause)}`),
    });
    ends.push(() => ninep.close());
    hive.live.outstanding = () => ninep.outstanding;
    const socket = placeSocket({ home: hive.home, env: process.env, uid, tempDir: tmpdir() });
    await ninep.listenUnix(socket);
    const at: { -readonly [Name in keyof Listening]: Listening[Name] } = { socket };
    if (values["listen.9p"]) at["9p"] = await ninep.listenTcp(values["listen.9p"]);
    if (values["listen.http"]) {
      const { edge, at: where } = await startHttp(hive, values["listen.http"], report);
      ends.push(() => edge.close());
      hive.live.http = () => edge.figures;
      at.http = where;
    }
    if (values["otel.endpoints"].length > 0) {
      const { startOtel } = await import("../http/otel.ts");
      const otel = startOtel(hive, report);
      ends.push(() => otel.close());
    }
    if (values["listen.console"]) at.console = await startConsole(hive, values["listen.console"], ends);
    const mesh = meshOf(hive, ninep, report);
    ends.push(() => mesh.close());
    const wanted = values["listen.mesh"];
    if (wanted === "invited") hive.net.whenWanted(() => void mesh.start().catch(() => undefined));
    else if (wanted) at.mesh = await mesh.start();
    else hive.net.mesh = "refused";
    return { at, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}
