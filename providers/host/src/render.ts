import type { Json } from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import { type Hosts, isOver, type Ticket } from "./state.ts";
import type { Value } from "./values.ts";

const wire = (value: unknown): string => {
  const text = escapeForeign(String(value), { form: "wire" });
  return /[\s"]|^$/.test(text) ? JSON.stringify(text) : text;
};

/** One line of words with values. */
export function lineOf(row: Readonly<Record<string, unknown>>): string {
  const words = Object.entries(row).filter(([, value]) => value !== undefined);
  return `${words.map(([name, value]) => `${name}=${wire(value)}`).join(" ")}\n`;
}

/** A thing as a row: who has it, how it is, and why that is not known. */
export function valueRow(
  host: string | undefined,
  { state, reason, fields, at }: Value,
): Record<string, Json> {
  return {
    ...(host === undefined ? {} : { host }),
    state,
    ...(reason === undefined ? {} : { reason }),
    ...fields,
    ...(at === 0 ? {} : { at_ms: at }),
  };
}

/** A ticket as a row. */
export function ticketRow(id: string, ticket: Ticket): Record<string, Json> {
  const { n, action, host, target, state, since, by, again, reason } = ticket;
  return {
    ...{ id, state, action, host, target, n, since_ms: since, by, again },
    ...(reason === "" ? {} : { reason }),
  };
}

/** The same with all that is known, for programs. */
export function ticketJson(id: string, ticket: Ticket): Json {
  const { key, params, ttl, deadline, before, evidence, output } = ticket;
  const more = { idempotency_key: key, params, ttl_s: ttl / 1000, before, evidence, output };
  return {
    schema: "host-ticket/v1",
    ...ticketRow(id, ticket),
    ...more,
    ...(isOver(ticket.state) ? {} : { deadline_ms: deadline }),
  };
}

/** What went wrong, or may have. */
export const isDead = ({ state }: Ticket): boolean => isOver(state) && state !== "succeeded";

/** Open tickets of a host, the oldest first. */
export function pendingOf({ open, tickets }: Hosts, host: string): [string, Ticket][] {
  const found = [...open.keys()].flatMap((id): [string, Ticket][] => {
    const ticket = tickets.get(id);
    return ticket?.host === host ? [[id, ticket]] : [];
  });
  return found.sort(([, one], [, other]) => one.n - other.n);
}
