export { type Bench, type Bound, type Measured, type Row, rowOf } from "./src/row.ts";
export { tableOf } from "./src/table.ts";
