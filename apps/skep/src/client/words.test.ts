import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeIo } from "@skep/edge-cli";
import type { Context } from "@skep/edge-cli";
import { asTyped } from "./words.ts";

const shown = (env: Record<string, string>, home?: string): string => {
  const io = createFakeIo([], { env: { XDG_STATE_HOME: "/state", ...env } });
  return asTyped({ io, global: { home } as Context["global"] }, "See `skep ls /` and `tail`");
};

test("a command is told as it works where this one was typed", () => {
  assert.equal(shown({}), "See `skep ls /` and `tail`");
  assert.equal(shown({ npm_command: "exec" }), "See `npx skep ls /` and `tail`");
  assert.equal(shown({ PATH: "/nowhere" }), "See `npx skep ls /` and `tail`");
  assert.equal(shown({ SKEP_HOME: "/srv/hive" }), "See `skep ls / --home /srv/hive` and `tail`");
  assert.equal(shown({}, "/srv/a hive"), "See `skep ls / --home '/srv/a hive'` and `tail`");
});
