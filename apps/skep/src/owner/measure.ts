import { type OwnerState, parseOwner } from "@skep/owner";
import { realClock } from "../clock.ts";
import { type Cause, OwnerWatch, type Sources } from "./watch.ts";

/** A watch over a machine, for those who measure it. */
export interface MeasuredWatch extends Disposable {
  readonly state: OwnerState;
}

/** Watches by the rules in a text; calls `stop` whenever they want work to stop, in the turn in which that is seen. */
export async function ownerWatch(
  rules: string,
  sources: Sources,
  stop: (cause: Cause) => void,
): Promise<MeasuredWatch> {
  let runs = false;
  const watch = new OwnerWatch({
    sources,
    clock: realClock,
    rules: parseOwner(rules, "owner.toml"),
    changed: ({ state }, cause) => {
      if (runs && state !== "run") stop(cause);
      runs = state === "run";
    },
  });
  await watch.start();
  return {
    get state() {
      return watch.judgement.state;
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}
