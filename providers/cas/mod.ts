export { type Cas, type CasDeps, type CasView, casProvider, type Keeper } from "./src/cas.ts";
export { type Retention, standardRetention } from "./src/retention.ts";
