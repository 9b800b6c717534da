import { escapeForeign } from "@skep/text";
import type { Sink } from "./io.ts";

/** How a piece of text stands out; without colour it stands as it is. */
export type Tone = "strong" | "dim" | "good" | "bad" | "warn" | "name";

/** A piece of a line with a tone; its text may come from outside. */
export interface Toned {
  readonly tone: Tone;
  readonly text: string;
}

/** What lines are made of. Every part is escaped where it is shown, so a part never holds escape sequences itself. */
export type Part = string | Toned;

/** `toned("good", "verified")`. */
export function toned(tone: Tone, text: string): Toned {
  return { tone, text };
}

const codes: Readonly<Record<Tone, string>> = {
  strong: "1",
  dim: "2",
  good: "32",
  bad: "31",
  warn: "33",
  name: "36",
};

export function paint(tone: Tone, text: string, colour: boolean): string {
  return colour ? `\x1b[${codes[tone]}m${text}\x1b[0m` : text;
}

/** One line of parts, escaped and coloured. */
export function renderParts(parts: readonly Part[], colour: boolean): string {
  return parts
    .map((part) => {
      if (typeof part === "string") return escapeForeign(part, { form: "terminal" });
      return paint(part.tone, escapeForeign(part.text, { form: "terminal" }), colour);
    })
    .join("");
}

/** Escapes a text whose foreign parts are quoted already, as a fault's message: its backslashes stay single. */
export function escapeQuoted(text: string): string {
  return text
    .split("\\")
    .map((piece) => escapeForeign(piece, { form: "terminal" }))
    .join("\\");
}

/** Colour belongs on a terminal only, and not where NO_COLOR, TERM=dumb or `--no-color` say otherwise. */
export function wantsColour(
  sink: Sink,
  env: Readonly<Record<string, string | undefined>>,
  allowed: boolean,
): boolean {
  return sink.isTTY && allowed && !env.NO_COLOR && env.TERM !== "dumb";
}
