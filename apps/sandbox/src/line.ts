import { escapeForeign } from "@skep/text";

/** What a runner said, cut and made one printable line. */
export function oneLine(text: string): string {
  return escapeForeign(text.slice(0, 1000), { form: "wire" });
}
