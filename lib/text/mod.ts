export { type EscapeForm, type EscapeOptions, escapeForeign, escapeLines } from "./escape.ts";
export { printJson } from "./json.ts";
export { suggest } from "./suggest.ts";
export { type Column, renderTable, type TableOptions } from "./table.ts";
export { formatBytes, formatCount, formatDuration, formatTime } from "./units.ts";
export { cutToWidth, padToWidth, widthOf } from "./width.ts";
export { type WrapOptions, wrapText } from "./wrap.ts";
