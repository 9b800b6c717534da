export type { Gateway } from "./auth/authenticate.ts";
export type { SessionStore } from "./auth/browser.ts";
export type { HttpDoor } from "./auth/principals.ts";
export { createHttpEdge, type HttpEdge, type HttpFigures, type HttpHive, type HttpOptions } from "./edge.ts";
export { openApi } from "./openapi/document.ts";
export type { About } from "./parts.ts";
export { type Health, type LogPort, portOf } from "./port.ts";
