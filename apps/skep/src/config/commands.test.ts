import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createFakeIo, program, runProgram } from "@skep/edge-cli";
import { configCommands, configurationDoc } from "./mod.ts";

const root = mkdtempSync(join(tmpdir(), "skep-config-commands-"));
after(() => rmSync(root, { recursive: true }));

const table = program({
  name: "skep",
  version: "1",
  summary: "Test",
  examples: [],
  groups: [{ key: "g", title: "G" }],
  commands: configCommands("g", root),
  completers: {},
});

async function skep(line: string, toml?: string, env: Record<string, string> = {}) {
  const home = mkdtempSync(join(root, "h"));
  mkdirSync(home, { recursive: true });
  if (toml !== undefined) writeFileSync(join(home, "skep.toml"), toml, { mode: 0o600 });
  const io = createFakeIo(["config", ...line.split(" "), "--home", home], { env });
  const code = await runProgram(table, io);
  const clean = (text: string) => text.replaceAll(`${home}/`, "");
  return { code, out: clean(io.out()), err: clean(io.err()) };
}

test("config show --changed shows what differs from the defaults and from where", async () => {
  const toml = '[listen]\nconsole = "on"\n[console]\ntoken = "hush"\n';
  const { code, out } = await skep("show --changed --http [::1]:0", toml, { SKEP_WORKERS: "3" });
  assert.equal(code, 0);
  assert.equal(
    out,
    [
      "setting         value            from",
      "listen.http     [::1]:0          flag --http",
      "listen.console  127.0.0.1:31337  skep.toml line 2",
      "workers.count   3                environment SKEP_WORKERS",
      "console.token   (secret)         skep.toml line 4",
      "",
    ].join("\n"),
  );
});

test("config show --json gives every setting on one line", async () => {
  const { out } = await skep("show --json");
  const rows: { key: string; value: string }[] = JSON.parse(out);
  assert.equal(rows.find(({ key }) => key === "sandbox.memory")?.value, "256MiB");
  assert.equal(out.split("\n").length, 2);
});

test("config check names all that is wrong and exits 2", async () => {
  const { code, out, err } = await skep("check", "[workers]\ncuont = 1\n[retention]\noutputs_age = 30\n", {
    SKEP_HTP: "1",
  });
  assert.equal(code, 2);
  assert.equal(
    out,
    [
      "wrong: Cannot use skep.toml line 2: unknown setting workers.cuont",
      "  Did you mean workers.count? skep config doc shows every setting",
      "wrong: Cannot use retention.outputs_age from skep.toml line 4, 30: expected a number with a unit, as in 30s, 1h30m or 7d",
      "  Its default is 30d. How long outputs of jobs are kept",
      "",
    ].join("\n"),
  );
  assert.equal(err, "warning: Environment variable SKEP_HTP is no setting; did you mean SKEP_HTTP?\n");
});

test("config check on a good configuration says so and exits 0", async () => {
  assert.deepEqual(await skep("check"), {
    code: 0,
    out: "No file; the defaults: nothing is wrong\n",
    err: "",
  });
});

test("config doc prints the documentation", async () => {
  assert.equal((await skep("doc")).out, configurationDoc());
});
