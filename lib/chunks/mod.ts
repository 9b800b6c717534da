export { Chunker, split } from "./chunker.ts";
export { type Sizes, standardSizes } from "./sizes.ts";
