import { clientLine, verbs } from "@skep/grammar";

/** What goes to the console: capitals as they stand, other words in the forms that the original's client takes. */
export function typedLine(text: string): string {
  const line = text.trim();
  return /^[A-Z]+(?:[ \t]|$)/.test(line) ? line : clientLine(line);
}

/** Verbs that go on from what is typed, in its own case. */
export function verbsFrom(word: string): string[] {
  const found = Object.keys(verbs).filter((verb) => verb.startsWith(word.toUpperCase()));
  return word === word.toUpperCase() ? found : found.map((verb) => verb.toLowerCase());
}
