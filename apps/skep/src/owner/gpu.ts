import { type ChildProcess, spawn } from "node:child_process";
import type { GpuSeen } from "@skep/owner";
import { gpuOf } from "./power.ts";

const query = "--query-gpu=index,utilization.gpu,temperature.gpu";

/** What a line of nvidia-smi says, by the number of the GPU. */
export function readNvidia(line: string): readonly [string, GpuSeen] | undefined {
  const [index = "", busy, temperature] = line.split(",").map((part) => part.trim());
  if (!/^\d+$/.test(index) || !(Number(busy) >= 0)) return undefined;
  const degrees = Number(temperature);
  return [index, { busy: Number(busy), ...(degrees > 0 ? { temperature: degrees } : {}) }];
}

/** What GPUs do: by the kernel for those that tell it there, by nvidia-smi, once a second, for NVIDIA's. */
export class GpuWatch implements Disposable {
  readonly #sys: string;
  readonly #nvidia = new Map<string, GpuSeen>();
  #smi: ChildProcess | undefined;
  #held = "";

  constructor(sys: string) {
    this.#sys = sys;
  }

  /** Starts nvidia-smi where it is installed. */
  start(program = "nvidia-smi"): void {
    const smi = spawn(program, [query, "--format=csv,noheader,nounits", "-l", "1"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    smi.on("error", () => {});
    smi.once("exit", () => this.#nvidia.clear());
    smi.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#held + text).split("\n");
      this.#held = lines.pop() ?? "";
      for (const line of lines) {
        const read = readNvidia(line);
        if (read) this.#nvidia.set(...(read as [string, GpuSeen]));
      }
    });
    for (const part of [smi, smi.stdout]) (part as { unref?(): void } | null)?.unref?.();
    this.#smi = smi;
  }

  look(ids: Iterable<string>): Record<string, GpuSeen> {
    return Object.fromEntries(
      [...ids].map((id) => [id, { ...gpuOf(this.#sys, id), ...this.#nvidia.get(id) }]),
    );
  }

  [Symbol.dispose](): void {
    this.#smi?.kill();
  }
}
