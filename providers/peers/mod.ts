/** A line of `/net/join`. */
export type { Join } from "./src/commands.ts";
export { type Engagement, type Issue, type MembersView, type PeersDeps, peersProvider } from "./src/peers.ts";
/** What is known of a machine that joined. */
export type { MachineClass, Member } from "./src/state.ts";
