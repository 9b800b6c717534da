import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createSandboxPool } from "./pool.ts";
import { jobOf } from "./testing.ts";

const source = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  for (int i = 0; i < argc; i++) printf("argument %d is %s\\n", i, argv[i]);
  printf("GREETING is %s\\n", getenv("GREETING"));
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\\n")] = 0;
    char *copy = malloc(strlen(line) + 1);
    strcpy(copy, line);
    printf("read [%s] %.3f\\n", copy, strlen(copy) / 3.0);
    free(copy);
  }
  printf("time %lld\\n", (long long)time(0));
  unsigned char chance[4];
  if (getentropy(chance, sizeof chance)) return 1;
  printf("chance %02x%02x%02x%02x\\n", chance[0], chance[1], chance[2], chance[3]);
  srand(7);
  printf("rand %d\\n", rand() == rand());
  char *large = calloc(1 << 20, 2);
  large[2000000] = 1;
  fprintf(stderr, "and %d to stderr\\n", large[2000000]);
  FILE *file = fopen("/etc/hostname", "r");
  printf("file %s\\n", file ? "opened" : "absent");
  return 42;
}
`;

const keeper = `
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
  int count = 0;
  FILE *old = fopen("/checkpoint/state", "r");
  if (old && (fscanf(old, "%d", &count) != 1 || fclose(old))) return 1;
  FILE *new = fopen("/checkpoint/state.new", "w");
  if (!new || fprintf(new, "%d\\n", count + 1) < 0 || fflush(new) || fsync(fileno(new)) || fclose(new)) return 2;
  if (rename("/checkpoint/state.new", "/checkpoint/state")) return 3;
  struct stat told;
  if (stat("/checkpoint/state", &told) || told.st_size != 2) return 4;
  DIR *dir = opendir("/checkpoint");
  if (!dir) return 5;
  for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) printf("%s ", entry->d_name);
  closedir(dir);
  if (!fopen("/etc/hostname", "r")) printf("%d ", errno == ENOENT || errno == ENOTCAPABLE);
  if (symlink("/etc", "/checkpoint/link")) printf("%d ", errno == ENOTCAPABLE);
  printf("%d\\n", count);
  return 0;
}
`;

function build(dir: string, text = source): string | undefined {
  writeFileSync(join(dir, "program.c"), text);
  const out = join(dir, "program.wasm");
  const made = spawnSync("clang", ["--target=wasm32-wasi", "-O2", "-o", out, join(dir, "program.c")]);
  return made.status === 0 ? out : undefined;
}

test("a program of clang and wasi-libc sees what the job declares and nothing else", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "skep-libc-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = build(dir);
  if (!path) return t.skip("clang, lld, wasi-libc and libclang-rt for wasm32 are not installed");
  await using pool = await createSandboxPool({ warm: 1 });
  const job = () =>
    jobOf(readFileSync(path), {
      args: ["program", "--flag", "grüezi"],
      env: { GREETING: "salü" },
      stdin: Buffer.from("one\ntwo three\nlast"),
    });
  const first = job();
  const second = job();
  const result = await pool.run(first);
  const again = await pool.run({ ...second, grade: "shared" });
  assert.equal(result.message, again.message);
  assert.equal(result.exitCode, 42);
  const lines = Buffer.from(first.output.stdout, "latin1").toString().split("\n");
  assert.deepEqual(lines.slice(0, 8), [
    "argument 0 is program",
    "argument 1 is --flag",
    "argument 2 is grüezi",
    "GREETING is salü",
    "read [one] 1.000",
    "read [two three] 3.000",
    "read [last] 1.333",
    "time 1700000000",
  ]);
  assert.match(lines[8] ?? "", /^chance [0-9a-f]{8}$/);
  assert.deepEqual(lines.slice(9), ["rand 0", "file absent", ""]);
  assert.equal(first.output.stderr, "and 1 to stderr\n");
  assert.deepEqual(second.output, first.output);
  assert.equal(again.fuelUsed, result.fuelUsed);
  return undefined;
});

test("a program of wasi-libc reads what it kept, writes it anew and renames it, and finds nothing else", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "skep-libc-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = build(dir, keeper);
  if (!path) return t.skip("clang, lld, wasi-libc and libclang-rt for wasm32 are not installed");
  await using pool = await createSandboxPool({ warm: 1 });
  let kept: Uint8Array | undefined;
  for (const count of [0, 1, 2]) {
    const onCommit = (bytes: Uint8Array) => {
      kept = Buffer.from(bytes);
    };
    const place = { directory: "/checkpoint", name: "state", limit: 4096 };
    const job = jobOf(readFileSync(path), {
      checkpoint: { ...place, onCommit, ...(kept ? { content: kept } : {}) },
    });
    const result = await pool.run(job);
    assert.equal(result.exitCode, 0, job.output.stdout);
    assert.equal(job.output.stdout, `. .. state 1 1 ${count}\n`);
    assert.equal(Buffer.from(kept ?? []).toString(), `${count + 1}\n`);
  }
  return undefined;
});
