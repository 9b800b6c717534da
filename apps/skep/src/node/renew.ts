import { readFileSync } from "node:fs";
import { type Clock, delay } from "@skep/clock";
import { toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { membershipOf, nodePlaces, readMembership } from "./folder.ts";
import { renewTicket } from "./redeem.ts";

/** What keeping a ticket alive is given. */
export interface Renewing {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** A client of its own, attached with a ticket. */
  readonly open: (ticket: string, signal: AbortSignal) => Promise<Client>;
  /** Another ticket lies in the folder. */
  readonly renewed: () => void;
}

/** Of the time that a ticket lasts, how much is left when another one is asked for; the hive gives none above a half. */
const share = 0.45;
const longestPause = 60_000;

/** The ticket of a folder as it is now. */
export const ticketIn = (folder: string): string => readFileSync(nodePlaces.ticket(folder), "utf8").trim();

/** The hive counts whole seconds, and began before its answer came. */
const slack = 2000;

/** Whether the ticket of a folder has run out, by this machine's clock. */
export function hasRunOut(folder: string, now: number): boolean {
  const expires = readMembership(folder)?.expires;
  return expires !== undefined && expires <= now + slack;
}

/** Asks for another ticket before the present one ends, again and again. Resolves when the signal aborts, or when it ran out. */
export async function keepRenewed(renewing: Renewing, signal: AbortSignal): Promise<void> {
  const { folder, clock, log, open, renewed } = renewing;
  while (!signal.aborted) {
    const { expires, term } = membershipOf(folder);
    if (expires === undefined || term === undefined) return;
    const left = expires - clock.now();
    if (left <= 0) return;
    // The wall clock goes on while a machine sleeps, and a timer may not.
    let pause = Math.min(left - share * term, longestPause);
    if (pause <= 0) {
      pause = Math.min(term / 20, longestPause);
      try {
        await using client = await open(ticketIn(folder), signal);
        await renewTicket(client, folder, clock, signal);
        renewed();
        continue;
      } catch (thrown) {
        if (!signal.aborted) log(`the ticket is not renewed yet: ${toFault(thrown).message}`);
      }
    }
    await delay(clock, pause, signal).catch(() => undefined);
  }
}
