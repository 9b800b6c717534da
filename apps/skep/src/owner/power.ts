import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

function read(...parts: string[]): string | undefined {
  try {
    return readFileSync(join(...parts), "latin1").trim();
  } catch {
    return undefined;
  }
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** Whether the machine runs on battery, by /sys/class/power_supply; undefined where it has neither battery nor mains. */
export function onBattery(sys: string): boolean | undefined {
  const dir = join(sys, "class/power_supply");
  let discharging: boolean | undefined;
  let mains: boolean | undefined;
  for (const name of list(dir)) {
    const type = read(dir, name, "type");
    if (type === "Mains" || type === "USB") mains = mains === true || read(dir, name, "online") === "1";
    // A mouse has a battery, too.
    if (type === "Battery" && read(dir, name, "scope") !== "Device")
      discharging = discharging === true || read(dir, name, "status") === "Discharging";
  }
  if (mains === true) return false;
  return mains === false && discharging === undefined ? undefined : discharging;
}

/** The hottest zone, degrees Celsius, by /sys/class/thermal and /sys/class/hwmon; undefined where nothing is measured. */
export function hottest(sys: string): number | undefined {
  const zones = join(sys, "class/thermal");
  const chips = join(sys, "class/hwmon");
  const texts = [
    ...list(zones)
      .filter((name) => name.startsWith("thermal_zone"))
      .map((name) => read(zones, name, "temp")),
    ...list(chips)
      .filter((chip) => /^(coretemp|k10temp|zenpower|cpu_thermal)$/.test(read(chips, chip, "name") ?? ""))
      .flatMap((chip) =>
        list(join(chips, chip))
          .filter((name) => /^temp\d+_input$/.test(name))
          .map((name) => read(chips, chip, name)),
      ),
  ];
  const degrees = texts.flatMap((text) => (text ? [Number(text) / 1000] : []));
  // A zone without a sensor says 0, or far below.
  const real = degrees.filter((value) => value > 0 && value < 200);
  return real.length === 0 ? undefined : Math.max(...real);
}

/** What the kernel tells of one GPU (amdgpu does) below /sys/class/drm. */
export function gpuOf(sys: string, card: string): { busy?: number; temperature?: number } {
  const device = join(sys, "class/drm", `card${card}`, "device");
  const busy = read(device, "gpu_busy_percent");
  const [hwmon = ""] = list(join(device, "hwmon"));
  const temperature = read(device, "hwmon", hwmon, "temp1_input");
  return {
    ...(busy ? { busy: Number(busy) } : {}),
    ...(temperature ? { temperature: Number(temperature) / 1000 } : {}),
  };
}
