import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Bytes by where they were found. */
export type Hay = Map<string, Buffer>;
/** Secrets by what they are, each in every form in which it may have been written. */
export type Needles = Map<string, readonly Buffer[]>;

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** Files below a folder, named from `root`. */
export function hayBelow(folder: string, root = folder): Hay {
  const found: Hay = new Map();
  for (const path of filesBelow(folder))
    try {
      found.set(relative(root, path), readFileSync(path));
    } catch {
      // It has gone meanwhile.
    }
  return found;
}

/** A secret in every form in which it may have been written. */
export function formsOf(secret: Buffer): Buffer[] {
  const texts = [secret.toString("hex"), secret.toString("base64"), secret.toString("base64url")];
  return [secret, ...texts.map((text) => Buffer.from(text.replace(/=+$/, "")))];
}

/** Where which of the needles stands. */
export function found(
  hay: ReadonlyMap<string, Buffer>,
  needles: ReadonlyMap<string, readonly Buffer[]>,
): string[] {
  return [...hay].flatMap(([where, bytes]) =>
    [...needles]
      .filter(([, forms]) => forms.some((form) => bytes.includes(form)))
      .map(([what]) => `${what} in ${where}`),
  );
}

/** Environment and words of a process and of all that it started. */
export function processesBelow(pid: number, into: Hay = new Map()): Hay {
  for (const name of ["environ", "cmdline"])
    try {
      into.set(`/proc/${pid}/${name}`, readFileSync(`/proc/${pid}/${name}`));
    } catch {
      // It has ended meanwhile, or is another user's.
    }
  for (const thread of existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [])
    try {
      for (const child of readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" "))
        if (child.trim() !== "") processesBelow(Number(child), into);
    } catch {
      // The same.
    }
  return into;
}

/** Files that hold secrets because they have to, wherever a home or a machine's folder lies; each is for its owner alone. */
const keys = /(^|\/)keys\/[^/]+$/;
const holders = [keys, /(^|\/)owner\.ticket$/, /(^|\/)(ticket|identity|join-box)$/];

/** Every secret that lies below a folder where it may lie. */
export function secretsBelow(folder: string): Needles {
  const needles: Needles = new Map();
  for (const [path, bytes] of hayBelow(folder)) {
    if (!holders.some((holder) => holder.test(path))) continue;
    if (bytes.length === 32) needles.set(path, formsOf(bytes));
    else if (/ticket$/.test(path)) needles.set(path, [Buffer.from(bytes.toString().trim())]);
  }
  return needles;
}

/**
 * Secrets of the homes and machines below a folder that stand anywhere else: in other files there (logs, journals, state), in
 * the environment or words of this process's children, in what programs said. Gives each as a line, and how many were looked for.
 */
export function strayed(
  folder: string,
  said: readonly { readonly out: string; readonly err: string }[],
  more: Needles = new Map(),
): { readonly secrets: number; readonly places: number; readonly stray: string[] } {
  const needles = new Map([...secretsBelow(folder), ...more]);
  const files = [...hayBelow(folder)].filter(([path]) => !holders.some((holder) => holder.test(path)));
  const own = [`/proc/${process.pid}/environ`, `/proc/${process.pid}/cmdline`];
  const running = [...processesBelow(process.pid)].filter(([where]) => !own.includes(where));
  const told = said.map(({ out, err }, at) => [`output ${at}`, Buffer.from(out + err)] as const);
  const hay = new Map([...files, ...running, ...told]);
  return { secrets: needles.size, places: hay.size, stray: found(hay, needles) };
}
