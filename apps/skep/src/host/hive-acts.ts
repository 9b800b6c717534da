import { join } from "node:path";
import type { Client } from "@skep/ninep";
import { appendLine } from "../client/control.ts";
import { fault } from "./faults.ts";
import type { Act, Done, Evidence, Target } from "../attached/target.ts";

/** Does something on a connection to the hive, again on the next one when it is lost. */
export type Use = <T>(act: (client: Client) => Promise<T>, signal: AbortSignal) => Promise<T>;

interface Row {
  readonly lease: string;
  readonly resource: string;
  readonly holder: string;
  readonly until_ms: number | string;
}

// The hive remembers the key for a day and answers the same command with the same answer: what a crash repeats is one act.
const keyed = (line: object, ticket: string): string =>
  JSON.stringify({ ...line, $key: `host-ticket/${ticket}` });

/** Leases of GPUs in the hive, as tickets ask the host that has them; its own ticket has to open `/queen/lease/ctl`. */
export class GpuLeases implements Target {
  readonly settleMs = 0;
  readonly #use: Use;

  constructor(use: Use) {
    this.#use = use;
  }

  #rows(target: string, signal: AbortSignal): Promise<readonly Row[]> {
    return this.#use(async (client) => {
      const text = String(await client.readAll("/proc/lease/active.json", { signal, limit: 2 ** 26 }));
      return (JSON.parse(text) as readonly Row[]).filter(({ resource }) => resource === `gpu/${target}`);
    }, signal);
  }

  async evidence(target: string, _verb: string, signal: AbortSignal): Promise<Evidence> {
    const rows = await this.#rows(target, signal);
    return Object.fromEntries(
      rows.map(({ lease, holder, until_ms }) => [`lease ${lease}`, `${holder} ${until_ms}`]),
    );
  }

  async act({ verb, target, params, ticket, signal }: Act): Promise<{ readonly output: string }> {
    const line = await this.#line(verb, target, params, signal);
    const { result } = await this.#use(
      (client) => appendLine(client, "/queen/lease/ctl", keyed(line, ticket), signal),
      signal,
    );
    return { output: JSON.stringify(result ?? null) };
  }

  async #line(verb: string, target: string, params: Act["params"], signal: AbortSignal): Promise<object> {
    const { holder, lease_s: ttl_s, priority } = params;
    if (verb === "lease.grant") {
      const more = priority === undefined ? {} : { priority, preempt: true };
      return { op: "grant", resource: `gpu/${target}`, holder, ttl_s, ...more };
    }
    const found = (await this.#rows(target, signal)).find((row) => row.holder === holder);
    if (!found) throw fault.act(`${String(holder)} has no lease of ${target}`);
    if (verb === "lease.release") return { op: "release", lease: found.lease };
    return { op: "renew", lease: found.lease, ttl_s };
  }

  done({ verb, params }: Act, before: Evidence | undefined, now: Evidence | undefined): Done {
    if (!before || !now) return "unknown";
    const of = (told: Evidence): string[] =>
      Object.entries(told).flatMap(([lease, text]) =>
        String(text).startsWith(`${params.holder} `)
          ? [verb === "lease.renew" ? `${lease} ${text}` : lease]
          : [],
      );
    const held = new Set(of(before));
    if (verb === "lease.release") return of(now).length < held.size ? "yes" : "no";
    return of(now).some((lease) => !held.has(lease)) ? "yes" : "no";
  }
}

/** Models and adapters: brought from a folder of this host, made the active one, taken back. */
export class Adapters implements Target {
  readonly settleMs = 0;
  readonly #use: Use;
  /** The folder with packed models; undefined where the owner of the machine named none. */
  readonly #folder: () => string | undefined;

  constructor(use: Use, folder: () => string | undefined) {
    this.#use = use;
    this.#folder = folder;
  }

  async #packed(target: string) {
    const folder = this.#folder();
    if (folder === undefined) throw fault.act("the host's rules name no folder with models: [peft] folder");
    if (!/^\w[\w.-]{0,127}$/.test(target)) throw fault.act(`${target} is no name of a folder`);
    const { readModel } = await import("../models/pack.ts");
    return readModel(join(folder, target));
  }

  async evidence(target: string, verb: string, signal: AbortSignal): Promise<Evidence> {
    const { pointerOf, statusOf } = await import("../models/remote.ts");
    if (verb === "import") {
      const { manifest } = await this.#packed(target);
      const { state, name } = await this.#use((client) => statusOf(client, manifest.model, signal), signal);
      return { model: manifest.model, state, name };
    }
    const { id, model, since_ms, before } = await this.#use((client) => pointerOf(client, signal), signal);
    const last = before.at(-1);
    return { active: id, model, since_ms, before: last?.model || last?.id || "" };
  }

  async act({ verb, target, ticket, signal }: Act): Promise<{ readonly output?: string }> {
    if (verb === "import") return this.#import(target, signal);
    const line = verb === "activate" ? { op: "activate", model: target } : { op: "rollback" };
    await this.#use((client) => appendLine(client, "/models/ctl", keyed(line, ticket), signal), signal);
    return {};
  }

  // What the hive has already does not travel again, so it goes on after any interruption.
  async #import(target: string, signal: AbortSignal): Promise<{ readonly output: string }> {
    const [packed, { importModel }] = await Promise.all([
      this.#packed(target),
      import("../models/remote.ts"),
    ]);
    let bytes = 0;
    const sent = (more: number): void => {
      bytes += more;
    };
    const { state, model, reason } = await this.#use(
      (client) => importModel(client, packed, { sent, signal }),
      signal,
    );
    if (state !== "ready") throw fault.act(`${model} is ${state} in the hive${reason && `: ${reason}`}`);
    return { output: JSON.stringify({ model, state, bytes }) };
  }

  done({ verb, target }: Act, before: Evidence | undefined, now: Evidence | undefined): Done {
    if (!before || !now) return "unknown";
    if (verb === "import") {
      // Something else was packed into the folder meanwhile.
      if (before.model !== now.model) return "unknown";
      return now.state === "ready" ? "yes" : "no";
    }
    if (verb === "activate" && (now.active === target || now.model === target)) return "yes";
    if (before.since_ms === now.since_ms) return "no";
    // Something else is active since: it may have been moved by another.
    return verb === "rollback" && (now.model || now.active) === before.before ? "yes" : "unknown";
  }
}
