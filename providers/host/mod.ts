export { type HostDeps, hostProvider } from "./src/host.ts";
export { actions, HostName, Publication, type Published, ThingName } from "./src/schema.ts";
export { type Facet, facets, type Params, type Ticket, type TicketState } from "./src/state.ts";
