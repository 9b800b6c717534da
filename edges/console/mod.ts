export { type Console, type ConsoleOptions, createConsole } from "./console.ts";
export { type ConsoleLines, type ConsoleLinesOptions, createConsoleLines } from "./lines.ts";
export { cannotFollow, doorOf } from "./door.ts";
export { type Attached, canonicalRole, type Credential, type Login } from "./login.ts";
export { macAuthority, ticketLogin, type TicketLoginOptions, type Verified } from "./ticket-login.ts";
/** What the app tells about the program, and what the console counts. */
export type { About, Counters } from "./about.ts";
/** Limits that a ticket carries itself. */
export type { ScopeVerb, TicketLimits } from "./meter.ts";
/** The slices of the world that this edge needs. */
export type { ConsoleHandle, ConsoleSession } from "./session.ts";
/** A connection; a `net.Socket` fits. */
export type { ConsoleSocket } from "./socket.ts";
