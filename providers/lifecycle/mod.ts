export type { OutstandingView } from "./src/decide.ts";
export { isWorker, lifecycleProvider, type LifecycleDeps, type RootView } from "./src/lifecycle.ts";
