export { listBriefly, listGone } from "./src/listed.ts";
export {
  type Known,
  type SpawnedView,
  type Workers,
  type WorkersView,
  workersProvider,
} from "./src/workers.ts";
