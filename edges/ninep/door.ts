import type { Session } from "@skep/kernel";

/** What an attach shows: a ticket, or that it came over the socket of the home's owner. */
export type Credential = { readonly kind: "ticket"; readonly token: string } | { readonly kind: "socket" };

/** The app's answer to an attach. */
export interface NinepDoor {
  /** A session with the authority of the credential; throws the fault of its refusal. */
  attach(credential: Credential, edge: string): Promise<Session>;
}
