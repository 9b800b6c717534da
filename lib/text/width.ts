const nothing = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]$/u;
const wideEmoji = /^\p{Emoji_Presentation}$/u;
const ascii = /^[\x20-\x7e]*$/;

// Wide and full-width blocks of East Asian Width, coarse: unassigned points inside count as wide too.
const wide: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1aff0, 0x1b2ff],
  [0x20000, 0x3fffd],
];

function charWidth(char: string): 0 | 1 | 2 {
  const code = char.codePointAt(0) ?? 0;
  if (code >= 0x20 && code < 0x7f) return 1;
  if (nothing.test(char)) return 0;
  if (wide.some(([from, to]) => code >= from && code <= to) || wideEmoji.test(char)) return 2;
  return 1;
}

/** Columns that a text takes on a terminal: 2 for wide characters, 0 for combining ones. */
export function widthOf(text: string): number {
  if (ascii.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** The text, or its beginning and `…`, so that it takes at most `width` columns. */
export function cutToWidth(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width < 1) return "";
  let kept = "";
  let used = 1;
  for (const char of text) {
    used += charWidth(char);
    if (used > width) break;
    kept += char;
  }
  return `${kept}…`;
}

/** The text with spaces behind it (or before it) until it takes `width` columns. */
export function padToWidth(text: string, width: number, align: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "left" ? text + spaces : spaces + text;
}
