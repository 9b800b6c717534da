export { type Cas, type CasDeps, type CasView, casProvider } from "./src/cas.ts";
