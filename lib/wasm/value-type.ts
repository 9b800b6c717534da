import { fault } from "./fault.ts";
import type { Reader } from "./reader.ts";

/** Reads one of i32, i64, f32, f64. */
export function valueType(reader: Reader): number {
  const at = reader.at;
  const type = reader.u8();
  if (type >= 0x7c && type <= 0x7f) return type;
  if (type === 0x7b) throw fault.simd(reader.where(at));
  if (type >= 0x63 && type <= 0x74) throw fault.feature(`reference types, ${reader.where(at)}`);
  throw fault.malformed(`unknown value type 0x${type.toString(16)}, ${reader.where(at)}`);
}
