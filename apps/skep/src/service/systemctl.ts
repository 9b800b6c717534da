import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Scope } from "./place.ts";
import { unitDirectory } from "./place.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** A command line for the manager, as a person would type it. */
export function systemctlLine(scope: Scope, ...words: readonly string[]): string {
  return ["systemctl", ...(scope === "user" ? ["--user"] : []), ...words].join(" ");
}

/** Runs systemctl; why it failed, or undefined when it did not. */
export function systemctl(env: Env, scope: Scope, ...words: readonly string[]): string | undefined {
  const args = [...(scope === "user" ? ["--user"] : []), ...words];
  const ended = spawnSync("systemctl", args, { env: { ...env }, encoding: "utf8", timeout: 60_000 });
  if (ended.error) return "code" in ended.error ? String(ended.error.code) : ended.error.message;
  if (ended.status === 0) return undefined;
  return ended.stderr.trim().split("\n")[0] || `it ended with ${ended.signal ?? ended.status}`;
}

/** What removing a unit came to. */
export interface Removed {
  readonly scope: Scope;
  readonly unit: string;
  readonly file: string;
  /** Commands that failed, with the reason. */
  readonly failed: readonly { readonly command: string; readonly why: string }[];
}

/** Stops and disables a unit and takes its file away; undefined where there is none. */
export function removeUnit(env: Env, scope: Scope, name: string): Removed | undefined {
  const unit = `${name}.service`;
  const file = join(unitDirectory(scope, env), unit);
  if (!existsSync(file)) return undefined;
  const failed: { command: string; why: string }[] = [];
  const run = (...words: string[]): void => {
    const why = systemctl(env, scope, ...words);
    if (why !== undefined) failed.push({ command: systemctlLine(scope, ...words), why });
  };
  run("disable", "--now", unit);
  rmSync(file);
  run("daemon-reload");
  return { scope, unit, file, failed };
}
