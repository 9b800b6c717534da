import { escapeForeign } from "./escape.ts";

const plain = /^[ -~]*$/;

/**
 * A value as one line of JSON that may stand in any log or terminal: what neither may show as it is (DEL, C1, bidi,
 * zero-width, line separators; JSON itself leaves them) is escaped inside the strings, so that it parses back the same.
 * `null` for what JSON cannot say. The replacer is that of `JSON.stringify`.
 */
export function printJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  const text = JSON.stringify(value, replacer) ?? "null";
  if (plain.test(text)) return text;
  return text.replace(/[^ -~]+/gu, (part) => escapeForeign(part, { form: "json" }));
}
