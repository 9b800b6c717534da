export type { Gateway } from "./auth/authenticate.ts";
export type { SessionStore } from "./auth/browser.ts";
export type { HttpDoor } from "./auth/principals.ts";
export { createHttpEdge, type HttpEdge, type HttpFigures, type HttpOptions } from "./edge.ts";
export type { HttpHive } from "./hive.ts";
export { openApi } from "./openapi/load.ts";
export type { About } from "./parts.ts";
export { type Health, type LogPort, portOf } from "./port.ts";
