/** Number text of ECMAScript, which RFC 8785 section 3.2.2.3 adopts; undefined for NaN and the infinities. */
export function ecmaNumber(value: number): string | undefined {
  return Number.isFinite(value) ? `${value}` : undefined;
}

/** Number text of serde_json: fractions below 1e-5 in scientific form, whole numbers as integers. */
export function serdeNumber(value: number): string | undefined {
  if (Number.isSafeInteger(value)) return `${value}`;
  if (!Number.isFinite(value) || Number.isInteger(value)) return undefined;
  const size = Math.abs(value);
  return size < 1e-5 ? value.toExponential() : `${value}`;
}

/** UTF-8 byte order ranks surrogate pairs above U+E000–U+FFFF; UTF-16 unit order ranks them below. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Compares two well-formed strings by their UTF-8 bytes without encoding them. */
export function compareUtf8(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}
