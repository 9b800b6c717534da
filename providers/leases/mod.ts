export { type LeasedView, leasesProvider } from "./src/leases.ts";
