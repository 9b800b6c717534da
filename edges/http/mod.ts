export { createHttpEdge, type HttpEdge, type HttpOptions } from "./edge.ts";
export { type Health, type LogPort, portOf } from "./port.ts";
