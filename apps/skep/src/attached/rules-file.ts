import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { parseDuration } from "@skep/edge-cli";
import { type Fault, faults } from "@skep/fault";
import { parse } from "smol-toml";
import { z } from "zod";
import { hasCode } from "../client/files.ts";

const fault = faults("rules-file", {
  unread: ["invalid", "Cannot read the rules of this machine"],
  owner: [
    "denied",
    "Cannot use the rules of this machine: others than root and the agent's user may write them",
    { cure: "chown root FILE and its folder, chmod go-w" },
  ],
});

const mine = ({ uid, mode }: Stats, own: number): boolean =>
  (uid === 0 || uid === own) && (mode & 0o022) === 0;

/**
 * Text of a file of rules; undefined where there is none. Only root and the agent's own user may be able to write it, or
 * to put another in its place. Throws `rules-file.unread`, `rules-file.owner`.
 */
export function ownText(file: string, own: number): string | undefined {
  let opened: number;
  try {
    opened = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw fault.unread(`${file}: ${(cause as Error).message}`, { cause });
  }
  try {
    const told = fstatSync(opened);
    if (!told.isFile() || !mine(told, own)) throw fault.owner(file);
    const folder = dirname(file);
    if (!mine(lstatSync(folder), own)) throw fault.owner(folder);
    return readFileSync(opened, "utf8");
  } finally {
    closeSync(opened);
  }
}

/** A span of time such as 500ms, 2s or 1h30m, as milliseconds. */
export const span = (least: number, most: number) =>
  z
    .string()
    .transform((text, context) => {
      const read = parseDuration(text);
      if (read.ok) return read.value;
      context.addIssue({ code: "custom", message: `expected ${read.expected}` });
      return z.NEVER;
    })
    .refine((ms) => ms >= least && ms <= most, `expected ${least} ms to ${most} ms`);

type Wrong = (why: string, options: { readonly cause?: unknown }) => Fault;

function tableIn(text: string, file: string, wrong: Wrong): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw wrong(`${file}: ${(cause as Error).message.split("\n")[0] ?? ""}`, { cause });
  }
}

/**
 * Rules in a text in TOML, by the schema that its table asks for. Throws what `wrong` makes of the reason, with the file
 * and the place in it.
 */
export function rulesIn<T>(
  schemaFor: (table: unknown) => z.ZodType<T>,
  text: string,
  file: string,
  wrong: Wrong,
): T {
  const table = tableIn(text, file, wrong);
  const read = schemaFor(table).safeParse(table);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw wrong(`${file}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`, {});
}
