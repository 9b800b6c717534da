import { fileURLToPath } from "node:url";
import type { Right, Role } from "@skep/ticket";
import { type HiveProcess, startHive } from "../hive.ts";
import { Child } from "../process.ts";
import { requestOf, Wire } from "./wire.ts";

const rw = [{ path: "/", verb: "rw" }] as const satisfies readonly Right[];

/** A hive that answers over HTTP. */
export interface HttpHive extends AsyncDisposable {
  readonly hive: HiveProcess;
  readonly port: number;
}

/** Starts one, and asks it once so that what is loaded for the first request is there. */
export async function startHttp(flags: readonly string[] = []): Promise<HttpHive> {
  const hive = await startHive(["--http", "0", ...flags]);
  const port = hive.ready.http?.port ?? 0;
  return { hive, port, [Symbol.asyncDispose]: () => hive[Symbol.asyncDispose]() };
}

/** Someone with a ticket and a connection of its own. */
export class Caller {
  readonly wire: Wire;
  readonly port: number;
  readonly #headers: Readonly<Record<string, string>>;

  private constructor(wire: Wire, port: number, headers: Readonly<Record<string, string>>) {
    this.wire = wire;
    this.port = port;
    this.#headers = headers;
  }

  static async enter(
    { hive, port }: HttpHive,
    subject: string,
    role: Role = "queen",
    rights: readonly Right[] = rw,
  ): Promise<Caller> {
    const headers = { Authorization: `Bearer ${await hive.ticket(subject, role, rights)}` };
    return new Caller(new Wire(port), port, headers);
  }

  /** The bytes of a request. */
  request(
    method: string,
    target: string,
    body?: string,
    more: Readonly<Record<string, string>> = {},
  ): Buffer {
    const type = body === undefined ? {} : { "Content-Type": "application/json" };
    return requestOf(this.port, method, target, { ...this.#headers, ...type, ...more }, body);
  }

  close(): void {
    this.wire.close();
  }
}

/** So many callers, each with a ticket of its own: rates are kept per ticket. */
export function callers(http: HttpHive, count: number): Promise<readonly Caller[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => Caller.enter(http, `bench-${at}`)));
}

/** A bare Fastify in a process of its own. */
export async function startBare(): Promise<Child & { readonly port: number }> {
  const child = new Child(process.execPath, [fileURLToPath(new URL("bare.ts", import.meta.url))]);
  return Object.assign(child, { port: Number(await child.firstLine()) });
}
