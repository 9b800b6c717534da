export { type Cas, type CasDeps, type CasView, casProvider } from "./src/cas.ts";
export { type Retention, standardRetention } from "./src/retention.ts";
