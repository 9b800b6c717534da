import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Authority, fullAuthority } from "@skep/kernel";
import { startTestHive } from "../testing/hive.ts";

const base = '@id("default") permit (principal, action, resource);\n';
const guest: Authority = { ...fullAuthority("invite/0123456789abcdef"), role: "observer" };
const line = { op: "redeem", node: "1".repeat(64), box: "2".repeat(64), name: "m", proof: "3".repeat(128) };

test("a rule about observers does not shut out machines that join, one about invitations does", async (t) => {
  const place = await startTestHive();
  t.after(() => place[Symbol.asyncDispose]());
  const { owner, kernel } = place.hive;
  const session = kernel.attach(guest, "test");
  const judged = async (rule: string): Promise<string | undefined> => {
    const files = { "a.cedar": `${base}${rule}` };
    const { verdict, message } = await owner.append("/policy/ctl", { op: "apply", files });
    assert.equal(verdict, "ok", message);
    return (await session.append("/net/join", line)).code;
  };
  const without = (await session.append("/net/join", line)).code;
  assert.doesNotMatch(without ?? "", /^policy/);
  assert.equal(await judged('forbid (principal in Role::"observer", action, resource);'), without);
  assert.equal(
    await judged('@id("nobody-joins") forbid (principal in Role::"invitation", action, resource);'),
    "policy.denied",
  );
  assert.equal(
    await judged('forbid (principal, action == Action::"redeem", resource == Path::"/net/join");'),
    "policy.denied",
  );
});

test("a check warns of rules that shut out joining machines, or the owner from the rules, and can be used all the same", async (t) => {
  const place = await startTestHive();
  t.after(() => place[Symbol.asyncDispose]());
  const checked = async (name: string, rule: string) => {
    const dir = join(place.dir, name);
    mkdirSync(dir);
    writeFileSync(join(dir, "a.cedar"), `${base}${rule}`);
    const { code, out, err } = await place.skep(["policy", "check", dir]);
    assert.equal(code, 0, err);
    assert.match(out, /^ok .*policies/);
    return err;
  };
  assert.equal(
    await checked(
      "docs",
      '@id("nights") forbid (principal in Role::"observer", action, resource) when { context.hour < 6 };',
    ),
    "",
  );
  const nights = await checked(
    "nights",
    '@id("nights") forbid (principal, action, resource) when { context.hour < 3 };',
  );
  assert.match(
    nights,
    /a\.cedar:2:1: shuts out machines that join with an invitation at hours 0, 1, 2 UTC: nights forbids it/,
  );
  assert.match(nights, /shuts out the owner from changing the rules \(rollback\) at hours 0, 1, 2 UTC/);
  const never = await checked(
    "never",
    '@id("no") forbid (principal in Role::"invitation", action, resource);',
  );
  assert.match(never, /shuts out machines that join with an invitation: no forbids it/);
  assert.doesNotMatch(never, /the owner/);
});
