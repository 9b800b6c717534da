import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { admit } from "./admit.ts";
import { type Ran, run } from "./testing/build.ts";

const missing = [
  "/usr/bin/clang",
  "/usr/bin/wasm-ld",
  "/usr/lib/wasm32-wasi/libc.a",
  "/usr/include/wasm32-wasi",
].filter((path) => !existsSync(path));
const skip =
  missing.length > 0 && `needs clang, lld, wasi-libc, libclang-rt-14-dev-wasm32 (no ${missing.join(", ")})`;
const folder = mkdtempSync(join(tmpdir(), "skep-wasm-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function compiled(source: string, ...flags: string[]): Uint8Array {
  const name = join(
    folder,
    createHash("sha256").update(source).update(flags.join()).digest("hex").slice(0, 16),
  );
  writeFileSync(`${name}.c`, source);
  const args = ["--target=wasm32-wasi", "-O2", ...flags, "-o", `${name}.wasm`, `${name}.c`, "-lm"];
  const done = spawnSync("/usr/bin/clang", args, { encoding: "utf8" });
  assert.equal(done.status, 0, done.stderr);
  return new Uint8Array(readFileSync(`${name}.wasm`));
}

const shortly = ({ reason, exitCode, stdout }: Ran) => [reason, exitCode, stdout.toString()];
function stdinOf(text: string) {
  let rest = Buffer.from(text);
  const read = (max: number) => {
    const part = rest.subarray(0, max);
    rest = rest.subarray(max);
    return part;
  };
  return { read };
}

test("a program of clang and wasi-libc reverses its input", { skip }, () => {
  const bytes = compiled(`#include <stdio.h>
    int main(void) { static char b[4096]; size_t n = fread(b, 1, sizeof b, stdin); while (n) putchar(b[--n]); return 5; }`);
  assert.deepEqual(shortly(run(bytes, { stdin: stdinOf("Hello, World") })), ["exit", 5, "dlroW ,olleH"]);
});

test("arguments, environment, clock and chance of a C program come from its job", { skip }, () => {
  const bytes = compiled(`#include <stdio.h>
    #include <stdlib.h>
    #include <time.h>
    #include <unistd.h>
    int main(int c, char **v) {
      unsigned char r[4]; getentropy(r, 4);
      printf("%d %s %s %ld %02x%02x %d", c, v[1], getenv("WHO"), (long)time(0), r[0], r[1], isatty(1));
      sleep(3600); printf(" %ld", (long)time(0)); exit(300); }`);
  const input = { args: ["p", "x"], env: { WHO: "me" }, seed: Uint8Array.of(1) };
  const key = createHash("sha256").update("skep:wasm:random:1").update(input.seed).digest();
  const chance = createHash("sha256").update(key).update(new Uint8Array(8)).digest("hex").slice(0, 4);
  const ran = run(bytes, input);
  assert.deepEqual(shortly(ran), ["exit", 300, `2 x me 1700000000 ${chance} 0 1700003600`]);
  assert.equal(run(bytes, input).fuelUsed, ran.fuelUsed);
});

test("C programs that misbehave end with their reason", { skip }, () => {
  const cases: readonly (readonly [source: string, reason: string])[] = [
    ["int main(void) { volatile int x = 1; while (x) {} return 0; }", "fuel"],
    ['#include <stdio.h>\nint main(void) { for (;;) puts("flood"); }', "output"],
    ["volatile int y; int f(int n) { y = n; return f(n + 1) + y; } int main(void) { return f(0); }", "depth"],
    ["#include <stdlib.h>\nint main(void) { abort(); }", "trap"],
    ["int main(void) { volatile int z = 0; return 7 / z; }", "trap"],
    ['#include <stdio.h>\nint main(void) { return fopen("/etc/hostname", "r") ? 1 : 7; }', "exit"],
  ];
  for (const [source, reason] of cases) assert.equal(run(compiled(source)).reason, reason, source);
});

test("malloc beyond the job's memory answers null, at the same size each time", { skip }, () => {
  const bytes = compiled(`#include <stdio.h>
    #include <stdlib.h>
    int main(void) { int n = 0; void *volatile p; while ((p = malloc(65536))) n++; printf("%d", n); return n > 0 ? 0 : 1; }`);
  const ran = run(bytes, { memoryPages: 100 });
  assert.equal(ran.reason, "exit");
  assert.equal(ran.memoryBytes, 100 * 65_536);
  assert.deepEqual(run(bytes, { memoryPages: 100 }).stdout, ran.stdout);
});

test("results do not depend on the optimisation level, with and without bulk memory and multi-value", {
  skip,
}, () => {
  const source = `#include <stdio.h>
    #include <string.h>
    #include <math.h>
    #include <stdint.h>
    static int cmp(int a, int b) { return a < b; }
    int (*volatile pick)(int, int) = cmp;
    int main(void) {
      static unsigned char a[100000], b[100000]; uint64_t h = 14695981039346656037u; double s = 0;
      for (int i = 0; i < 100000; i++) a[i] = (unsigned char)(i * 7 + (i >> 3));
      memcpy(b, a, sizeof a); memmove(b + 1, b, 5000); memset(b + 70000, 9, 1000);
      for (int i = 0; i < 100000; i++) { h = (h ^ b[i]) * 1099511628211u; s += sqrt(b[i]) / (1 + sin(i)); if (pick(i, 50)) s -= i; }
      volatile double zero = 0; double nan = zero / zero; uint64_t bits; memcpy(&bits, &nan, 8);
      printf("%llu %.9f %llx", (unsigned long long)h, s, (unsigned long long)bits); return 0; }`;
  const features = ["-mbulk-memory", "-msign-ext", "-mnontrapping-fptoint", "-mmultivalue"];
  const first = run(compiled(source), { fuel: 10n ** 10n });
  assert.equal(first.reason, "exit");
  assert.match(first.stdout.toString(), /^\d+ -?\d+\.\d+ 7ff8000000000000$/);
  for (const flags of [["-O0"], ["-O1"], ["-Os"], ["-O3", ...features]])
    assert.equal(
      run(compiled(source, ...flags), { fuel: 10n ** 10n }).stdout.toString(),
      first.stdout.toString(),
      flags.join(),
    );
  const { report } = admit(compiled(source, "-O3", ...features));
  assert.ok(report.features.includes("bulk-memory"));
});

test("vector code of clang is refused as SIMD", { skip }, () => {
  const source =
    "volatile float a[64]; int main(void) { float s = 0; for (int i = 0; i < 64; i++) s += ((float *)a)[i] * 2; return s; }";
  assert.throws(() => admit(compiled(source, "-O3", "-msimd128", "-ffast-math")), { code: "wasm.simd" });
});
