import type { DetailedError } from "@cedar-policy/cedar-wasm/nodejs";

/** Something wrong with a policy set, where it stands, and what to do. */
export interface Problem {
  readonly file: string;
  /** 1 for the first. */
  readonly line: number;
  /** In characters; 1 for the first. */
  readonly column: number;
  readonly message: string;
  /** The next step that cures it. */
  readonly cure: string;
}

/** Where a character offset stands. */
export function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

// Cedar counts UTF-8 bytes.
function charactersOf(text: string, bytes: number): number {
  return Buffer.from(text).subarray(0, bytes).toString("utf8").length;
}

/** What Cedar says about a text that begins at character `offset` of a file. */
export function problemOf(
  error: DetailedError,
  file: { readonly name: string; readonly text: string },
  part: { readonly text: string; readonly offset: number },
): Problem {
  const [at] = error.sourceLocations ?? [];
  const label = at?.label ? `; ${at.label}` : "";
  const within = at === undefined ? 0 : charactersOf(part.text, at.start);
  return {
    file: file.name,
    ...placeOf(file.text, part.offset + within),
    message: `${error.message.replace(/^failed to parse (policies|schema) from string: /, "").replace(/^for policy `[^`]*`, /, "")}${label}`,
    cure:
      error.help ??
      "Correct it; `skep policy check` shows every problem, `/policy/schema` what can be asked for",
  };
}

/** A problem on one line: `site.cedar:3:9: …`. */
export function printProblem({ file, line, column, message, cure }: Problem): string {
  return `${file}:${line}:${column}: ${message} (${cure})`;
}
