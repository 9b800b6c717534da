import { open } from "node:fs/promises";
import { constants } from "node:fs";
import { join } from "node:path";
import { fault } from "./faults.ts";

const prefix = "secret:";
const nameForm = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;
const mostBytes = 64 * 1024;

async function readOne(dir: string, name: string): Promise<string> {
  if (!nameForm.test(name)) throw fault.secret(name);
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(join(dir, name), constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    throw fault.secret(name, { cause });
  }
  await using opened = file;
  const { mode, size, uid } = await opened.stat();
  const own = uid === process.getuid?.() && (mode & 0o077) === 0 && (mode & 0o170000) === 0o100000;
  if (!own || size > mostBytes) throw fault.secret(`${name}: not a file of mode 0600 of this user`);
  const text = await opened.readFile("utf8");
  return text.replace(/\r?\n$/, "");
}

/**
 * The environment with every value `secret:NAME` replaced by the content of `DIR/NAME`. Values are given to the module
 * and to nobody else: faults name the secret, never what it holds. Throws `worker.secret`.
 */
export async function resolveEnv(
  env: Readonly<Record<string, string>>,
  dir: string,
): Promise<Readonly<Record<string, string>>> {
  const found = Object.entries(env).filter(([, value]) => value.startsWith(prefix));
  if (found.length === 0) return env;
  const resolved: Record<string, string> = { ...env };
  for (const [key, value] of found) resolved[key] = await readOne(dir, value.slice(prefix.length));
  return resolved;
}
