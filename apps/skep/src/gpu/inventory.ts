import { execFile } from "node:child_process";
import { fault } from "./faults.ts";

/** What nvidia-smi is asked for; the names are the driver's. */
const columns = [
  "uuid",
  "index",
  "name",
  "memory.total",
  "memory.used",
  "utilization.gpu",
  "temperature.gpu",
  "power.limit",
  "driver_version",
] as const;

/** One GPU as the driver tells of it; figures that it does not have are left out. */
export interface Card {
  readonly id: string;
  readonly figures: ReadonlyMap<string, string>;
}

/** Reads the lines of `nvidia-smi --query-gpu --format=csv,noheader,nounits`. */
export function parseCards(text: string): Card[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const values = line.split(",").map((value) => value.trim());
      const known = columns.flatMap((column, at) => {
        const value = values[at] ?? "";
        return value === "" || value.startsWith("[") ? [] : [[column, value] as const];
      });
      const figures = new Map(known);
      return { id: `GPU-${figures.get("index") ?? "0"}`, figures };
    });
}

/** The GPUs of this machine. Throws `gpu-cli.smi`. */
export async function readCards(smi: string): Promise<Card[]> {
  const args = [`--query-gpu=${columns.join(",")}`, "--format=csv,noheader,nounits"];
  const text = await new Promise<string>((resolve, reject) => {
    execFile(smi, args, { timeout: 20_000 }, (cause, stdout) =>
      cause ? reject(fault.smi(smi, { cause })) : resolve(stdout),
    );
  });
  return parseCards(text);
}

/** The line that stands in `/gpu/<id>/info`. */
export function infoOf({ figures }: Card): string {
  return [...figures]
    .map(([name, value]) => `${name.replaceAll(".", "_")}=${value.replaceAll(" ", "_")}`)
    .join(" ");
}
