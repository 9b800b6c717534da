import { spawn } from "node:child_process";

/** How a program ended. */
export interface Ran {
  /** 127 when it could not be started. */
  readonly code: number;
  /** The end of what it said on stderr, or why it could not be started. */
  readonly told: string;
}

/** Runs a program that says something only where it fails; `inherited` become its descriptors 3, 4 … */
export function run(
  program: string,
  words: readonly string[],
  inherited: readonly number[] = [],
): Promise<Ran> {
  return new Promise((done) => {
    const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe", ...inherited] });
    let told = "";
    child.stderr?.on("data", (data: Buffer) => {
      told = (told + data.toString()).slice(-500);
    });
    child.once("error", (error) => done({ code: 127, told: error.message }));
    child.once("close", (code) => done({ code: code ?? 1, told: told.trim() }));
  });
}
