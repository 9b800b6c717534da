import type { Files } from "./files.ts";
import type { Guest } from "./guest.ts";
import type { Meter } from "./meter.ts";
import type { Stdio } from "./stdio.ts";
import type { Clock } from "./virtual-clock.ts";

/** Everything that a module may see of the world. */
export interface World {
  readonly guest: Guest;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly stdio: Stdio;
  /** Of a job that keeps a checkpoint. */
  readonly files?: Files;
}
