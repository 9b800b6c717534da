import { faults } from "@skep/fault";

const fault = faults("script", {
  long: ["oversize", "Cannot run script: more than 256 lines"],
  wait: ["invalid", "Cannot parse WAIT: it takes 0 to 2000 milliseconds"],
  expect: ["invalid", "Cannot parse EXPECT: it takes OK, ERR, SUBSTR <text> or NOT <text>"],
  first: ["invalid", "Cannot check a response before the first command"],
});

/** One statement of a `.coh` script with its line number, counted from 1. */
export type Statement = { readonly line: number } & (
  | { readonly kind: "command"; readonly text: string }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "expect"; readonly what: "OK" | "ERR" | "SUBSTR" | "NOT"; readonly text: string }
);

function parseExpect(line: number, rest: string): Statement {
  const found = /^(OK|ERR|SUBSTR|NOT)(?:[ \t]+(.*))?$/.exec(rest);
  const what = found?.[1];
  const text = found?.[2] ?? "";
  if (what === "OK" || what === "ERR") {
    if (text === "") return { line, kind: "expect", what, text: what };
  } else if ((what === "SUBSTR" || what === "NOT") && text !== "") {
    return { line, kind: "expect", what, text };
  }
  throw fault.expect(`line ${line}: ${rest}`);
}

function parseWait(line: number, rest: string): Statement {
  const ms = /^\d{1,4}$/.test(rest) ? Number(rest) : Number.NaN;
  if (!(ms <= 2000)) throw fault.wait(`line ${line}: ${rest}`);
  return { line, kind: "wait", ms };
}

/**
 * Parses a `.coh` script (facts §11): `#` begins a comment anywhere, blank lines are skipped, `EXPECT` and `WAIT` are
 * keywords, every other line is a command. At most 256 lines.
 * @throws Fault `script.…` that names the line
 */
export function parseScript(text: string): Statement[] {
  const lines = text.replace(/\n$/, "").split(/\r?\n/);
  if (lines.length > 256) throw fault.long();
  const found: Statement[] = [];
  for (const [at, raw] of lines.entries()) {
    const line = at + 1;
    const bare = (raw.split("#", 1)[0] ?? "").trim();
    if (bare === "") continue;
    const [, keyword = "", rest = ""] = /^(\S+)[ \t]*(.*)$/.exec(bare) ?? [];
    if (keyword === "WAIT") found.push(parseWait(line, rest));
    else if (keyword !== "EXPECT") found.push({ line, kind: "command", text: bare });
    else if (found.some((each) => each.kind === "command")) found.push(parseExpect(line, rest));
    else throw fault.first(`line ${line}`);
  }
  return found;
}
