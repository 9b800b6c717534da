import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeTestPlace, type TestPlace } from "../testing/hive.ts";
import { unitText, unitWord } from "./unit.ts";

// A systemctl that only writes down what it was asked.
function fakeSystemctl(place: TestPlace): { readonly env: Record<string, string>; asked(): string } {
  const bin = join(place.dir, "bin");
  const log = join(place.dir, "asked");
  mkdirSync(bin);
  writeFileSync(join(bin, "systemctl"), `#!/bin/sh\necho "$@" >> ${log}\n`);
  chmodSync(join(bin, "systemctl"), 0o755);
  return { env: { PATH: bin }, asked: () => (existsSync(log) ? readFileSync(log, "utf8") : "") };
}

test("a user unit is written, told to systemd and named with the next command; removing it stops it", async () => {
  await using place = makeTestPlace();
  const { env, asked } = fakeSystemctl(place);
  const made = await place.skep(["service", "install"], { env });
  assert.equal(made.code, 0, made.err);
  const name = /skep-[a-z2-7]{12}\.service/.exec(made.out)?.[0] ?? "";
  const file = join(place.dir, "config", "systemd", "user", name);
  assert.equal(
    made.out,
    `Wrote ${file}; home ${place.home}\nStart it, now and at each boot:\n  systemctl --user enable --now ${name}\n  loginctl enable-linger\n`,
  );
  assert.equal(asked(), "--user daemon-reload\n");
  assert.equal(statSync(place.home).mode & 0o777, 0o700);
  const text = readFileSync(file, "utf8");
  assert.match(text, new RegExp(`^ExecStart="/.*" ".*main\\.mjs" "up" "--home" "${place.home}"$`, "m"));
  assert.match(text, new RegExp(`^ExecReload="/.*" ".*main\\.mjs" "reload" "--home" "${place.home}"$`, "m"));
  assert.match(text, /^Type=notify$/m);
  const gone = await place.skep(["service", "remove"], { env });
  assert.equal(gone.out.split("\n")[0], `Removed ${file}`);
  assert.equal(asked().split("\n").slice(1).join(), `--user disable --now ${name},--user daemon-reload,`);
  assert.deepEqual([existsSync(file), existsSync(place.home)], [false, true]);
  assert.equal((await place.skep(["service", "remove"], { env })).code, 3);
});

test("--print changes nothing, and is the text that would be written", async () => {
  await using place = makeTestPlace();
  const { env, asked } = fakeSystemctl(place);
  const shown = await place.skep(["service", "install", "--print"], { env });
  assert.match(shown.out, /^\[Install\]\nWantedBy=default\.target$/m);
  assert.deepEqual(
    [existsSync(place.home), existsSync(join(place.dir, "config")), asked()],
    [false, false, ""],
  );
  const system = ["service", "install", "--system", "--as", "skep", "--print"];
  const machine = await place.skep(system, { env });
  assert.match(machine.out, /^User=skep$/m);
  assert.match(machine.out, /^StateDirectory=skep$|^ReadWritePaths=/m);
  const secret = [...system, "--credential", "console.token=/etc/skep/token"];
  assert.match(
    (await place.skep(secret, { env })).out,
    /^LoadCredential=skep\.console\.token:\/etc\/skep\/token$/m,
  );
  const typo = await place.skep([...system, "--credential", "console.tok=/x"], { env });
  assert.equal(typo.code, 2);
});

test("a system unit needs a user to run as, and says so", async () => {
  await using place = makeTestPlace();
  const refused = await place.skep(["service", "install", "--system", "--print"]);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /--as USER/);
});

test("without systemctl the unit is written and the command that is left to do is named", async () => {
  await using place = makeTestPlace();
  const made = await place.skep(["service", "install", "--json"], { env: { PATH: join(place.dir, "none") } });
  assert.equal(made.code, 0);
  assert.deepEqual((JSON.parse(made.out) as { next: string[] }).next[0], "systemctl --user daemon-reload");
  assert.match(made.err, /ENOENT/);
});

test("what systemd would read as its own signs is written so that it does not", () => {
  assert.equal(unitWord('/a b/%h/"x"\\$y', true), '"/a b/%%h/\\"x\\"\\\\$$y"');
  const unit = {
    scope: "user",
    name: "skep",
    words: ["/n"],
    home: "/h",
    socketOutside: true,
    credentials: [],
  } as const;
  assert.match(unitText(unit), /^Environment=XDG_RUNTIME_DIR=%t\/skep$/m);
});
