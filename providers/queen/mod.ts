export { type Queen, type QueenDeps, queenProvider, type Spawned, type SpawnedView } from "./src/queen.ts";
