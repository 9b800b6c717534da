import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { privateFile } from "../hive/keys.ts";
import { problem } from "./faults.ts";

const longest = 4096;

/** A secret that no log, JSON or inspection shows. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The secret itself. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return "(secret)";
  }

  toJSON(): string {
    return "(secret)";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "(secret)";
  }
}

/** A secret from a text: one newline at its end is no part of it. Faults: `config.secret`. */
export function makeSecret(text: string, from: string): Secret {
  const kept = text.replace(/\r?\n$/, "");
  const cure = `Give 1 to ${longest} bytes of UTF-8 without control characters`;
  if (kept === "") throw problem("secret", `Cannot read secret from ${from}: it is empty`, cure);
  if (Buffer.byteLength(kept) > longest || /[\x00-\x1f\x7f\ufffd]/.test(kept))
    throw problem("secret", `Cannot read secret from ${from}: it is no short line of text`, cure);
  return new Secret(kept);
}

function readDescriptor(fd: number, from: string): Secret {
  try {
    return makeSecret(readFileSync(fd, "utf8"), from);
  } finally {
    closeSync(fd);
  }
}

function openSecret(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? cause.code : cause;
    throw problem(
      "secret",
      `Cannot read secret from ${path}: ${why}`,
      "Name a file that you may read",
      cause,
    );
  }
}

/**
 * Reads a secret from a file, or from an inherited descriptor written as `fd:3`, which is then closed. A file that
 * others than its owner may read is refused unless `shared`. Faults: `config.secret`.
 */
export function readSecret(reference: string, options: { readonly shared?: boolean } = {}): Secret {
  const [, digits] = /^fd:(\d{1,4})$/.exec(reference) ?? [];
  if (digits !== undefined && Number(digits) > 2)
    try {
      return readDescriptor(Number(digits), reference);
    } catch (cause) {
      if (!(cause instanceof Error && "syscall" in cause)) throw cause;
      throw problem(
        "secret",
        `Cannot read secret from ${reference}: it is not open`,
        "Open it before the start",
        cause,
      );
    }
  const fd = openSecret(reference);
  const { mode, size } = fstatSync(fd);
  if (!options.shared && (mode & 0o077) !== 0) {
    closeSync(fd);
    const text = `Cannot read secret from ${reference}: others than its owner may read or write it`;
    throw problem("secret", text, `Run chmod 600 ${reference}`);
  }
  if (size > longest * 2) {
    closeSync(fd);
    throw problem(
      "secret",
      `Cannot read secret from ${reference}: it is too large`,
      "Name a file that holds only the secret",
    );
  }
  return readDescriptor(fd, reference);
}

/** The secret that a home keeps under this name, made at the first asking: 32 random bytes as base64url, mode 0600. */
export function homeSecret(home: string, name: string): Secret {
  const path = join(home, "secrets", basename(name));
  try {
    return readSecret(path);
  } catch (thrown) {
    const cause = thrown instanceof Error ? thrown.cause : undefined;
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw thrown;
  }
  privateFile(path, () => Buffer.from(`${randomBytes(32).toString("base64url")}\n`));
  return readSecret(path);
}
