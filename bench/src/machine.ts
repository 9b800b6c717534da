import { cpus, loadavg, release, totalmem } from "node:os";

/** The machine that a row was measured on, and how busy it was before. */
export function machineName(): string {
  const cores = cpus();
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`;
  const load = `load ${(loadavg()[0] ?? 0).toFixed(1)} at start`;
  const model = cores[0]?.model ?? process.arch;
  return [model, `${cores.length} cores`, memory, `Linux ${release()}`, `Node ${process.version}`, load].join(
    ", ",
  );
}
