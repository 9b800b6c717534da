/** Powers of 2 in GF(256) over 0x11d, and back. */
const exp = new Uint8Array(510);
const log = new Uint8Array(256);
for (let at = 0, value = 1; at < 255; at += 1) {
  exp[at] = value;
  exp[at + 255] = value;
  log[value] = at;
  value = value < 128 ? value << 1 : (value << 1) ^ 0x11d;
}

function times(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : (exp[(log[a] ?? 0) + (log[b] ?? 0)] ?? 0);
}

/** The polynomial whose roots are the first `degree` powers of 2, highest power first and without its leading 1. */
function generator(degree: number): Uint8Array {
  let found = Uint8Array.of(1);
  for (let root = 0; root < degree; root += 1) {
    const next = new Uint8Array(found.length + 1);
    for (const [at, factor] of found.entries()) {
      next[at] = (next[at] ?? 0) ^ factor;
      next[at + 1] = (next[at + 1] ?? 0) ^ times(factor, exp[root] ?? 0);
    }
    found = next;
  }
  return found.subarray(1);
}

/** The Reed-Solomon bytes that go with data, so that what is smudged can be read all the same. */
export function correction(data: Uint8Array, degree: number): Uint8Array {
  const divisor = generator(degree);
  const rest = new Uint8Array(degree);
  for (const byte of data) {
    const factor = byte ^ (rest[0] ?? 0);
    rest.copyWithin(0, 1);
    rest[degree - 1] = 0;
    for (let at = 0; at < degree; at += 1) rest[at] = (rest[at] ?? 0) ^ times(divisor[at] ?? 0, factor);
  }
  return rest;
}
