import type { Fault } from "@skep/fault";

/** What is kept from acting. A provider offers it as the view `bans`; pure. */
export interface Bans {
  /** False while nothing is banned: then nothing is asked. */
  readonly active: boolean;
  /** Why this caller may not act, or may not use one of these; undefined when it may. */
  refusal(
    caller: { readonly subject: string; readonly blocks: readonly string[] },
    uses: readonly string[],
  ): Fault | undefined;
}
