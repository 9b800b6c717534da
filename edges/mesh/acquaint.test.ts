import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedClock } from "@skep/testing";
import { acquaint } from "./acquaint.ts";
import type { Link } from "./links.ts";

const rows: readonly [path: string, took: number, asked: number | undefined][] = [
  ["direct", 40, 0],
  ["direct", 500, 0],
  ["direct", 2000, 7500],
  ["direct", 60_000, 20_000],
  ["relayed", 2000, 0],
];

for (const [path, took, asked] of rows)
  test(`after a ${path} handshake of ${took} ms the other side is asked ${asked} ms later, or never when it has gone`, () => {
    for (const gone of [false, true]) {
      const clock = simulatedClock(1);
      const ended = new AbortController();
      const connection = { status: "open", timeline: { open: 1000 } };
      const link = { far: { path }, since: 1000 + took, connection, ended } as unknown as Link;
      const begun = clock.monotonic();
      let at: number | undefined;
      const identify = async () => {
        at = clock.monotonic() - begun;
      };
      acquaint(link, { clock, identify });
      const early = at;
      if (gone) ended.abort();
      clock.advance(30_000);
      assert.equal(early, asked === 0 ? 0 : undefined);
      assert.equal(at, gone && asked !== 0 ? undefined : asked);
    }
  });
