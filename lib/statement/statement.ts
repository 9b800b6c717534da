import { createHash } from "node:crypto";
import { fault } from "./faults.ts";
import { fields, keys, parseParameters, printParameters, type Statement } from "./fields.ts";

/** The SSHSIG namespace of statements; a signature made for any other counts for nothing. */
export const statementNamespace = "skep-statement@v1";
/** Bytes of a whole statement. */
export const maxStatement = 12 * 1024;
/** Longest time between not-before and not-after, in seconds: 31 days. Burnt nonces may be forgotten after it. */
export const maxWindow = 31 * 86_400;

const header = "skep-statement v1";

function checkWindow({ notBefore, notAfter }: Statement): void {
  if (notAfter <= notBefore) throw fault.value("not-after is not after not-before");
  if (notAfter - notBefore > maxWindow) throw fault.value("not-after is over 31 days after not-before");
}

/**
 * The one text of a statement: what the signer reads, and byte for byte what is signed. Throws `statement.value` for
 * what no statement can hold, or `statement.oversize`.
 */
export function printStatement(statement: Statement): string {
  checkWindow(statement);
  const lines = [header];
  for (const field of fields) {
    if (field === "parameters") lines.push(...printParameters(statement.parameters));
    else lines.push(`${field.key}: ${field.print(statement)}`);
  }
  const text = `${lines.join("\n")}\n`;
  if (text.length > maxStatement) throw fault.oversize(`${text.length} bytes`);
  return text;
}

type Line = readonly [key: string, value: string];

function splitLines(source: string | Uint8Array): readonly string[] {
  if (source.length > maxStatement) throw fault.oversize(`${source.length} bytes`);
  const text = typeof source === "string" ? source : Buffer.from(source).toString("latin1");
  if (text.includes("\r")) throw fault["line-ending"]("CR");
  const odd = /[^\n -~]/.exec(text);
  if (odd) throw fault.character(`at ${odd.index}`);
  const [first, ...lines] = text.split("\n");
  if (first !== header) throw fault.version(first);
  if (lines.length === 0) throw fault["line-ending"]("the first");
  if (lines.pop() !== "") throw fault["trailing-bytes"]();
  if (lines.at(-1) === "") throw fault["trailing-bytes"]("an empty line");
  return lines;
}

function splitLine(line: string): Line {
  const colon = line.indexOf(": ");
  if (colon < 1) throw fault.line(line);
  return [line.slice(0, colon), line.slice(colon + 2)];
}

const isParameter = (key: string) => key.startsWith("parameter.");

function checkKeys(found: readonly string[]): void {
  const seen = new Set<string>();
  for (const key of found) {
    if (!isParameter(key) && !keys.includes(key)) throw fault["unknown-key"](key);
    if (seen.has(key)) throw fault["repeated-key"](key);
    seen.add(key);
  }
  for (const key of keys) if (!seen.has(key)) throw fault["missing-key"](key);
  const named = found.filter(isParameter).sort();
  const due = fields.flatMap((field) => (field === "parameters" ? named : [field.key]));
  const wrong = found.find((key, at) => key !== due[at]);
  if (wrong !== undefined) throw fault["wrong-order"](wrong);
}

/**
 * Reads a statement; `printStatement` of what comes out is the text that went in, byte for byte. Each way of being
 * another text has its own code: `statement.version`, `.line-ending`, `.character`, `.line`, `.unknown-key`,
 * `.repeated-key`, `.missing-key`, `.wrong-order`, `.trailing-bytes`, `.value`, `.oversize`.
 */
export function parseStatement(source: string | Uint8Array): Statement {
  const lines = splitLines(source).map(splitLine);
  checkKeys(lines.map(([key]) => key));
  const values = new Map(lines);
  const parameters = parseParameters(lines.filter(([key]) => isParameter(key)));
  const parts = fields.map((field) =>
    field === "parameters" ? { parameters } : field.parse(values.get(field.key) ?? ""),
  );
  const statement = Object.assign({}, ...parts) as Statement;
  checkWindow(statement);
  return statement;
}

/** SHA-256 of the text, as `sha256:` and hexadecimal: what a statement is called by in a journal. */
export function digestStatement(text: string | Uint8Array): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
