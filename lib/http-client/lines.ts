import type { LiveEvent } from "./live.ts";

/** The text of an event's bytes; what is no text is told as its size. */
export function textOf({ text, b64 }: { readonly text?: string; readonly b64?: string }): string {
  if (text !== undefined) return text;
  return b64 === undefined ? "" : `[${Math.floor((b64.length * 3) / 4)} bytes that are no text]\n`;
}

/** Cuts what comes of a stream in pieces into whole lines. */
export class Lines {
  #rest = "";

  /** The lines that an event completes; behind a gap they begin anew. */
  take(event: LiveEvent): readonly string[] {
    if (event.event === "gap") this.#rest = "";
    if (event.event !== "data") return [];
    const parts = (this.#rest + textOf(event.data)).split("\n");
    this.#rest = parts.pop() ?? "";
    return parts;
  }

  /** What came behind the last newline, when nothing follows any more. */
  flush(): string {
    const rest = this.#rest;
    this.#rest = "";
    return rest;
  }
}
