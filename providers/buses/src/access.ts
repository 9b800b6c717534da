import { faults } from "@skep/fault";
import type { Caller, KernelSlice } from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import type { Mounted } from "./adapters.ts";

const fault = faults("bus", {
  kind: ["denied", "Cannot go here with this role", { detail: "denied" }],
  standing: ["busy", "Cannot do this while the hive is", { detail: "lifecycle-denied" }],
});

/** Views of other slices. */
export interface Uses {
  readonly kernel: KernelSlice;
}

type Kind = "bus" | "lora";
type Scoped = { readonly scope: string };

const isWorker = ({ role }: Caller): boolean => role.startsWith("worker");
const scopeOf = ({ subject }: Caller): string => subject.split("/").at(-1) ?? subject;

/** How often a line about one who may not come here is written, milliseconds. */
const tellEvery = 1000;

/** Who sees which adapters: workers those of their scope, and none of the other kind. */
export class Access {
  readonly #log: (line: string) => void;
  readonly #told = new Map<string, number>();

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Throws `bus.kind` for workers of something else, and writes a line about it. */
  check(kind: Kind, caller: Caller, now: number): void {
    if (!isWorker(caller) || caller.role === `worker-${kind}`) return;
    const line = `sidecar-deny kind=${kind} scope=${escapeForeign(scopeOf(caller), { form: "wire" })}`;
    if (now - (this.#told.get(line) ?? Number.NEGATIVE_INFINITY) >= tellEvery) {
      if (this.#told.size >= 1000) this.#told.clear();
      this.#told.set(line, now);
      this.#log(line);
    }
    throw fault.kind(caller.role);
  }

  /** Whether an adapter is there for somebody. */
  sees(kind: Kind, name: string, adapter: Scoped | undefined, caller: Caller): boolean {
    if (!adapter) return false;
    return isWorker(caller) ? scopeOf(caller) === adapter.scope : caller.reaches(`/${kind}/${name}`);
  }

  /** Names that somebody sees. Throws `bus.kind`. */
  names(kind: Kind, adapters: Mounted<Scoped>, caller: Caller, now: number): string[] {
    this.check(kind, caller, now);
    return [...adapters].flatMap(([name, one]) => (this.sees(kind, name, one, caller) ? [name] : []));
  }
}

const working = new Set(["ONLINE", "DEGRADED"]);
const taking = new Set([...working, "DRAINING"]);

/** Something new is begun while the hive takes new work. Throws `bus.standing`. */
export function checkWorking({ kernel }: Uses): void {
  const { state } = kernel.lifecycle.get();
  if (!working.has(state)) throw fault.standing(state);
}

/** What is told comes in while the hive drains too. Throws `bus.standing`. */
export function checkTaking({ kernel }: Uses): void {
  const { state } = kernel.lifecycle.get();
  if (!taking.has(state)) throw fault.standing(state);
}
