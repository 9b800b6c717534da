import { widthOf } from "./width.ts";

export interface WrapOptions {
  /** Terminal columns of a whole line, its indent included. */
  readonly width: number;
  /** Put before every line. */
  readonly indent?: string;
  /** Put before the first line instead of `indent`. */
  readonly first?: string;
}

function pieces(word: string, room: number): string[] {
  if (widthOf(word) <= room) return [word];
  const found: string[] = [];
  let piece = "";
  for (const char of word) {
    if (piece !== "" && widthOf(piece + char) > room) {
      found.push(piece);
      piece = "";
    }
    piece += char;
  }
  return [...found, piece];
}

/**
 * Breaks text at spaces into lines of at most `width` columns; newlines in the text stay, and a word that is longer
 * than a line is broken inside. It does not escape: do that first where the text is foreign.
 */
export function wrapText(text: string, options: WrapOptions): string {
  const indent = options.indent ?? "";
  let lead = options.first ?? indent;
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    const room = Math.max(1, options.width - Math.max(widthOf(indent), widthOf(lead)));
    let line = "";
    for (const word of paragraph.split(/ +/).flatMap((each) => pieces(each, room))) {
      if (line !== "" && widthOf(line) + 1 + widthOf(word) > room) {
        lines.push((lead + line).trimEnd());
        lead = indent;
        line = "";
      }
      line = line === "" ? word : `${line} ${word}`;
    }
    lines.push((lead + line).trimEnd());
    lead = indent;
  }
  return lines.join("\n");
}
