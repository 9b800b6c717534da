import type { Clock } from "@skep/clock";
import type { MeshEvent } from "./contract.ts";

type Without<T> = T extends MeshEvent ? Omit<T, "at"> : never;

/** An event before it has its time. */
export type Happening = Without<MeshEvent>;

const kept = 1024;

/** Tells events to whoever listens. */
export class Events {
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: MeshEvent) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  tell(happening: Happening): void {
    const event = { at: this.#clock.now(), ...happening } as MeshEvent;
    for (const listener of [...this.#listeners]) listener(event);
  }

  on(act: (event: MeshEvent) => void): () => void {
    this.#listeners.add(act);
    return () => void this.#listeners.delete(act);
  }

  /** Listens from the call on, not from the first step of the iteration. */
  watch(signal?: AbortSignal): AsyncIterable<MeshEvent> {
    const waiting: MeshEvent[] = [];
    let wake = () => {};
    const end = this.on((event) => {
      waiting.push(event);
      if (waiting.length > kept) waiting.shift();
      wake();
    });
    const stop = () => wake();
    signal?.addEventListener("abort", stop, { once: true });
    async function* steps() {
      try {
        while (!signal?.aborted) {
          const event = waiting.shift();
          if (event) yield event;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        end();
        signal?.removeEventListener("abort", stop);
      }
    }
    return steps();
  }
}
