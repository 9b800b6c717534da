import type { Kind } from "@skep/fault";

/** A positive acknowledgement: `OK <VERB> <detail>`. */
export interface OkReply {
  readonly status: "OK";
  readonly verb: string;
  /** `path=… entries=…` and the like; empty where there is none. */
  readonly detail: string;
}

/** A refusal: `ERR <VERB> reason=… detail=… path=… error=…`. */
export interface ErrReply {
  readonly status: "ERR";
  readonly verb: string;
  /** One of the four words; `AUTH` and `FRAME` have words of their own. */
  readonly reason: Kind["reason"] | (string & {});
  readonly detail?: string;
  readonly path?: string;
  readonly error?: string;
}

/** What a line from a server is: an acknowledgement, the end of an answer, or data. */
export type Reply =
  | OkReply
  | ErrReply
  | { readonly status: "END" }
  | { readonly status: "PONG" }
  | { readonly status: "DATA"; readonly text: string };

/** Bytes of everything behind the verb of an acknowledgement. */
export const detailCap = 128;

const bytesOf = (text: string) => Buffer.byteLength(text);

/** Prints `OK <VERB>` with those `key=value` pieces that fit 128 bytes; one that does not fit is left out whole. */
export function printOk(verb: string, pieces: readonly string[] = []): string {
  let detail = "";
  for (const piece of pieces) {
    const longer = detail === "" ? piece : `${detail} ${piece}`;
    if (bytesOf(longer) <= detailCap) detail = longer;
  }
  return detail === "" ? `OK ${verb}` : `OK ${verb} ${detail}`;
}

/**
 * Prints a refusal. Behind `reason=…` the rest is one piece: where the whole is over 128 bytes it is left out, and the
 * line ends with `reason=… ` and its blank, as the original's does.
 */
export function printErr(reply: Omit<ErrReply, "status">): string {
  const rest = [
    reply.detail === undefined ? "" : `detail=${reply.detail}`,
    reply.path === undefined ? "" : `path=${reply.path}`,
    reply.error === undefined ? "" : `error=${reply.error}`,
  ]
    .filter((piece) => piece !== "")
    .join(" ");
  const head = `reason=${reply.reason}`;
  if (rest === "") return `ERR ${reply.verb} ${head}`;
  return bytesOf(head) + 1 + bytesOf(rest) > detailCap
    ? `ERR ${reply.verb} ${head} `
    : `ERR ${reply.verb} ${head} ${rest}`;
}

const errForm = /^reason=(\S+)(?: detail=(.*?))?(?: path=(\S+))?(?: error=(.*))?$/;

function parseErr(verb: string, rest: string): Reply | undefined {
  const found = errForm.exec(rest.trimEnd());
  if (!found) return undefined;
  const [, reason = "", detail, path, error] = found;
  return {
    status: "ERR",
    verb,
    reason,
    ...(detail === undefined ? {} : { detail }),
    ...(path === undefined ? {} : { path }),
    ...(error === undefined ? {} : { error }),
  };
}

/** What a server's line is; data lines come back as they were before `guardLine`. */
export function parseReply(line: string): Reply {
  if (line === "END") return { status: "END" };
  if (line === "PONG") return { status: "PONG" };
  const ack = /^(OK|ERR) ([A-Z]+)(?: (.*))?$/.exec(line);
  if (ack?.[1] === "OK") return { status: "OK", verb: ack[2] ?? "", detail: ack[3] ?? "" };
  const refused = ack && parseErr(ack[2] ?? "", ack[3] ?? "");
  return refused || { status: "DATA", text: unguardLine(line) };
}

/** The value of `key=` in the detail of an OK; of `data`, `payload` and `error` it reaches to the end of the line. */
export function fieldOf(detail: string, key: string): string | undefined {
  const open = key === "data" || key === "payload" || key === "error";
  const at = ` ${detail}`.indexOf(` ${key}=`);
  if (at < 0) return undefined;
  const value = detail.slice(at + key.length + 1);
  return open ? value : value.split(" ", 1)[0];
}

const mistakable = /^\\*(?:(?:OK|ERR)(?: |$)|(?:END|PONG)\s*$)/;

/**
 * A data line that a client would take for an acknowledgement, `END` or `PONG` gets a backslash before it, so that what
 * stands in a file can neither end its own listing nor forge an answer.
 */
export function guardLine(line: string): string {
  return mistakable.test(line) ? `\\${line}` : line;
}

/** Takes the backslash of `guardLine` off again. */
export function unguardLine(line: string): string {
  return line.startsWith("\\") && mistakable.test(line) ? line.slice(1) : line;
}
