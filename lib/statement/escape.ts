/** Everything but printable ASCII, the backslash, and a blank at either end, where nobody would see it. */
const hidden = /[^ -~]|\\|^ | $/gu;

/** The text on one line of printable ASCII: `\\` for a backslash, `\u{e9}` for what else does not show by itself. */
export function escapeValue(text: string): string {
  return text.replace(hidden, (char) =>
    char === "\\" ? "\\\\" : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** The text that `escapeValue` shows so, or undefined where it would show none so. */
export function unescapeValue(shown: string): string | undefined {
  const text = shown.replace(/\\(?:\\|u\{([0-9a-f]{1,6})\})/g, (_, hex: string | undefined) => {
    const code = hex === undefined ? 0x5c : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : "";
  });
  return text.isWellFormed() && escapeValue(text) === shown ? text : undefined;
}
