import { escapeForeign } from "@skep/text";
import { parseNote } from "@skep/tlog";

/** What a witness said last. */
export interface WitnessStanding {
  readonly name: string;
  readonly url: string;
  /** `ahead`: it cosigned more of this log than there is, so the log went back; `silent`: it did not answer. */
  readonly state: "cosigned" | "ahead" | "refused" | "silent";
  /** The largest size that it is known to have cosigned. */
  readonly size: number;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** What cosigns a log, as the app knows it. */
export interface WitnessesView {
  /** The newest checkpoint with enough cosignatures; empty before the first. */
  readonly cosigned: string;
  readonly standing: readonly WitnessStanding[];
}

/** The newest checkpoint, with its cosignatures where it is the one that was cosigned. */
export function cosignedNow(checkpoint: string, witnesses: WitnessesView | undefined): string {
  const cosigned = witnesses?.cosigned ?? "";
  if (cosigned === "" || parseNote(cosigned).text !== parseNote(checkpoint).text) return checkpoint;
  return cosigned;
}

/** One line for each witness. */
export function witnessText(witnesses: WitnessesView | undefined): string {
  return (witnesses?.standing ?? [])
    .map(({ name, url, state, size, reason, time }) => {
      const why = reason === "" ? "" : ` reason=${JSON.stringify(reason)}`;
      const line = `witness=${name} state=${state} size=${size} at_ms=${time} url=${url}${why}`;
      return `${escapeForeign(line, { form: "wire" })}\n`;
    })
    .join("");
}
