import { formatCount } from "@skep/text";

/** What an examination says of one thing. */
export interface Finding {
  /** What was looked at: `journal`, `blobs` … */
  readonly about: string;
  readonly state: "ok" | "note" | "warning" | "bad";
  readonly text: string;
  /** The next step, where there is one. */
  readonly cure?: string;
}

/** A finding of each state. */
export const ok = (about: string, text: string): Finding => ({ about, state: "ok", text });
export const note = (about: string, text: string, cure?: string): Finding => ({
  about,
  state: "note",
  text,
  ...(cure === undefined ? {} : { cure }),
});
export const warning = (about: string, text: string, cure: string): Finding => ({
  about,
  state: "warning",
  text,
  cure,
});
export const bad = (about: string, text: string, cure: string): Finding => ({
  about,
  state: "bad",
  text,
  cure,
});

/** `1 segment`, `2 segments`. */
export const counted = (count: number, what: string): string =>
  `${formatCount(count)} ${what}${count === 1 ? "" : "s"}`;
