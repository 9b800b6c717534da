import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  compareSets,
  isLoaded,
  loadPolicies,
  type PolicyFiles,
  type PolicyRequest,
  PolicySet,
  printProblem,
  rulesToCedar,
  schemaText,
  testPolicies,
} from "./mod.ts";

const acts = ["spawn", "kill", "revoke", "gc", "write"];
const base: PolicyRequest = {
  subject: "ann",
  role: "queen",
  path: "/queen/ctl",
  act: "kill",
  class: "irreversible",
  data: false,
  now: 1_779_883_200_000,
  lifecycle: "ONLINE",
};

function setOf(text: string): PolicySet {
  const { policies, problems } = loadPolicies({ "a.cedar": text }, acts);
  assert.deepEqual(problems, []);
  return new PolicySet(policies);
}

const problemsOf = (files: PolicyFiles) => loadPolicies(files, acts).problems.map(printProblem);

test("importing the library loads no Cedar", () => assert.equal(isLoaded(), false));

test("what nothing permits is denied, a forbid outranks a permit, and both are named", () => {
  const set = setOf(`@id("all") permit (principal, action, resource);
@id("no-kill") @reason("workers are the night shift's") forbid (principal, action == Action::"kill", resource in Path::"/queen");`);
  assert.deepEqual(set.decide({ ...base, act: "spawn" }), { decision: "allow", rules: ["all"], needs: [] });
  assert.deepEqual(set.decide(base), {
    decision: "deny",
    rules: ["no-kill"],
    needs: [],
    reason: "workers are the night shift's",
  });
  const narrow = setOf(`permit (principal in Role::"observer", action, resource);`);
  assert.deepEqual(narrow.decide(base), { decision: "deny", rules: [], needs: [] });
  assert.equal(narrow.decide({ ...base, role: "observer" }).decision, "allow");
});

test("an annotated forbid asks, with what it asks for; a hard forbid beside it denies", () => {
  const text = `permit (principal, action, resource);
@id("two") @approvals("2") @role("oncall") @ttl("1h") forbid (principal, action, resource) when { context.class == "irreversible" };
@id("sign") @signature("operational") forbid (principal, action in [Action::"gc"], resource);`;
  const set = setOf(text);
  const two = {
    rule: "two",
    mode: "wait",
    approvals: 2,
    role: "oncall",
    ttl: 3_600_000,
    by: "signer",
    self: false,
  };
  assert.deepEqual(set.decide(base), { decision: "ask", rules: ["two"], needs: [two] });
  const { needs } = set.decide({ ...base, act: "gc" });
  assert.deepEqual(
    needs.map(({ rule, self, role }) => [rule, self, role]),
    [
      ["sign", true, "operational"],
      ["two", false, "oncall"],
    ],
  );
  const hard = setOf(
    `${text}\nforbid (principal, action, resource) when { context.lifecycle == "DRAINING" };`,
  );
  assert.equal(hard.decide({ ...base, lifecycle: "DRAINING" }).decision, "deny");
});

test("problems are told with file, line, column and cure", () => {
  const cases: [string, RegExp][] = [
    ["\n\nforbd (principal, action, resource);", /^a\.cedar:3:1: invalid policy effect: forbd \(effect must/],
    [
      "// é\npermit (principal, action, resource) when { context.clas };",
      /^a\.cedar:2:\d+: attribute `clas`.*did you mean `class`/,
    ],
    ['permit (principal, action == Action::"kil", resource);', /^a\.cedar:1:\d+: .*kil/],
    [
      '\n@aprovals("2") forbid (principal, action, resource);',
      /^a\.cedar:2:1: unknown annotation @aprovals \(did you mean @approvals\?/,
    ],
    ['@approvals("2") permit (principal, action, resource);', /on a permit \(put it on a forbid/],
    ['@approvals("x") forbid (principal, action, resource);', /is no number from 1 to 16/],
    ['@mode("later") forbid (principal, action, resource);', /unknown mode/],
    ['@mode("wait") @ttl("1y") forbid (principal, action, resource);', /is no time/],
    ['@role("x") forbid (principal, action, resource);', /@role without approvals/],
    [
      '@id("a") permit (principal, action, resource);\n@id("a") permit (principal, action, resource);',
      /^a\.cedar:2:1: two policies are named/,
    ],
    ["permit (principal == ?principal, action, resource);", /a template has nothing/],
  ];
  for (const [text, expected] of cases) {
    const problems = problemsOf({ "a.cedar": text });
    assert.match(problems[0] ?? "no problem", expected, text);
  }
  assert.match(problemsOf({ "a.txt": "" })[0] ?? "", /no part of a policy set/);
  assert.match(problemsOf({ "b.cedarschema": "entity ;" })[0] ?? "", /^b\.cedarschema:1:8: /);
});

test("the schema that people read and the one that sets are checked with are one", () => {
  const both = (policy: string) =>
    loadPolicies({ "a.cedar": policy, "told.cedarschema": schemaText(acts) }, acts).problems.length;
  assert.equal(
    both(`permit (principal in Role::"x", action in [Action::"write"], resource in Path::"/a") when
    { context.now > 1 && context.hour > 1 && context.weekday > 1 && context.data && context.class == "x" &&
      context.lifecycle == "x" && (context has label && context.label == "x") && principal.role == "x" &&
      (context has machine && context.machine == "x") && resource.depth > 1 && principal.subject == "x" };`),
    0,
  );
  for (const wrong of [
    'context.label == "x"',
    'context.hour == "x"',
    'resource.name == "x"',
    "principal.data",
  ])
    assert.equal(both(`permit (principal, action, resource) when { ${wrong} };`), 2, wrong);
});

test("a set remembers by what its policies read, and by nothing else", () => {
  const set = setOf(
    `permit (principal in Role::"queen", action, resource) when { context.lifecycle == "ONLINE" };`,
  );
  assert.deepEqual([...set.reads].sort(), ["lifecycle", "role"]);
  for (let n = 0; n < 100; n += 1)
    set.decide({ ...base, path: `/worker/w-${n}/ctl`, subject: `s${n}`, now: n });
  assert.equal(set.evaluations, 1);
  assert.equal(set.decide({ ...base, lifecycle: "DRAINING" }).decision, "deny");
  assert.equal(set.evaluations, 2);
  const timed = setOf("permit (principal, action, resource) when { context.now + 1 > 5 };");
  for (let n = 0; n < 10; n += 1) timed.decide({ ...base, now: 6 });
  assert.equal(timed.evaluations, 10);
  const hours = setOf(
    "permit (principal, action, resource) when { context.hour >= 8 && context.weekday < 6 };",
  );
  const at = (text: string) => hours.decide({ ...base, now: Date.parse(text) }).decision;
  assert.deepEqual(
    [at("2026-11-20T08:00:00Z"), at("2026-11-20T07:59:59Z"), at("2026-11-21T12:00:00Z")],
    ["allow", "deny", "deny"],
  );
});

test("what a remembering set says is what a forgetful one says", () => {
  const text = `permit (principal, action, resource);
forbid (principal == Subject::"bob", action, resource in Path::"/a");
@approvals("1") forbid (principal, action == Action::"gc", resource) unless { resource.path like "/a/*" || context.data };
forbid (principal, action, resource) when { context has label && context.label == "secret" && principal.role != "queen" };`;
  const set = setOf(text);
  const forgetful = setOf(text.replace(/;$/gm, " unless { context.now + 1 < 0 };"));
  const request = fc.record({
    subject: fc.constantFrom("ann", "bob"),
    role: fc.constantFrom("queen", "observer"),
    path: fc.constantFrom("/a", "/a/b", "/b/ctl"),
    act: fc.constantFrom("gc", "kill", "write"),
    data: fc.boolean(),
    label: fc.constantFrom(undefined, "secret", "public"),
  });
  fc.assert(
    fc.property(request, (more) => {
      const full = { ...base, ...more } as PolicyRequest;
      const plain = ({ decision, rules }: ReturnType<PolicySet["decide"]>) => [decision, rules];
      assert.deepEqual(plain(set.decide(full)), plain(forgetful.decide(full)));
    }),
    { numRuns: 100 },
  );
  assert.ok(forgetful.evaluations >= 100, "it forgets");
});

test("path rules of the original mean the same in Cedar: a star is one name", () => {
  const set = setOf(
    rulesToCedar([
      { id: "queen-ctl", target: "/queen/ctl" },
      { id: "systemd-restart", target: "/host/systemd/*/restart" },
    ]),
  );
  const rule = (path: string) => {
    const { decision, rules, needs } = set.decide({ ...base, path });
    return decision === "ask" ? [rules[0], needs[0]?.mode, needs[0]?.by] : [decision];
  };
  assert.deepEqual(rule("/queen/ctl"), ["queen-ctl", "present", "ticket"]);
  assert.deepEqual(rule("/host/systemd/sshd/restart"), ["systemd-restart", "present", "ticket"]);
  assert.deepEqual(rule("/host/systemd/a/b/restart"), ["allow"]);
  assert.deepEqual(rule("/host/systemd/restart"), ["allow"]);
  assert.deepEqual(rule("/queen/ctl/x"), ["allow"]);
});

test("cases beside the policies are run, and told by name where they fail", () => {
  const set = setOf(`@id("all") permit (principal, action, resource);`);
  const describe = () => ({ class: "irreversible", data: true }) as const;
  const given = { name: "kill is free", subject: "a", role: "queen", path: "/queen/ctl", act: "kill" };
  const run = (cases: unknown) =>
    testPolicies({ "x.test.json": JSON.stringify(cases, null, 1) }, set, describe);
  assert.deepEqual(run([{ ...given, expect: "allow", rules: ["all"] }]), { passed: 1, problems: [] });
  const [wrong] = run([{ ...given, expect: "deny" }]).problems;
  assert.match(
    wrong ? printProblem(wrong) : "",
    /^x\.test\.json:3:11: case "kill is free": expected deny, is allow: by all/,
  );
  assert.match(run([{ ...given, expect: "allow", rule: "x" }]).problems[0]?.message ?? "", /has no "rule"/);
  assert.match(run([{ expect: "allow" }]).problems[0]?.message ?? "", /needs the text "name"/);
});

test("comparing two sets tells each verdict that would change, and the needs that would", () => {
  const before = setOf("permit (principal, action, resource);");
  const after = setOf(`permit (principal, action, resource);
@id("ask") @approvals("1") forbid (principal, action == Action::"kill", resource);`);
  const requests = ["kill", "spawn", "kill"].map((act, n) => [n, { ...base, act }] as const);
  const told = [...compareSets(requests, before, after)].map(({ of, before: was, after: will }) => [
    of,
    was.decision,
    will.decision,
  ]);
  assert.deepEqual(told, [
    [0, "allow", "ask"],
    [2, "allow", "ask"],
  ]);
});

test("a set that compares the time with constants is remembered between them, and says the same at every instant", () => {
  const from = base.now;
  const text = `permit (principal, action, resource);
@id("late") forbid (principal, action, resource) when { context.now >= ${from} && context.now < ${from + 10} };
@id("once") forbid (principal, action, resource) when { ${from + 20} == context.now };`;
  const set = setOf(text);
  const odd = setOf(
    `${text}\nforbid (principal, action, resource) when { context.now + 1 == ${from + 31} };`,
  );
  for (let at = from - 5; at < from + 40; at += 1) {
    const want = at === from + 20 || (at >= from && at < from + 10) ? "deny" : "allow";
    assert.equal(set.decide({ ...base, now: at }).decision, want, `${at - from}`);
    assert.equal(odd.decide({ ...base, now: at }).decision, at === from + 30 ? "deny" : want, `${at - from}`);
  }
  assert.equal(set.evaluations, 7, "one for each instant and each stretch between");
  assert.equal(odd.evaluations, 45 + 7, "the odd one each time, the others as before");
});

test("what is foreseen gives way between portions, and is not evaluated again", async () => {
  const many = Array.from(
    { length: 30 },
    (_, n) => `forbid (principal, action, resource == Path::"/no-${n}");`,
  );
  const { policies } = loadPolicies(
    { "a.cedar": `permit (principal, action, resource);\n${many.join("\n")}` },
    ["kill"],
  );
  const set = new PolicySet(policies);
  const request = { ...base, path: "/queen/ctl" };
  let pauses = 0;
  await set.foresee([request, request], async () => {
    pauses += 1;
  });
  assert.equal(pauses, 4);
  const { evaluations } = set;
  assert.equal(set.decide(request).decision, "allow");
  assert.equal(set.evaluations, evaluations);
});

test("policies that read other things are remembered apart: Cedar is asked for each value once, not for each pair", () => {
  const area = Array.from(
    { length: 6 },
    (_, n) => `forbid (principal in Role::"observer", action, resource in Path::"/area-${n}");`,
  );
  const state = Array.from(
    { length: 6 },
    (_, n) => `forbid (principal, action, resource) when { context.lifecycle == "L${n}" };`,
  );
  const odd = "forbid (principal, action, resource) when { context.now + 1 == 100 };";
  const decide = (set: PolicySet, n: number) =>
    set.decide({ ...base, path: `/area-${n % 10}`, lifecycle: `L${n % 7}`, role: "observer", now: n })
      .decision;
  const permit = "permit (principal, action, resource);";
  const set = setOf([permit, ...area, ...state].join("\n"));
  for (let n = 0; n < 70; n += 1)
    assert.equal(decide(set, n), n % 10 < 6 || n % 7 < 6 ? "deny" : "allow", `${n}`);
  assert.equal(set.evaluations, 10 + 7);
  const fleeting = setOf([permit, ...area, odd].join("\n"));
  for (let n = 0; n < 70; n += 1) assert.equal(decide(fleeting, n), n % 10 < 6 ? "deny" : "allow");
  assert.equal(fleeting.evaluations, 10 + 70, "only what computes with the time is asked every time anew");
});
