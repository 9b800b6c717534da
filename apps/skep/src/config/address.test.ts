import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatAddress, isLoopback, parseAddress } from "./address.ts";

const usual = { host: "127.0.0.1", port: 7780 };

test("an address is off, on, a port, host:port or [v6]:port", () => {
  const cases: [string, unknown][] = [
    ["off", false],
    ["on", usual],
    ["0", { host: "127.0.0.1", port: 0 }],
    ["8080", { host: "127.0.0.1", port: 8080 }],
    ["0.0.0.0:80", { host: "0.0.0.0", port: 80 }],
    ["localhost:80", { host: "localhost", port: 80 }],
    ["[::1]:80", { host: "::1", port: 80 }],
  ];
  for (const [text, value] of cases) assert.deepEqual(parseAddress(text, usual), { ok: true, value }, text);
});

test("what is none of these is refused", () => {
  for (const text of [
    "",
    "no",
    "65536",
    "-1",
    "host",
    "::1:80",
    "[::1]",
    "[1.2.3.4]:80",
    "1.2.3:80",
    "a b:80",
    "host:",
    ":80",
    "[fe80::1%eth0]:80",
    "http://x:80",
    "1.2.3.4:99999",
    "1.2.3.4:80 ",
  ])
    assert.equal(parseAddress(text, usual).ok, false, text);
});

test("every address that is printed is read back", () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(host, fc.integer({ min: 0, max: 65_535 }), (host, port) => {
      assert.deepEqual(parseAddress(formatAddress({ host, port }), usual), {
        ok: true,
        value: { host, port },
      });
    }),
    { numRuns: 200 },
  );
});

test("loopback is told in each of its forms, and nothing else is", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "localhost"])
    assert.equal(isLoopback(host), true, host);
  for (const host of [
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "::ffff:10.0.0.1",
    "::7f00:1",
    "localhost.example",
    "128.0.0.1",
  ])
    assert.equal(isLoopback(host), false, host);
});
