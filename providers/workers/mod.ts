export { listBriefly, listGone } from "./src/listed.ts";
export type { Known, SpawnedView, Workers, WorkersView } from "./src/state.ts";
export { workersProvider } from "./src/workers.ts";
