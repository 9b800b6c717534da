export { gpuProvider } from "./src/gpu.ts";
export type { Gpu, Receipt, Run } from "./src/state.ts";
