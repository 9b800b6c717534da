import { toFault } from "@skep/fault";
import type { RecordEffect } from "../journal/record.ts";
import type { Decision, Deciding, Json } from "../namespace/node.ts";
import type { Effect, Provider } from "../state/provider.ts";
import type { Slices } from "../core/slices.ts";

interface Host {
  readonly slices: Slices;
  readonly options: { readonly log?: (line: string) => void };
  system(
    provider: string,
    path: string,
    command: Json,
    decide: (deciding: Deciding) => Decision | undefined,
    outcome?: string,
  ): number | undefined;
}

/** Runs effects after their record is durable; each ends by its outcome record, `unknown` included. */
export class Effects {
  readonly #host: Host;
  readonly #running = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  #closed = false;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Effects that run now. */
  get running(): number {
    return this.#running.size;
  }

  /** After a start: what was in flight is run again or ended as unknown, as its provider says. */
  resume(): void {
    for (const [id, { kind, args }] of [...this.#host.slices.kernel.outbox.entries()]) {
      const found = this.#find(kind);
      if (found?.effect.recover === "retry") this.start({ id, kind, args });
      else this.#end(id, kind, args, { unknown: true });
    }
  }

  #find(kind: string): { readonly provider: Provider; readonly effect: Effect } | undefined {
    const [name = "", what = ""] = kind.split(".");
    const provider = this.#host.slices.bound.find((bound) => bound.provider.name === name)?.provider;
    const effect = provider?.effects?.[what];
    return provider && effect ? { provider, effect } : undefined;
  }

  start({ id, kind, args }: RecordEffect): void {
    const found = this.#find(kind);
    if (!found || this.#closed) return;
    const abort = new AbortController();
    const done = this.#run(id, kind, args, found.effect, abort.signal);
    this.#running.set(id, { abort, done });
  }

  async #run(id: string, kind: string, args: Json, effect: Effect, signal: AbortSignal): Promise<void> {
    let result: Json;
    try {
      result = { ok: (await effect.run(args as never, { id, signal })) ?? null };
    } catch (error) {
      const fault = toFault(error);
      if (fault.kind === "internal")
        this.#host.options.log?.(`effect ${kind} failed: ${String(fault.cause)}`);
      result = { failed: { code: fault.code, message: fault.message } };
    }
    this.#running.delete(id);
    if (!this.#closed) this.#end(id, kind, args, result);
  }

  // An effect that could not end would be run at every start: what does not fit a record, or what its provider cannot
  // decide, ends it as failed.
  #end(id: string, kind: string, args: Json, result: Json): void {
    const ends = [
      () => this.#outcome(id, kind, args, result, true),
      (failed: Json) => this.#outcome(id, kind, args, failed, true),
      (failed: Json) => this.#outcome(id, kind, args, failed, false),
    ];
    let failed: Json = null;
    for (const end of ends)
      try {
        end(failed);
        return;
      } catch (error) {
        const { code, message } = toFault(error);
        failed = { failed: { code, message } };
        this.#host.options.log?.(`outcome of ${kind} ${id} failed: ${String((error as Error).stack)}`);
      }
  }

  #outcome(id: string, kind: string, args: Json, result: Json, decided: boolean): void {
    const provider = this.#find(kind)?.provider;
    const what = kind.split(".")[1] ?? "";
    const decide = decided
      ? (provider?.outcome as
          | ((kind: string, args: Json, result: Json, deciding: Deciding) => Decision)
          | undefined)
      : undefined;
    this.#host.system(
      provider?.name ?? "kernel",
      "/",
      { op: "outcome", effect: id, kind, result },
      (deciding) => decide?.(what, args, result, deciding) ?? { events: [] },
      id,
    );
  }

  /** Aborts what runs; it stays in the outbox and is resumed at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { abort } of this.#running.values()) abort.abort();
    await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
  }
}
