import type { Evidence, Target } from "../attached/target.ts";
import type { Device } from "./device.ts";
import { stands } from "./point.ts";

/** Writes to points of a device, with what stands there as their evidence. `step` is the smallest step of a point. */
export function pointTarget(device: Device, step: (point: string) => number): Target {
  return {
    settleMs: 0,
    evidence: async (point): Promise<Evidence | undefined> =>
      device.pulses(point) ? undefined : { value: await device.read(point) },
    act: async ({ target, params }) => {
      await device.write(target, Number(params.value ?? 0));
      return {};
    },
    done: ({ target, params }, before, now) => {
      const wanted = Number(params.value ?? 0);
      if (!before || !now) return "unknown";
      if (stands(now.value, wanted, step(target))) return "yes";
      // It stands as it stood: nobody wrote it. Anything else may be somebody's who came after us.
      return device.repeats(target) && before.value === now.value ? "no" : "unknown";
    },
  };
}
