export {
  listBriefly,
  listGone,
  type Known,
  type SpawnedView,
  type Workers,
  type WorkersView,
  workersProvider,
} from "./src/workers.ts";
