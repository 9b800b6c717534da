import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Authority,
  callerOf,
  type Caller,
  defineProvider,
  fullAuthority,
  Journal,
  Past,
  type PastAnswer,
  type PastQuestion,
  tellRight,
} from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive, toyProvider } from "@skep/testing";

const present = defineProvider<null>({
  name: "present",
  doc: "Files of now",
  journalled: false,
  initial: () => null,
  events: {},
  mounts: (t) => ({ "/now": t.text("What is now", { render: () => "now\n" }) }),
});
const providers = () => [toyProvider(), present];

async function hive() {
  const files = recordingFiles();
  const kernel = await toyHive({ files, clock: simulatedClock(), providers: providers() });
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const bee = async (op: string, name: string): Promise<number> =>
    (await owner.append("/comb/ctl", { op, bee: name })).id ?? assert.fail("refused");
  const past = new Past({ files, journal: () => Journal.openToRead(files), providers, version: "toy" });
  return { kernel, owner, bee, past };
}

const callerWith = (authority: Authority): Caller => callerOf(authority, "s9");

async function ask(past: Past, caller: Caller, question: Pick<PastQuestion, "op" | "seq" | "path">) {
  const known: Record<string, boolean> = {};
  const { subject, role, session, blocks } = caller;
  for (let round = 0; round < 16; round += 1) {
    const answer: PastAnswer = structuredClone(
      await past.answer({ ...question, caller: { subject, role, session, blocks }, known }),
    );
    if (!("asked" in answer)) return answer;
    for (const key of answer.asked) known[key] = tellRight(caller, key);
  }
  return assert.fail("asked for ever");
}

const owner = callerWith(fullAuthority("owner"));
const read = async (past: Past, seq: number, path: string, caller = owner): Promise<string> => {
  const answer = await ask(past, caller, { op: "read", seq, path });
  return "bytes" in answer ? Buffer.from(answer.bytes).toString() : JSON.stringify(answer);
};
const names = async (past: Past, seq: number, path: string, caller = owner): Promise<string[]> => {
  const answer = await ask(past, caller, { op: "list", seq, path });
  return "entries" in answer ? answer.entries.map(({ name }) => name) : [JSON.stringify(answer)];
};

test("each record has its own past, whatever came after", async (context) => {
  const { kernel, bee, past } = await hive();
  context.after(() => kernel.close());
  const first = await bee("hatch", "maya");
  const second = await bee("hatch", "willi");
  const third = await bee("retire", "maya");
  assert.equal(await read(past, first - 1, "/comb/count"), "0\n");
  assert.equal(await read(past, second, "/comb/count"), "2\n");
  assert.equal(await read(past, third, "/comb/count"), "1\n");
  assert.deepEqual(await names(past, second, "/comb/bees"), ["maya", "willi"]);
  assert.deepEqual(await names(past, third, "/comb/bees"), ["willi"]);
  assert.equal(await read(past, first, "/comb/bees/maya/status.json"), '{"bee":"maya","busy":true}\n');
  assert.match(await read(past, third, "/comb/bees/maya/status"), /past\.absent/);
});

test("only files that state makes are there: no stream, control, blob or provider of the present", async (context) => {
  const { kernel, bee, past } = await hive();
  context.after(() => kernel.close());
  const seq = await bee("hatch", "maya");
  assert.deepEqual(await names(past, seq, "/"), ["comb"]);
  assert.deepEqual(await names(past, seq, "/comb"), ["count", "motto", "bees"]);
  for (const path of ["/now", "/comb/ctl", "/comb/hum", "/comb/hum.json", "/comb/cells"])
    assert.deepEqual(await ask(past, owner, { op: "kind", seq, path }), { kind: undefined }, path);
  assert.match(await read(past, seq, "/comb/bees"), /past\.isDirectory/);
  assert.match((await names(past, seq, "/comb/count"))[0] ?? "", /past\.notDirectory/);
});

test("the caller's present ticket says what can be seen and read of the past", async (context) => {
  const { kernel, bee, past } = await hive();
  context.after(() => kernel.close());
  await bee("hatch", "maya");
  const seq = await bee("hatch", "willi");
  const rights = { "/comb/bees/maya": ["read"], "/comb/count": ["write"] };
  const narrow = callerWith(toyAuthority("n", rights));
  assert.deepEqual(await names(past, seq, "/comb", narrow), ["count", "bees"]);
  assert.deepEqual(await names(past, seq, "/comb/bees", narrow), ["maya"]);
  assert.equal(await read(past, seq, "/comb/bees/maya/status", narrow), "maya is busy\n");
  assert.match(await read(past, seq, "/comb/bees/willi/status", narrow), /past\.absent/);
  assert.match(await read(past, seq, "/comb/count", narrow), /past\.read/);
});

test("few rounds of rights are asked for, and states are kept for further questions", async (context) => {
  const { kernel, bee } = await hive();
  context.after(() => kernel.close());
  const seq = await bee("hatch", "maya");
  let folds = 0;
  const counting = new Past({
    files: recordingFiles(),
    journal: async () => kernel.journal,
    providers: () => {
      folds += 1;
      return providers();
    },
    version: "toy",
    keep: 1,
  });
  const question = { op: "list", seq, path: "/comb/bees", caller: owner, known: {} } as const;
  const first = await counting.answer(question);
  assert.ok("asked" in first);
  assert.deepEqual(first.asked, ["\n/comb", "\n/comb/bees", "\n/comb/bees/maya"]);
  await names(counting, seq, "/comb");
  assert.equal(folds, 1);
  await names(counting, seq - 1, "/comb");
  await names(counting, seq, "/comb");
  assert.equal(folds, 3);
});

test("a record that is not there is an answer, and is tried again later", async (context) => {
  const { kernel, bee, past } = await hive();
  context.after(() => kernel.close());
  const seq = await bee("hatch", "maya");
  assert.match(await read(past, seq + 1, "/comb/count"), /"error"/);
  assert.equal(await bee("hatch", "willi"), seq + 1);
  assert.equal(await read(past, seq + 1, "/comb/count"), "2\n");
});

test("a later moment is folded on from an earlier one that nobody looks at, and says the same", async (context) => {
  const { kernel, bee } = await hive();
  context.after(() => kernel.close());
  const seqs: number[] = [];
  for (let at = 0; at < 12; at += 1) seqs.push(await bee("hatch", `bee-${at}`));
  let folds = 0;
  const read: number[] = [];
  const warm = new Past({
    files: recordingFiles(),
    journal: async () => {
      const { journal } = kernel;
      return Object.assign(Object.create(journal) as Journal, {
        segments: journal.segments,
        batch: (from: number, end: number) => {
          read.push(from);
          return journal.batch(from, end);
        },
        record: (seq: number) => journal.record(seq),
      });
    },
    providers: () => {
      folds += 1;
      return providers();
    },
    version: "toy",
  });
  const [first = 0, second = 0, third = 0] = [seqs[2], seqs[5], seqs[9]];
  assert.equal((await names(warm, first, "/comb/bees")).length, 3);
  assert.equal((await names(warm, second, "/comb/bees")).length, 6);
  assert.deepEqual([folds, read.at(-1)], [1, first + 1]);
  const both = await Promise.all([
    names(warm, third, "/comb/bees"),
    names(warm, first, "/comb/bees"),
    names(warm, second, "/comb/bees"),
  ]);
  assert.deepEqual(
    both.map(({ length }) => length),
    [10, 3, 6],
    "questions side by side never see each other's moment",
  );
});
