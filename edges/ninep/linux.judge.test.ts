import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Fault } from "@skep/fault";
import { fullAuthority, type Kernel, type Session } from "@skep/kernel";
import {
  guestHost,
  guestLacks,
  type GuestResult,
  recordingFiles,
  runGuest,
  simulatedClock,
  type Step,
  toyAuthority,
  toyHive,
} from "@skep/testing";
import { createNinepEdge, type NinepEdge } from "./mod.ts";

const bees = 120;
const humLines = 600;

// What the owner of the mount does, as uid 1000.
const owner = `
. /etc/profile
comb=/mnt/comb
step list ls -lR /mnt
step find sh -c 'find /mnt | wc -l'
step listed sh -c 'ls /mnt/comb/bees | wc -l'
step cat cat $comb/count $comb/bees/bee-7/status
step grep grep -c hum- $comb/told
step head head -n 1 $comb/told
step last sh -c 'cat /mnt/comb/told | tail -n 1'
step size sh -c 'cat /mnt/comb/told | wc -c; stat -c %s /mnt/comb/told'
step append sh -c 'echo "{\\"op\\":\\"hatch\\",\\"bee\\":\\"late\\"}" >> /mnt/comb/ctl; cat /mnt/comb/count'
step truncate sh -c 'echo "{\\"op\\":\\"hatch\\",\\"bee\\":\\"later\\"}" > /mnt/comb/ctl; cat /mnt/comb/count'
step again sh -c 'echo "{\\"op\\":\\"hatch\\",\\"bee\\":\\"late\\"}" > /mnt/comb/ctl'
step schema sh -c 'echo nonsense > /mnt/comb/ctl'
answers() {
  exec 3<>$comb/ctl
  echo '{"op":"hatch","bee":"ann"}' >&3; read -r line <&3; echo "$line"
  echo '{"op":"hatch","bee":"ann"}' >&3
  echo '{"op":"retire","bee":"ann"}' >&3; cat <&3
  exec 3>&-
}
step answers answers
step value sh -c 'echo all for one > /mnt/comb/motto; cat /mnt/comb/motto'
put() { for n in 1 2 3; do sleep 1; echo "put beat $n"; echo "beat $n" >> $comb/hum; done; }
follow() { put & timeout 5 cat $comb/hum.follow; wait; }
step follow follow
piped() { put & timeout 5 dd bs=64k if=$comb/hum.follow | while read -r line; do echo "got $line"; done; wait; }
step piped piped
tailing() { (sleep 1; echo "one more" >> $comb/hum) & timeout 4 tail -f -n 1 $comb/hum; }
step tail tailing
step interrupt timeout -s INT 1 cat $comb/hum.follow
step alive cat $comb/count
blob() {
  head -c 300000 /dev/urandom > /tmp/wax
  digest=$(sha256sum < /tmp/wax | cut -c1-64)
  cp /tmp/wax $comb/cells/$digest && ls $comb/cells | grep -c $digest && cmp /tmp/wax $comb/cells/$digest
}
step blob blob
step rm rm -f $comb/count
step mv mv $comb/count $comb/counts
step chmod chmod 777 $comb/ctl
step mkdir mkdir $comb/new
step create sh -c 'echo x > /mnt/comb/new'
step overwrite sh -c 'echo x > /mnt/comb/count'
step touch touch $comb/ctl
step missing cat $comb/nothing
`;

const others = `
. /etc/profile
step wasp-list ls /mnt
step wasp-cat cat /mnt/comb/count
step wasp-write sh -c 'echo "{\\"op\\":\\"hatch\\",\\"bee\\":\\"wasp\\"}" >> /mnt/comb/ctl'
`;

function script(port: number): string {
  const mount = (more: string, at: string) =>
    `mount -t 9p -o trans=tcp,port=${port},version=9p2000.L,msize=65536,cache=none,${more} ${guestHost} ${at}`;
  return `
chmod 1777 /tmp; mkdir /narrow /any
step mount ${mount("access=1000,aname=whole", "/mnt")}
su bee -c 'sh /owner.sh'
su wasp -c 'sh /others.sh'
step root-list ls /mnt/comb
step no-ticket ${mount("access=1000", "/any")}
step forged ${mount("access=1000,aname=forged", "/any")}
step narrow ${mount("access=any,aname=narrow:/comb", "/narrow")}
step narrow-list ls /narrow
step narrow-ctl cat /narrow/ctl
step narrow-write sh -c 'echo x >> /narrow/hum'
step any ${mount("access=any,aname=whole", "/any")}
step root-rm rm -f /any/comb/count
step root-mv mv /any/comb/count /any/comb/counts
step root-chmod chmod 777 /any/comb/ctl
step root-mkdir mkdir /any/comb/new
step root-create sh -c 'echo x > /any/comb/new'
step root-ln ln -s x /any/comb/new
echo "@@ revoke"; sleep 2
step revoked ls /narrow
step unmount umount /mnt /narrow /any
`;
}

async function populate(kernel: Kernel): Promise<void> {
  const session = kernel.attach(fullAuthority("owner"), "test");
  for (let at = 0; at < bees; at += 1) await session.append("/comb/ctl", { op: "hatch", bee: `bee-${at}` });
  for (let at = 0; at < humLines; at += 1)
    await session.append("/comb/ctl", { op: "hum", text: `hum-${at}` });
  session.close();
}

const skip = guestLacks();
let kernel: Kernel | undefined;
let edge: NinepEdge | undefined;
let seen: GuestResult;
const narrow: Session[] = [];
/** When each line came, in milliseconds, by its text; the first time of each. */
const heardAt = new Map<string, number>();

before(async () => {
  if (skip) return;
  const clock = simulatedClock();
  const hive = await toyHive({ files: recordingFiles(), clock });
  kernel = hive;
  await populate(hive);
  const attach = async (credential: { readonly kind: string; readonly token?: string }, name: string) => {
    if (credential.token === "whole") return hive.attach(fullAuthority("owner"), name);
    if (credential.token !== "narrow")
      throw new Fault("unauthenticated", "toy.ticket", "Cannot read this ticket");
    const session = hive.attach(toyAuthority("ann", { "/comb/hum": ["read"] }), name);
    narrow.push(session);
    return session;
  };
  edge = createNinepEdge({ attach }, { uid: 1000, clock, defer: (act) => void setImmediate(act) });
  const { port } = await edge.listenTcp({ host: "127.0.0.1", port: 0 });
  seen = await runGuest({
    script: script(port),
    files: { "/owner.sh": owner, "/others.sh": others },
    heard: (line) => {
      heardAt.set(line, heardAt.get(line) ?? performance.now());
      if (line === "@@ revoke") for (const session of narrow) session.close("revoked");
    },
  });
  if (process.env.SKEP_TEST_VERBOSE) process.stderr.write(seen.console);
});
after(async () => {
  await edge?.close();
  await kernel?.close();
});
const of = (name: string): Step => {
  const step = seen.steps.get(name);
  assert.ok(step, `no step ${name} in\n${seen.console}`);
  return step;
};
const says = (name: string, output: string | RegExp, code = 0) => {
  const step = of(name);
  if (typeof output === "string") assert.equal(step.output, output, name);
  else assert.match(step.output, output, name);
  assert.equal(step.code, code, name);
};

test("Linux lists the whole tree, with the owner, the modes and the sizes that it has", { skip }, () => {
  says("mount", "");
  says("find", String(9 + 2 * bees));
  says("listed", String(bees));
  const { output } = of("list");
  const line = (name: string) => new RegExp(`^(\\S+) +1 bee +bee +(\\d+) .* ${name}$`, "m").exec(output);
  const shown = (name: string) => line(name)?.slice(1, 3);
  assert.deepEqual(shown("comb"), ["dr-x------", "0"]);
  assert.deepEqual(shown("count"), ["-r--------", "4"]);
  assert.deepEqual(shown("ctl"), ["-rw-------", "0"]);
  assert.deepEqual(shown("told"), ["-r--------", "4096"]);
  assert.deepEqual(shown("hum"), ["-rw-------", "0"]);
});

test("Linux reads files and a stream that wrapped, and every read ends by itself", { skip }, () => {
  says("cat", `${bees}\nbee-7 is busy`);
  says("last", `hum-${humLines - 1}`);
  says("size", "4096\n4096");
  says("head", /^[hum-]*\d+$/);
  says("grep", /^51[23]$/);
  says("missing", /No such file or directory/, 1);
});

test("Linux writes commands with >> and with >, and gets the errno of a refusal", { skip }, () => {
  says("append", String(bees + 1));
  says("truncate", String(bees + 2));
  says("again", /File exists/, 1);
  says("schema", /Invalid argument/, 1);
  says("value", "all for one");
  says("touch", "");
});

test("Linux reads the answers of the commands that it wrote on one descriptor", { skip }, () => {
  const lines = of("answers").output.split("\n");
  assert.match(lines[1] ?? "", /File exists/);
  const answers = [lines[0], lines[2], lines[3]].map((line) => JSON.parse(line ?? ""));
  assert.deepEqual(
    answers.map(({ verdict, code, result }) => code ?? [verdict, result]),
    [["ok", { bee: "ann" }], "toy.there", ["ok", { bee: "ann" }]],
  );
});

test("Linux prints each line of a followed stream within a second of its append", { skip }, () => {
  says("follow", "put beat 1\nbeat 1\nput beat 2\nbeat 2\nput beat 3\nbeat 3\nTerminated", 0);
  for (const line of ["beat 1", "beat 2", "beat 3"]) {
    const took = (heardAt.get(line) ?? 1e9) - (heardAt.get(`put ${line}`) ?? 0);
    assert.ok(took < 1000, `${line} took ${took} ms`);
  }
  const piped = of("piped")
    .output.split("\n")
    .filter((line) => /^(put|got) beat/.test(line));
  assert.equal(piped.length, 9);
  assert.deepEqual(piped.slice(-2), ["put beat 3", "got beat 3"]);
  says("tail", /^beat 3\none more$/m, 143);
});

test("Linux ends a waiting read at Ctrl-C and goes on", { skip }, () => {
  says("interrupt", /one more$/, 130);
  says("alive", String(bees + 2));
});

test("Linux uploads a blob with cp and reads the same bytes", { skip }, () => says("blob", "1"));

test("Linux is refused what does not exist here, with sensible errors", { skip }, () => {
  for (const name of ["rm", "mv", "mkdir", "create", "overwrite"]) says(name, /Permission denied/, 1);
  for (const name of ["chmod", "root-rm", "root-mv", "root-chmod", "root-mkdir", "root-create", "root-ln"])
    says(name, /Operation not permitted/, 1);
});

test("Linux gives a second user of the machine nothing, root included", { skip }, () => {
  says("wasp-list", "ls: /mnt: Operation not permitted", 1);
  says("wasp-cat", /Permission denied/, 1);
  says("wasp-write", /Permission denied/, 1);
  says("root-list", /Operation not permitted/, 1);
});

test("Linux mounts nothing without a ticket, and the narrow tree of a narrow one, until it is revoked", {
  skip,
}, () => {
  says("no-ticket", /Permission denied/, 255);
  says("forged", /Permission denied/, 255);
  says("narrow-list", /^hum$/);
  says("narrow-ctl", /No such file or directory/, 1);
  says("narrow-write", /Permission denied/, 1);
  says("revoked", /Permission denied/, 1);
  says("unmount", "");
});
