// Runs one step of a check, prints one line for it, and its output only when it failed.
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { root } from "./files.ts";

export interface Ended {
  readonly name: string;
  readonly code: number;
  readonly output: string;
}

export function step(name: string, command: string, args: readonly string[], echo = false): Promise<Ended> {
  const started = performance.now();
  const bin = join(root, "node_modules", ".bin");
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`, NO_COLOR: "1" };
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    const parts: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data: Buffer) => {
        parts.push(data);
        if (echo) process.stdout.write(data);
      });
    child.on("error", (error) => parts.push(Buffer.from(error.message)));
    child.on("close", (code) => {
      const output = Buffer.concat(parts).toString();
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${code === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
      if (code !== 0 && !echo) console.log(output);
      resolve({ name, code: code ?? 1, output });
    });
  });
}
