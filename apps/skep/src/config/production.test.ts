import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkConfig } from "./mod.ts";

const root = mkdtempSync(join(tmpdir(), "skep-production-"));
after(() => rmSync(root, { recursive: true }));
let files = 0;

/** Code and message of everything that is refused; the file is called F. */
function refused(toml: string, env: Record<string, string> = {}): string[] {
  const file = join(root, `${files++}.toml`);
  writeFileSync(file, toml, { mode: 0o600 });
  const { problems } = checkConfig({ home: root, file, env, flags: {} });
  return problems.map(({ code, message }) => `${code}: ${message.replaceAll(file, "F")}`);
}

const production = 'profile = "production"\n';

test("the production profile takes what the defaults are, and secrets of its own", () => {
  assert.deepEqual(refused(production), []);
  assert.deepEqual(refused(`${production}[console]\ntoken = "0123456789abcdef"\n`), []);
});

for (const [what, toml, told] of [
  [
    "the well-known secrets of the original",
    '[compat]\nwell_known_secrets = true\n[console]\ntoken = "changeme"\n[console.secrets]\nqueen = "bootstrap"\n',
    [
      "config.profile: Cannot use compat.well_known_secrets from F line 3: the production profile takes no secrets that everyone knows",
      "config.secret: Cannot use console.token from F line 5: everyone knows that secret, and the profile is production",
      "config.secret: Cannot use console.secrets.queen from F line 7: everyone knows that secret, and the profile is production",
    ],
  ],
  [
    "a short secret",
    '[console]\ntoken = "0123456789"\n',
    [
      "config.secret: Cannot use console.token from F line 3: that secret has fewer than 16 bytes, and the profile is production",
    ],
  ],
  [
    "the key of test data",
    '[updates]\nkeys = ["207a067892821e25d770f1fba0c47c11ff4b813e54162ece9eb839e076231ab6"]\n',
    [
      "config.profile: Cannot use updates.keys from F line 3: the key of published test data may sign updates",
    ],
  ],
  [
    "a hive without replay",
    "[audit]\nreplay = false\n",
    ["config.profile: Cannot use audit.replay from F line 3: the production profile wants replay"],
  ],
  [
    "a hive whose audit is hidden",
    '[compat]\nhide = ["/audit"]\n',
    [
      "config.profile: Cannot use compat.hide from F line 3: the production profile wants audit and replay where clients look",
    ],
  ],
  [
    "modules without their sandbox",
    '[sandbox]\nisolation = "off"\n',
    [
      "config.profile: Cannot use sandbox.isolation from F line 3: the production profile runs no module without its sandbox",
    ],
  ],
] as const)
  test(`the production profile refuses ${what}, by its line`, () => {
    assert.deepEqual(refused(production + toml), told);
    assert.deepEqual(refused(toml), [], "the standard one does not");
  });

test("a secret that everyone knows is refused whoever gives it", () => {
  const [told] = refused(production, { SKEP_CONSOLE_TOKEN: "ChangeMe" });
  assert.match(told ?? "", /^config\.secret: Cannot use console\.token from environment SKEP_CONSOLE_TOKEN:/);
});

for (const [toml, told] of [
  [
    "[telemetry]\nrecord_size = 8192\nsegment_size = 4096\n",
    "config.together: Cannot use telemetry.record_size from F line 2: telemetry.record_size is above telemetry.segment_size, so a record may fit no segment",
  ],
  [
    "[limits]\nmsize = 8192\n",
    "config.together: Cannot use limits.msize from F line 2: limits.line does not fit into a 9P message of limits.msize",
  ],
  [
    '[listen]\nhttp = "0.0.0.0:80"\n',
    "http.wide: Cannot use listen.http from F line 2: HTTP would be reached from other machines without TLS",
  ],
  [
    '[http]\ntls = "given"\n',
    "config.together: Cannot use http.tls from F line 2: http.tls is given, but http.tls_cert or http.tls_key is not",
  ],
  [
    '[client]\nretry_wait = "5s"\n',
    "config.together: Cannot use client.retry_wait from F line 2: client.retry_most is below client.retry_wait, which it is to bound",
  ],
] as const)
  test(`two values that make a red line together are named by the place of one: ${told.split(": ")[2]}`, () => {
    assert.deepEqual(refused(toml), [told]);
  });
