import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inspect } from "node:util";
import { Fault } from "@skep/fault";
import { allSecrets, checkConfig, configFlags, limitsOf, loadConfig, showConfig } from "./mod.ts";

const root = mkdtempSync(join(tmpdir(), "skep-config-"));
after(() => rmSync(root, { recursive: true }));
let homes = 0;

function home(toml?: string, mode = 0o600): string {
  const path = join(root, `h${homes++}`);
  mkdirSync(path, { mode: 0o700 });
  if (toml !== undefined) writeFileSync(join(path, "skep.toml"), toml, { mode });
  return path;
}

interface Given {
  toml?: string;
  mode?: number;
  env?: Record<string, string>;
  flags?: Record<string, string>;
}

function sources({ toml, mode, env = {}, flags = {} }: Given) {
  return { home: home(toml, mode), env, flags };
}

function refused(given: Given): string {
  try {
    loadConfig(sources(given));
  } catch (thrown) {
    assert.ok(thrown instanceof Fault);
    assert.equal(thrown.row.exit, 2);
    return `${thrown.code} | ${thrown.message.replace(/\/\S*\/(?=skep\.toml)/, "")} | ${thrown.cure}`;
  }
  throw new Error("accepted");
}

test("without anything the defaults hold: HTTP and 9P on loopback, the console off", () => {
  const { values, warnings, path } = loadConfig(sources({}));
  assert.deepEqual(values["listen.http"], { host: "127.0.0.1", port: 7780 });
  assert.deepEqual(values["listen.9p"], { host: "127.0.0.1", port: 5640 });
  assert.equal(values["listen.console"], false);
  assert.deepEqual(warnings, []);
  assert.equal(path, undefined);
});

test("a flag is stronger than the environment, that than the file, that than the default", () => {
  const toml = "[listen]\nhttp = 1\n9p = 1\nconsole = 1\n";
  const env = { SKEP_HTTP: "2", SKEP_9P: "2" };
  const config = loadConfig(sources({ toml, env, flags: { http: "3" } }));
  const port = (key: "listen.http" | "listen.9p" | "listen.console") => {
    const listen = config.values[key];
    return listen === false ? undefined : listen.port;
  };
  assert.deepEqual([port("listen.http"), port("listen.9p"), port("listen.console")], [3, 2, 1]);
  const shown = showConfig(config);
  assert.equal(shown.find(({ key }) => key === "listen.http")?.origin, "flag --http");
  assert.equal(shown.find(({ key }) => key === "listen.9p")?.origin, "environment SKEP_9P");
  assert.match(shown.find(({ key }) => key === "listen.console")?.origin ?? "", /skep\.toml line 4$/);
  assert.equal(shown.find(({ key }) => key === "workers.count")?.usual, true);
});

test("what is wrong in a file is named with its line and a cure", () => {
  assert.equal(
    refused({ toml: "# hello\n[lisen]\nhttp = 1\n" }),
    "config.unknown | Cannot use skep.toml line 3: unknown setting lisen.http | Did you mean listen.http? skep config doc shows every setting",
  );
  assert.match(
    refused({ toml: "a = 1\nb = = 2\n" }),
    /^config\.syntax \| Cannot read skep\.toml line 2, column 5: invalid value \|/,
  );
  assert.match(
    refused({ toml: "[sandbox]\n\nmemory = '1TB'\n" }),
    /Cannot use sandbox\.memory from skep\.toml line 3, "1TB": expected 64\.0 KiB to 4\.00 GiB \| Its default is 256MiB/,
  );
  assert.match(
    refused({ toml: "sandbox = { grade = 'none' }\n" }),
    /skep\.toml line 1, "none": expected shared or fresh/,
  );
  assert.match(refused({ toml: "[workers]\ncount = 1.5\n" }), /1\.5: expected a whole number/);
  assert.match(refused({ toml: "[workers]\ncount = [1]\n" }), /\[1\]: expected a text or a number/);
  assert.match(refused({ toml: "[[workers]]\ncount = 1\n" }), /unknown setting workers /);
});

test("9P and the console refuse to be reached from other machines, and say what to write", () => {
  assert.match(
    refused({ flags: { "9p": "0.0.0.0:5640" } }),
    /flag --9p.*remote 9P is the mesh.*use 127\.0\.0\.1:5640/,
  );
  assert.match(refused({ env: { SKEP_CONSOLE: "[::]:9" } }), /environment SKEP_CONSOLE.*use 127\.0\.0\.1:9/);
  assert.equal(refused({ flags: { console: "example.org:1" } }).includes("loopback only"), true);
  const { values } = loadConfig(
    sources({ flags: { http: "[::]:0", console: "[::1]:0" }, env: { SKEP_HTTP_TLS: "own" } }),
  );
  assert.deepEqual(values["listen.console"], { host: "::1", port: 0 });
  assert.deepEqual(values["listen.http"], { host: "::", port: 0 });
});

test("values that do not fit together are refused", () => {
  assert.match(refused({ toml: "[disk]\nstop_percent = 20\n" }), /^config\.together .*disk\.stop_percent/);
  assert.match(refused({ toml: "[limits]\ntags = 16\n" }), /waiting_reads leaves no tag/);
});

test("the first of several mistakes tells how many more there are, and check shows all", () => {
  const toml = "x = 1\n[workers]\ncount = -1\n";
  assert.match(refused({ toml }), /1 more: skep config check shows all$/);
  const codes = checkConfig(sources({ toml })).problems.map(({ code }) => code);
  assert.deepEqual(codes, ["config.unknown", "config.value"]);
});

test("a mistyped variable is a warning, a foreign one is nothing", () => {
  const { warnings } = checkConfig(
    sources({ env: { SKEP_HTP: "1", SKEP_HOME: "/h", SKEP_WORLD_PEACE: "1", PATH: "/" } }),
  );
  assert.deepEqual(warnings, ["Environment variable SKEP_HTP is no setting; did you mean SKEP_HTTP?"]);
});

test("a file that was asked for must be there, skep.toml need not", () => {
  const absent = { ...sources({}), file: join(root, "none.toml") };
  assert.throws(() => loadConfig(absent), { code: "config.file" });
});

test("the configuration for the original's clients loads, with its secrets and a warning", () => {
  const file = join(import.meta.dirname, "../../../../examples/compat/base.toml");
  const config = loadConfig({ ...sources({}), file });
  const secrets = allSecrets(config, home());
  assert.equal(secrets["console.token"].secret.reveal(), "changeme");
  assert.equal(secrets["console.secrets.queen"].secret.reveal(), "bootstrap");
  assert.deepEqual(config.values["listen.console"], { host: "127.0.0.1", port: 31_337 });
  assert.match(config.warnings.join(), /well-known/);
});

test("a secret's variable is read once and taken out of the environment", () => {
  const env: Record<string, string> = { SKEP_CONSOLE_TOKEN: "t0ken", OTHER: "stays" };
  const config = loadConfig({ home: home(), env, flags: {} });
  assert.equal(config.given.get("console.token")?.secret.reveal(), "t0ken");
  assert.deepEqual(env, { OTHER: "stays" });
});

test("a secret comes from a file, a credential or a descriptor, each before skep.toml", () => {
  const dir = home();
  const file = join(dir, "token");
  writeFileSync(file, "from-file\n", { mode: 0o600 });
  writeFileSync(join(dir, "skep.console.token"), "from-credential", { mode: 0o644 });
  const token = (given: Given) => loadConfig(sources(given)).given.get("console.token")?.secret.reveal();
  const toml = `[console]\ntoken_file = "${file}"\n`;
  assert.equal(token({ toml, mode: 0o644 }), "from-file");
  assert.equal(token({ toml, env: { CREDENTIALS_DIRECTORY: dir } }), "from-credential");
  assert.equal(token({ env: { SKEP_CONSOLE_TOKEN_FILE: file, CREDENTIALS_DIRECTORY: dir } }), "from-file");
  assert.equal(token({ flags: { "console-token-file": `fd:${openSync(file, "r")}` } }), "from-file");
});

test("a secret that others could read, that is empty or that is no line is refused by name", () => {
  const dir = home();
  const file = join(dir, "token");
  const flags = { "console-token-file": file };
  writeFileSync(file, "x", { mode: 0o600 });
  chmodSync(file, 0o640);
  assert.match(refused({ flags }), /^config\.secret .*others than its owner.*chmod 600/);
  chmodSync(file, 0o600);
  for (const text of ["", "\n", "a\nb", "a\x00b", "x".repeat(5000)]) {
    writeFileSync(file, text);
    assert.match(refused({ flags }), /^config\.secret /);
  }
  assert.match(refused({ flags: { "console-token-file": join(dir, "none") } }), /ENOENT/);
  assert.match(refused({ flags: { "console-token-file": "fd:999" } }), /fd:999: it is not open/);
});

test("a secret may stand in skep.toml only where nobody else can read it", () => {
  const toml = '[console]\ntoken = "hush"\n';
  assert.equal(loadConfig(sources({ toml })).given.get("console.token")?.secret.reveal(), "hush");
  assert.match(refused({ toml, mode: 0o644 }), /^config\.secret .*line 2.*chmod 600/);
});

test("a secret or its file that is no text is refused, never skipped", () => {
  assert.match(
    refused({ toml: "[console]\ntoken = 5\n" }),
    /console\.token from skep\.toml line 2: it is no text/,
  );
  assert.match(refused({ toml: '[console]\ntoken_file = 5\ntoken = "x"\n' }), /token_file .*it is no text/);
});

test("no secret is in an error, in what is shown, or in an inspection", () => {
  const toml = '[console]\ntoken = "hush"\n';
  const config = loadConfig(sources({ toml }));
  const seen =
    inspect(config, { depth: 9 }) + JSON.stringify(showConfig(config)) + JSON.stringify([...config.given]);
  assert.ok(!seen.includes("hush"));
  assert.ok(!refused({ toml: '[console]\ntoken = "hush\\u0000"\n' }).includes("hush"));
});

test("secrets that nobody gives are made once for the home, 0600", () => {
  const dir = home();
  const config = loadConfig({ home: dir, env: {}, flags: {} });
  const first = allSecrets(config, dir);
  const again = allSecrets(config, dir);
  const token = first["console.token"].secret.reveal();
  assert.match(token, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(again["console.token"].secret.reveal(), token);
  assert.notEqual(first["console.secrets.queen"].secret.reveal(), token);
  const path = join(dir, "secrets", "console.token");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(readFileSync(path, "utf8"), `${token}\n`);
});

test("the limits of the kernel take the values of the configuration", () => {
  const { values } = loadConfig(sources({ toml: "[limits]\nmsize = '64KiB'\nfids = 99\n" }));
  const limits = limitsOf(values);
  assert.deepEqual([limits.msize, limits.fids, limits.tags], [65_536, 99, 64]);
});

test("every flag of a setting takes a text and shows its default", () => {
  const flags = configFlags();
  assert.deepEqual(Object.keys(flags), [
    "profile",
    "http",
    "9p",
    "console",
    "mesh",
    "relay",
    "workers",
    "console-token-file",
  ]);
  assert.match(flags.http?.doc ?? "", /default 127\.0\.0\.1:7780/);
});
