export { readItem } from "./src/cbor.ts";
export type { CursorQuotas } from "./src/cursors.ts";
export { Figures } from "./src/figures.ts";
export { envelopeSchema, frameSchema } from "./src/records.ts";
export { ringsProvider, type RingsDeps } from "./src/rings.ts";
export { mimes } from "./src/state.ts";
export type { Quotas } from "./src/store.ts";
export { telemetryProvider, type TelemetryDeps } from "./src/telemetry.ts";
export type { RingQuotas } from "./src/worker-rings.ts";
