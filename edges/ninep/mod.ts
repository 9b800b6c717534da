export { createNinepEdge, type NinepEdge, type NinepOptions } from "./edge.ts";
/** Who may come in, as the app answers it. */
export type { Credential, NinepDoor } from "./door.ts";
/** Where an edge listens. */
export type { Listening } from "./listen.ts";
