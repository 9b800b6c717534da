export { readItem } from "./src/cbor.ts";
export { envelopeSchema, frameSchema } from "./src/records.ts";
export { mimes } from "./src/state.ts";
export type { Quotas } from "./src/store.ts";
export { telemetryProvider, type TelemetryDeps } from "./src/telemetry.ts";
