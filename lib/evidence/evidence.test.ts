import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { diff, formsOf, inspect, pack, scan, timelineMarkdown, timelineNdjson, verify } from "@skep/evidence";
import type { EvidenceRecord } from "@skep/evidence";
import { sampleInput, sampleRecord } from "./src/sample.ts";

const many = (count: number): EvidenceRecord[] =>
  Array.from({ length: count }, (_, seq) => sampleRecord(seq));

test("the same input gives the same bytes, and they verify", async () => {
  const [one, other] = [pack(await sampleInput(many(9))), pack(await sampleInput(many(9)))];
  assert.deepEqual([...one.files], [...other.files]);
  const verified = verify(one.files);
  assert.deepEqual([verified.root, verified.page, verified.records.length], [one.root, one.page, 9]);
  assert.equal(verified.trusted, false);
  assert.equal(verify(one.files, [verified.manifest.key]).trusted, true);
  assert.throws(() => verify(one.files, ["other.example+00000000+AAAA"]), { code: "evidence.key" });
});

test("a part of a long log is proven against the whole", async () => {
  const { files } = pack(await sampleInput(many(700), 250, 270));
  assert.deepEqual(
    verify(files).records.map(({ seq }) => seq),
    Array.from({ length: 20 }, (_, at) => 250 + at),
  );
});

test("one changed character in any file is found", async () => {
  const { files } = pack(await sampleInput(many(5)));
  const names = [...files.keys()];
  fc.assert(
    fc.property(fc.nat(names.length - 1), fc.nat(), (name, at) => {
      const text = files.get(names[name] ?? "") ?? "";
      if (text === "") return;
      const place = at % text.length;
      const other = text[place] === "x" ? "y" : "x";
      const forged = new Map(files).set(
        names[name] ?? "",
        text.slice(0, place) + other + text.slice(place + 1),
      );
      assert.throws(() => verify(forged));
    }),
    { numRuns: 150 },
  );
});

test("a file that is missing or added is found", async () => {
  const { files } = pack(await sampleInput(many(5)));
  for (const name of files.keys()) {
    const less = new Map(files);
    less.delete(name);
    assert.throws(() => verify(less), { code: "evidence.missing" }, name);
  }
  assert.throws(() => verify(new Map(files).set("more", "")), { code: "evidence.extra" });
});

test("a record with a secret is withheld and still proven; a file with one is never packed", async () => {
  const records = many(4);
  records[2] = sampleRecord(2, { command: { env: { DB: "postgres://ann:hunter22@db/x" } } });
  const made = pack(await sampleInput(records));
  assert.equal(made.withheld, 1);
  assert.ok(![...made.files.values()].some((text) => text.includes("hunter22")));
  assert.equal(verify(made.files).records.length, 3);
  const input = await sampleInput(many(2));
  const secret = Buffer.alloc(32, 200);
  const [, hex = ""] = ["", secret.toString("hex")];
  assert.throws(
    () => pack({ ...input, texts: new Map([["proc/x", `k=${hex}`]]), secrets: formsOf(secret) }),
    {
      code: "evidence.secret",
    },
  );
});

test("every form of a secret of the home is found wherever it stands", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), fc.string(), (secret, around) => {
      for (const form of formsOf(secret))
        assert.ok(scan(`${around}${form}${around}`, formsOf(secret)).length > 0);
    }),
  );
});

test("more than the bound is refused", async () => {
  const input = await sampleInput(many(50));
  assert.throws(() => pack({ ...input, most: 1000 }), { code: "evidence.large" });
});

test("a timeline cannot be made to be Markdown or HTML by who is in it", () => {
  const evil = sampleRecord(0, { subject: "<img src=x>|`a`\n# b\u202e", path: "/x" });
  const markdown = timelineMarkdown([evil]);
  assert.ok(!/[^\\]<|[^\\]`|\u202e/.test(markdown));
  assert.equal(markdown.split("\n").length, 4);
  assert.equal(JSON.parse(timelineNdjson([evil])).subject, evil.subject);
});

const job = (seq: number, t: string, d: Record<string, unknown>): EvidenceRecord =>
  sampleRecord(seq, { events: [{ t, d: d as never }] });

test("states that cannot be are found by name, and possible ones are not", () => {
  const end = { verified: true, receipt: { signature: "s1" } };
  const sound = [
    job(0, "workers:joined@1", { worker: "w" }),
    job(1, "jobs:submitted@1", { job: "1" }),
    job(2, "jobs:leased@1", { job: "1", worker: "w" }),
    job(3, "jobs:ended@1", { job: "1", worker: "w", state: "done", end }),
  ];
  assert.deepEqual(inspect(sound), []);
  const rules = (records: readonly EvidenceRecord[]) => inspect(records).map(({ rule }) => rule);
  assert.deepEqual(rules([...sound, job(4, "jobs:leased@1", { job: "1", worker: "w" })]), [
    "lease-after-end",
  ]);
  assert.deepEqual(rules([job(0, "jobs:ended@1", { job: "7", worker: "w", state: "done", end: {} })]), [
    "end-without-job",
    "done-unverified",
  ]);
  assert.deepEqual(rules([sampleRecord(0), sampleRecord(2)]), ["gap"]);
  assert.deepEqual(rules([sampleRecord(0), sampleRecord(1, { time: 5 })]), ["time-back"]);
  assert.deepEqual(rules([sampleRecord(0, { outcome: "0.0" })]), ["outcome-without-effect"]);
  const asked = (seq: number) => job(seq, "policy:asked@1", { statement: "nonce: abc\n", digest: "d" });
  const approved = (seq: number, by: string) =>
    job(seq, "policy:approved@1", { id: "0", owners: [by], signature: "" });
  const ran = (seq: number) => job(seq, "policy:ran@1", { id: "0" });
  assert.deepEqual(rules([asked(0), approved(1, "bea"), ran(2)]), []);
  assert.deepEqual(rules([asked(0), ran(1)]), ["ran-unapproved"]);
  assert.deepEqual(rules([asked(0), approved(1, "ann"), ran(2)]), ["approved-by-asker"]);
  assert.deepEqual(rules([asked(0), approved(1, "bea"), ran(2), ran(3)]), ["ran-twice"]);
  assert.deepEqual(rules([asked(0), asked(1)]), ["nonce-twice"]);
});

test("two packs are compared by records and files", async () => {
  const one = verify(pack(await sampleInput(many(4))).files);
  const other = verify(pack(await sampleInput(many(6), 2, 6)).files);
  const { forked, onlyFirst, onlySecond, files } = diff(one, other);
  assert.deepEqual([forked, onlyFirst, onlySecond], [[], [0, 1], [4, 5]]);
  assert.ok(files.includes("journal.ndjson"));
  assert.deepEqual(diff(one, one).files, []);
});
