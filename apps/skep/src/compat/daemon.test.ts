import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../main.mjs", import.meta.url));
const configs = new URL("../../../../examples/compat/", import.meta.url);

/** A daemon of its own with the original's configuration. */
export interface CompatDaemon extends AsyncDisposable {
  readonly at: { readonly host: string; readonly port: number };
}

/** What a group of scripts is played with. */
export interface Stage {
  readonly at: CompatDaemon["at"];
  readonly token: string;
}

/** Starts `skep up --config examples/compat/NAME.toml` with a free port for the console and nothing else. */
export async function startCompat(name: "base" | "gated" = "base"): Promise<CompatDaemon> {
  const config = fileURLToPath(new URL(`${name}.toml`, configs));
  const dir = mkdtempSync(join(tmpdir(), "skep-compat-"));
  const flags = ["--console", "0", "--9p", "off", "--http", "off", "--workers", "0", "--json"];
  const args = ["--disable-warning=ExperimentalWarning", main, "up", "--config", config, ...flags];
  const child: ChildProcess = spawn(process.execPath, [...args, "--home", join(dir, "home")], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: dir, XDG_RUNTIME_DIR: dir, SKEP_DISK_RESERVE: "0" },
  });
  const said: string[] = [];
  child.stderr?.on("data", (data: Buffer) => said.push(data.toString()));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  if (!child.stdout) throw new Error("the daemon has no stdout");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { value, done } = await lines.next();
  if (done) throw new Error(`the daemon ended before it was ready: ${said.join("")}`);
  const { console: at } = JSON.parse(String(value)) as { console: CompatDaemon["at"] };
  return { at, [Symbol.asyncDispose]: stop };
}
