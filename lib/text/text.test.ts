import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  cutToWidth,
  escapeForeign,
  escapeLines,
  formatBytes,
  formatCount,
  formatDuration,
  formatTime,
  renderTable,
  suggest,
  widthOf,
  wrapText,
} from "./mod.ts";

const steering = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const hostile = "a\x1b[31m\u202eb\u200b\n\x85\ud800\x7f\\";

test("the terminal form shows every control, bidi and zero-width character as a visible escape", () => {
  assert.equal(
    escapeForeign(hostile, { form: "terminal" }),
    "a\\x1b[31m\\u{202e}b\\u{200b}\\n\\u{85}\\u{d800}\\x7f\\\\",
  );
  for (const code of [
    0x202a, 0x202e, 0x2066, 0x2069, 0x200e, 0x200f, 0x061c, 0xfeff, 0x2028, 0xe0041, 0x3164,
  ])
    assert.equal(
      escapeForeign(String.fromCodePoint(code), { form: "log" }),
      `\\u{${code.toString(16)}}`,
      code.toString(16),
    );
});

test("bytes that are no UTF-8 are shown one by one and valid ones around them stay", () => {
  const bytes = Buffer.concat([
    Buffer.from("Käse "),
    Buffer.from([0xff, 0xc3]),
    Buffer.from("🐝\n"),
    Buffer.from([0xe2, 0x82]),
  ]);
  assert.equal(escapeForeign(bytes, { form: "terminal" }), "Käse \\xff\\xc3🐝\\n\\xe2\\x82");
  assert.equal(escapeForeign(bytes, { form: "terminal", max: 6 }), "Käse \\xff…");
  assert.equal(escapeForeign(Buffer.from("Käse"), { form: "terminal" }), "Käse");
});

const anything = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("latin1")),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
    .map((codes) => String.fromCharCode(...codes)),
);

test("no form ever lets a control, bidi or zero-width character through, from text or bytes", () => {
  for (const form of ["terminal", "log", "markdown", "html", "json"] as const)
    fc.assert(
      fc.property(fc.oneof(anything, fc.uint8Array()), (input) => {
        assert.doesNotMatch(escapeForeign(input, { form }), steering);
      }),
    );
});

test("two different texts never look alike after escaping for terminal, log or html", () => {
  for (const form of ["terminal", "log", "html"] as const)
    fc.assert(
      fc.property(anything, anything, (a, b) => {
        if (a !== b) assert.notEqual(escapeForeign(a, { form }), escapeForeign(b, { form }));
      }),
    );
});

test("the json form between quotes parses back to the text", () => {
  fc.assert(
    fc.property(anything, (text) => {
      assert.equal(JSON.parse(`"${escapeForeign(text, { form: "json" })}"`), text);
    }),
  );
});

test("markdown and html punctuation is disarmed", () => {
  assert.equal(
    escapeForeign("[x](y)<b>\x1b `c` http://d", { form: "markdown" }),
    "\\[x\\]\\(y\\)\\<b\\>\\\\x1b \\`c\\` http\\://d",
  );
  assert.equal(escapeForeign("    code", { form: "markdown" }), "&#32;   code");
  assert.equal(
    escapeForeign(`<a href="x">&'`, { form: "html" }),
    "&#60;a href&#61;&#34;x&#34;&#62;&#38;&#39;",
  );
});

test("the wire form leaves JSON, tabs and backslashes alone and shows the rest", () => {
  const line = String.raw`{"a":"\n\"x"}` + "\t\\";
  assert.equal(escapeForeign(line, { form: "wire" }), line);
  assert.equal(escapeForeign("a\x1b\n\u202e", { form: "wire" }), "a\\x1b\\n\\u{202e}");
});

test("lines keep newlines and tabs and nothing else", () => {
  assert.equal(escapeLines("a\tb\r\n\\n\x1b"), "a\tb\\r\n\\\\n\\x1b");
});

test("an over-long text is cut with a mark", () => {
  assert.equal(escapeForeign("abcdef", { form: "log", max: 3 }), "abc…");
  assert.equal(escapeForeign("abc", { form: "log", max: 3 }), "abc");
});

test("sizes, counts and durations are shown in three digits and two units", () => {
  const cases: [string, string][] = [
    [formatBytes(0), "0 B"],
    [formatBytes(1023), "1023 B"],
    [formatBytes(1536), "1.50 KiB"],
    [formatBytes(1024 ** 2 - 1), "1.00 MiB"],
    [formatBytes(128n * 1024n ** 2n), "128 MiB"],
    [formatBytes(Number.NaN), "unknown"],
    [formatCount(1234567), "1,234,567"],
    [formatCount(-999), "-999"],
    [formatCount(10n ** 18n), "1,000,000,000,000,000,000"],
    [formatDuration(0.34), "340 µs"],
    [formatDuration(12), "12.0 ms"],
    [formatDuration(1500), "1.50 s"],
    [formatDuration(59_960), "1 m 00 s"],
    [formatDuration(125_000), "2 m 05 s"],
    [formatDuration(11_040_000), "3 h 04 m"],
    [formatDuration(273_600_000), "3 d 04 h"],
    [formatDuration(-12), "-12.0 ms"],
  ];
  for (const [shown, wanted] of cases) assert.equal(shown, wanted);
});

test("a time is the ISO string that Date gives", () => {
  fc.assert(
    fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), (ms) => {
      assert.equal(formatTime(ms), new Date(ms).toISOString());
    }),
  );
  assert.equal(formatTime(Number.NaN), "unknown");
});

test("a table aligns wide characters, escapes its cells and is cut to its width", () => {
  const rows = [
    { name: "日本", size: 5, path: "/a/very/long/path" },
    { name: "e\x1b", size: 1234, path: "/b" },
  ];
  const columns = [
    { title: "NAME", cell: (row: (typeof rows)[0]) => row.name },
    { title: "SIZE", cell: (row: (typeof rows)[0]) => String(row.size), align: "right" as const },
    { title: "PATH", cell: (row: (typeof rows)[0]) => row.path, least: 4 },
  ];
  assert.equal(
    renderTable(rows, columns),
    "NAME   SIZE  PATH\n日本      5  /a/very/long/path\ne\\x1b  1234  /b",
  );
  assert.equal(
    renderTable(rows, columns, { width: 21, titles: false }),
    "日本      5  /a/very…\ne\\x1b  1234  /b",
  );
  assert.equal(renderTable([], columns), "NAME  SIZE  PATH");
});

test("no cut text is wider than asked", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.nat(30), (text, width) => {
      assert.ok(widthOf(cutToWidth(text, width)) <= width);
    }),
  );
});

test("a near miss is suggested nearest first and a far one is not", () => {
  const verbs = ["ls", "cat", "tail", "audit", "ticket", "backup", "verify"];
  assert.deepEqual(suggest("tial", verbs), ["tail"]);
  assert.deepEqual(suggest("TICKTE", verbs), ["ticket"]);
  assert.deepEqual(suggest("ver", verbs), ["verify"]);
  assert.deepEqual(suggest("sl", verbs), ["ls"]);
  assert.deepEqual(suggest("xyzzy", verbs), []);
  assert.deepEqual(suggest("", verbs), []);
});

test("wrapped lines stay within the width and lose no word", () => {
  assert.equal(wrapText("one two three", { width: 9, indent: "  ", first: "- " }), "- one two\n  three");
  assert.equal(wrapText("abcdefgh", { width: 3 }), "abc\ndef\ngh");
  fc.assert(
    fc.property(fc.lorem({ maxCount: 20 }), fc.integer({ min: 1, max: 40 }), (text, width) => {
      const lines = wrapText(text, { width }).split("\n");
      for (const line of lines) assert.ok(line.length <= width);
      assert.equal(lines.join("").replaceAll(" ", ""), text.replaceAll(" ", ""));
    }),
  );
});
