import { execFile } from "node:child_process";
import { fault } from "./faults.ts";
import type { Act, Done, Evidence } from "../attached/target.ts";
import type { HostProvider, Thing } from "./provider.ts";

const asked = [
  "index",
  "uuid",
  "name",
  "temperature.gpu",
  "power.draw",
  "power.limit",
  "utilization.gpu",
  "memory.used",
  "memory.total",
  "mig.mode.current",
] as const;
const patienceMs = 10_000;

type Row = Readonly<Record<(typeof asked)[number], string>>;

/** NVIDIA GPUs, through nvidia-smi. */
export class NvidiaGpus implements HostProvider {
  readonly facet = "nvidia";
  readonly settleMs = 2000;
  readonly everyMs: number;
  readonly #program: string;

  constructor(everyMs: number, program = "nvidia-smi") {
    this.everyMs = everyMs;
    this.#program = program;
  }

  #run(args: readonly string[], signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(this.#program, args, { timeout: patienceMs, signal }, (error, out, err) => {
        if (!error) resolve(out);
        else reject(fault.act((err || out || error.message).trim().split("\n")[0]));
      });
    });
  }

  async #rows(signal: AbortSignal): Promise<readonly Row[]> {
    const args = [`--query-gpu=${asked.join(",")}`, "--format=csv,noheader,nounits"];
    const out = await this.#run(args, signal);
    return out
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => {
        const cells = line.split(",").map((cell) => cell.trim());
        return Object.fromEntries(asked.map((name, at) => [name, cells[at] ?? ""])) as Row;
      });
  }

  async look(signal: AbortSignal): Promise<readonly Thing[]> {
    return (await this.#rows(signal)).map((row) => ({
      name: row.index,
      state: "ok",
      fields: {
        uuid: row.uuid,
        model: row.name,
        mig: row["mig.mode.current"],
        ...figure("temperature_c", row["temperature.gpu"]),
        ...figure("power_w", row["power.draw"]),
        ...figure("power_cap", row["power.limit"]),
        ...figure("utilization", row["utilization.gpu"]),
        ...figure("memory_used_mib", row["memory.used"]),
        ...figure("memory_mib", row["memory.total"]),
      },
    }));
  }

  async evidence(target: string, _verb: string, signal: AbortSignal): Promise<Evidence | undefined> {
    const row = (await this.#rows(signal)).find(({ index }) => index === target);
    if (!row) throw fault.unseen(`no GPU ${target}`);
    const cap = figure("power_cap", row["power.limit"]);
    return "power_cap" in cap ? { uuid: row.uuid, ...cap } : undefined;
  }

  async act({ target, params, signal }: Act): Promise<{ readonly output?: string }> {
    const output = await this.#run(["-i", target, "-pl", String(params.watts)], signal);
    return { output };
  }

  done({ params }: Act, _before: Evidence | undefined, now: Evidence | undefined): Done {
    if (!now) return "unknown";
    return now.power_cap === params.watts ? "yes" : "no";
  }

  [Symbol.dispose](): void {}
}

// What a GPU does not tell, it says in brackets: such a figure is left out, and reads as unknown.
function figure(name: string, text: string): Record<string, number> {
  const value = Number(text);
  return text === "" || !Number.isFinite(value) ? {} : { [name]: value };
}
