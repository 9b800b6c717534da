// OpenSSH itself judges: what we sign it verifies, what it signs we verify, and both give the same verdict on generated
// allowed_signers lines, certificates and revocation lists.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  type CivilTime,
  openAgent,
  openPrivateKey,
  parseAllowedSigners,
  parseKeyLine,
  parseRevocations,
  printKey,
  type SshSigner,
  signSshsig,
  verifyAs,
  withCertificate,
} from "@skep/sshsig";
import { certify, softEcdsa, softEd25519, softSecurityKey } from "./testing/soft-key.ts";

const probe = spawnSync("ssh-keygen", ["-?"]);
const skip = probe.error ? "ssh-keygen is not installed (Debian package openssh-client)" : false;
const agentProbe = spawnSync("ssh-agent", ["-?"]);
const skipAgent = agentProbe.error ? "ssh-agent is not installed (Debian package openssh-client)" : skip;

const home = mkdtempSync(join(tmpdir(), "sshsig-judge-"));
after(() => rmSync(home, { recursive: true, force: true }));
const at = (name: string) => join(home, name);
const read = (name: string) => readFileSync(at(name), "utf8");
const env = { ...process.env, LC_ALL: "C", SSH_ASKPASS: at("askpass"), SSH_ASKPASS_REQUIRE: "force" };

function keygen(args: readonly string[], input?: Uint8Array | string) {
  const { status, stderr } = spawnSync("ssh-keygen", args, { cwd: home, input, env, encoding: "utf8" });
  return { status, stderr };
}

function must(args: readonly string[], input?: string): void {
  const { status, stderr } = keygen(args, input);
  assert.equal(status, 0, `ssh-keygen ${args.join(" ")}: ${stderr}`);
}

const types: readonly (readonly [name: string, ...args: readonly string[]])[] = [
  ["ed25519", "-t", "ed25519"],
  ["p256", "-t", "ecdsa", "-b", "256"],
  ["p384", "-t", "ecdsa", "-b", "384"],
  ["p521", "-t", "ecdsa", "-b", "521"],
  ["rsa", "-t", "rsa", "-b", "2048"],
];

function makeKey(name: string, args: readonly string[], passphrase = ""): void {
  if (!existsSync(at(name))) must(["-q", "-N", passphrase, "-C", name, "-f", name, ...args]);
}

const message = "destroy guest 101\n";
const bytes = Buffer.from(message);
const namespace = "skep-statement@v1";
const identity = "alice@example.org";
const now = 1_790_000_000;
const stamp = "20260921141320Z";

/** What ssh-keygen says of a signature. */
function judge(signature: string, signers: string, more: readonly string[] = [], as = identity): boolean {
  writeFileSync(at("signers"), signers);
  writeFileSync(at("signature"), signature);
  const args = ["-f", "signers", "-I", as, "-n", namespace, "-s", "signature", `-Overify-time=${stamp}`];
  return keygen(["-Y", "verify", ...args, ...more], bytes).status === 0;
}

const local = ({ year, month, day, hour, minute, second }: CivilTime) =>
  Math.floor(new Date(year, month - 1, day, hour, minute, second).getTime() / 1000);

function ours(signature: string, signers: string, revoked?: Uint8Array | string, as = identity): string {
  try {
    verifyAs(signature, bytes, {
      identity: as,
      namespace,
      signers: parseAllowedSigners(signers, local),
      time: now,
      ...(revoked !== undefined && { revocations: parseRevocations(revoked) }),
    });
    return "good";
  } catch (thrown) {
    return String((thrown as { code?: unknown }).code);
  }
}

function signByKeygen(key: string, more: readonly string[] = []): string {
  writeFileSync(at("message"), message);
  rmSync(at("message.sig"), { force: true });
  must(["-q", "-Y", "sign", "-f", key, "-n", namespace, ...more, "message"]);
  return read("message.sig");
}

for (const [name, ...args] of types)
  test(`${name}: ssh-keygen and we verify what the other signed`, { skip }, async () => {
    makeKey(name, args);
    const line = `${identity} ${read(`${name}.pub`)}`;
    for (const hash of ["sha256", "sha512"] as const) {
      const signer = openPrivateKey(read(name));
      assert.equal(judge(await signSshsig(bytes, { namespace, hash }, signer), line), true);
      assert.equal(ours(signByKeygen(name, [`-Ohashalg=${hash}`]), line), "good");
    }
    const other = await signSshsig(Buffer.from("another"), { namespace }, openPrivateKey(read(name)));
    assert.deepEqual([judge(other, line), ours(other, line)], [false, "sshsig.signature"]);
  });

test("an encrypted key file is refused by name, and ssh-keygen signs with it", { skip }, () => {
  writeFileSync(at("askpass"), "#!/bin/sh\necho secret words\n", { mode: 0o700 });
  makeKey("locked", ["-t", "ed25519", "-a", "1"], "secret words");
  assert.throws(() => openPrivateKey(read("locked")), { code: "sshsig.encrypted" });
  const signature = signByKeygen("locked");
  assert.equal(ours(signature, `${identity} ${read("locked.pub")}`), "good");
});

const soft = softEd25519();
const pub = `ssh-ed25519 ${Buffer.from(soft.key.blob).toString("base64")}`;
const otherKey = softEcdsa(256).key;
const other = `${otherKey.type} ${Buffer.from(otherKey.blob).toString("base64")}`;

/** Lines that both must understand alike. */
const lines = [
  `${identity} ${pub}`,
  `${identity} ${pub} a comment with "quotes`,
  `  \t${identity}\t${pub}`,
  `"${identity}" ${pub}`,
  `"a b",${identity} ${pub}`,
  `al"ice@example.org" ${pub}`,
  `"${identity} ${pub}`,
  `*,!alice@* ${pub}`,
  `!bob@*,* ${pub}`,
  `?lice@example.??? ${pub}`,
  `ALICE@example.org ${pub}`,
  `a*e*@*.org ${pub}`,
  ` ${pub}`,
  `${identity}`,
  `${identity} ${pub.slice(0, -4)}`,
  `${identity} ssh-rsa ${pub.split(" ")[1]}`,
  `${identity} ssh-nothing ${pub.split(" ")[1]}`,
  `# ${identity} ${pub}`,
  `${identity} # ${pub}`,
  `${identity} namespaces="${namespace}" ${pub}`,
  `${identity} namespaces="skep-*" ${pub}`,
  `${identity} namespaces="!skep-*,*" ${pub}`,
  `${identity} namespaces="" ${pub}`,
  `${identity} namespaces=${namespace} ${pub}`,
  `${identity} namespaces="${namespace} ${pub}`,
  `${identity} namespaces="a\\"b,${namespace}" ${pub}`,
  `${identity} namespaces="a b,${namespace}" ${pub}`,
  `${identity} namespaces="file",namespaces="${namespace}" ${pub}`,
  `${identity} NameSpaces="${namespace}",VALID-AFTER="20200101" ${pub}`,
  `${identity} namespaces="${namespace}", ${pub}`,
  `${identity} cert-authority,,valid-after="20200101" ${pub}`,
  `${identity} valid-before="20300101",,valid-after="20200101" ${pub}`,
  `${identity} , ${pub}`,
  `${identity} cert-authorityx ${pub}`,
  `${identity} ,namespaces="${namespace}" ${pub}`,
  `${identity} namespaces="${namespace}"x ${pub}`,
  `${identity} valid-after="20260921141320Z" ${pub}`,
  `${identity} valid-after="20260921141321Z" ${pub}`,
  `${identity} valid-before="20260921141320Z" ${pub}`,
  `${identity} valid-before="20260921141319Z" ${pub}`,
  `${identity} valid-before="202609211413Z" ${pub}`,
  `${identity} valid-before="202609211414utc" ${pub}`,
  `${identity} valid-before="20260921" ${pub}`,
  `${identity} valid-before="20260930" ${pub}`,
  `${identity} valid-after="20260920",valid-before="20260922" ${pub}`,
  `${identity} valid-after="20260922",valid-before="20260920" ${pub}`,
  `${identity} valid-after="19700101Z" ${pub}`,
  `${identity} valid-after="2026" ${pub}`,
  `${identity} valid-after="20261301Z" ${pub}`,
  `${identity} valid-after="tomorrow" ${pub}`,
  `${identity} valid-after="20200101Z",valid-after="20200102Z" ${pub}`,
  `${identity} cert-authority ${pub}`,
  `${identity} no-touch-required ${pub}`,
  `${identity} ${other}\n${identity} ${pub}`,
  `${identity} nonsense ${pub}\n${identity} ${pub}`,
  `${identity} valid-before="20200101Z" ${pub}\n${identity} ${pub}`,
  `${identity} namespaces="file" ${pub}\n*@example.org ${pub}`,
  `${identity} ${pub}\r`,
  `${identity} ${pub}\r\n${identity} ${other}\r`,
];

test("each form of an allowed_signers line allows what it allows to ssh-keygen", { skip }, async (t) => {
  const signature = await signSshsig(bytes, { namespace }, soft);
  let good = 0;
  for (const line of lines) {
    const theirs = judge(signature, `${line}\n`);
    const verdict = ours(signature, `${line}\n`);
    assert.equal(verdict === "good", theirs, `${line}: we say ${verdict}`);
    if (theirs) good += 1;
  }
  t.diagnostic(`${lines.length} files, ${good} allow`);
  assert.equal(good > 15 && good < lines.length - 15, true);
});

/** Certificates by ssh-keygen, each with the identity that is asked for. */
const certificates: readonly (readonly [what: string, args: readonly string[], as: string])[] = [
  ["in its window", ["-n", "alice@example.org", "-V", "20260101Z:20270101Z"], identity],
  ["one of two principals", ["-n", "bob,alice@example.org", "-V", "20260101Z:20270101Z"], identity],
  ["another principal", ["-n", "bob@example.org", "-V", "20260101Z:20270101Z"], identity],
  ["a pattern as principal", ["-n", "*@example.org", "-V", "20260101Z:20270101Z"], identity],
  ["expired", ["-n", identity, "-V", "20250101Z:20260101Z"], identity],
  ["ends now", ["-n", identity, "-V", `20250101Z:${stamp}`], identity],
  ["begins now", ["-n", identity, "-V", `${stamp}:20270101Z`], identity],
  ["not yet valid", ["-n", identity, "-V", "20270101Z:20280101Z"], identity],
  ["for ever", ["-n", identity, "-V", "always:forever"], identity],
  ["of a host", ["-h", "-n", identity, "-V", "always:forever"], identity],
  [
    "an identity outside of the line",
    ["-n", "alice@example.net", "-V", "always:forever"],
    "alice@example.net",
  ],
];

test("certificates are accepted and refused as by ssh-keygen", { skip }, async () => {
  makeKey("ca", ["-t", "ecdsa"]);
  makeKey("certified", ["-t", "rsa", "-b", "2048"]);
  const signers = `*@example.org cert-authority ${read("ca.pub")}`;
  for (const [what, args, as] of certificates) {
    must(["-q", "-s", "ca", "-I", "id", "-z", "5", ...args, "certified.pub"]);
    const signer = withCertificate(
      openPrivateKey(read("certified")),
      parseKeyLine(read("certified-cert.pub")),
    );
    const signature = await signSshsig(bytes, { namespace }, signer);
    const verdict = ours(signature, signers, undefined, as);
    assert.equal(verdict === "good", judge(signature, signers, [], as), `${what}: we say ${verdict}`);
  }
});

test("a certificate that is bound to a purpose signs no statement, though OpenSSH lets it", {
  skip,
}, async () => {
  makeKey("ca", ["-t", "ecdsa"]);
  makeKey("certified", ["-t", "rsa", "-b", "2048"]);
  const signers = `*@example.org cert-authority ${read("ca.pub")}`;
  must(["-q", "-s", "ca", "-I", "id", "-n", identity, "-O", "force-command=true", "certified.pub"]);
  const signer = withCertificate(openPrivateKey(read("certified")), parseKeyLine(read("certified-cert.pub")));
  const signature = await signSshsig(bytes, { namespace }, signer);
  assert.deepEqual([judge(signature, signers), ours(signature, signers)], [true, "sshsig.certificate"]);
});

const specifications: readonly (readonly [text: string, serial: number, keyId: string])[] = [
  ["serial: 5", 5, "one"],
  ["serial: 5", 6, "one"],
  ["serial: 5-900", 900, "one"],
  ["serial: 5-900", 901, "one"],
  ["serial: 1\nserial: 3\nserial: 5\nserial: 7\nserial: 64\nserial: 65\nserial: 67", 67, "one"],
  ["serial: 1\nserial: 3\nserial: 5\nserial: 7\nserial: 64\nserial: 65\nserial: 67", 66, "one"],
  ["serial: 18446744073709551000-18446744073709551615", 5, "one"],
  ["id: one", 5, "one"],
  ["id: one", 5, "two"],
  ["serial: 5\nid: two", 9, "two"],
];

test("binary revocation lists take back the serials and ids that ssh-keygen says", { skip }, async () => {
  makeKey("ca", ["-t", "ecdsa"]);
  makeKey("certified", ["-t", "rsa", "-b", "2048"]);
  const signers = `*@example.org cert-authority ${read("ca.pub")}`;
  const seen = new Set<string>();
  for (const [text, serial, keyId] of specifications)
    for (const authority of [["-s", "ca.pub"], []]) {
      writeFileSync(at("spec"), `${text}\n`);
      const made = keygen(["-q", "-k", "-f", "krl", "-z", "9", ...authority, "spec"]);
      if (made.status !== 0) continue; // older ones want the authority named
      must(["-q", "-s", "ca", "-I", keyId, "-z", String(serial), "-n", identity, "certified.pub"]);
      const key = parseKeyLine(read("certified-cert.pub"));
      const signature = await signSshsig(
        bytes,
        { namespace },
        withCertificate(openPrivateKey(read("certified")), key),
      );
      const theirs = judge(signature, signers, ["-r", "krl"]);
      const verdict = ours(signature, signers, readFileSync(at("krl")));
      assert.equal(verdict, theirs ? "good" : "sshsig.revoked", `${text} serial ${serial} id ${keyId}`);
      assert.equal(parseRevocations(readFileSync(at("krl"))).header?.version, 9n);
      seen.add(verdict);
    }
  assert.deepEqual([...seen].sort(), ["good", "sshsig.revoked"]);
});

test("keys are taken back by themselves, their hashes, and their authority", { skip }, async () => {
  makeKey("ca", ["-t", "ecdsa"]);
  makeKey("ed25519", ["-t", "ed25519"]);
  makeKey("certified", ["-t", "rsa", "-b", "2048"]);
  must(["-q", "-s", "ca", "-I", "id", "-n", identity, "certified.pub"]);
  const signers = `${identity} ${read("ed25519.pub")}*@example.org cert-authority ${read("ca.pub")}`;
  const certified = withCertificate(
    openPrivateKey(read("certified")),
    parseKeyLine(read("certified-cert.pub")),
  );
  const both: readonly SshSigner[] = [openPrivateKey(read("ed25519")), certified];
  const hash = (name: string, kind: string) => {
    const { stdout } = spawnSync("ssh-keygen", ["-l", "-E", kind, "-f", name], {
      cwd: home,
      encoding: "utf8",
    });
    return stdout.split(" ")[1] ?? "";
  };
  const listed = ["ed25519.pub", "certified.pub", "ca.pub"].flatMap((name) => [
    `key: ${read(name)}`,
    `sha1: ${read(name)}`,
    `sha256: ${read(name)}`,
    `hash: ${hash(name, "sha256")}\n`,
    read(name),
  ]);
  const seen = { good: 0, revoked: 0 };
  for (const text of listed)
    for (const signer of both) {
      const signature = await signSshsig(bytes, { namespace }, signer);
      writeFileSync(at("spec"), text);
      const isList = text.startsWith("ssh-") || text.startsWith("ecdsa-");
      if (isList) writeFileSync(at("krl"), `# taken back\n\n${text}`);
      else must(["-q", "-k", "-f", "krl", "spec"]);
      const theirs = judge(signature, signers, ["-r", "krl"]);
      assert.equal(
        ours(signature, signers, readFileSync(at("krl"))),
        theirs ? "good" : "sshsig.revoked",
        text,
      );
      seen[theirs ? "good" : "revoked"] += 1;
    }
  assert.deepEqual(seen, { good: 15, revoked: 15 });
});

test("what a security key signs, plainly or with a certificate, verifies there and here", {
  skip,
}, async () => {
  const authority = softEd25519();
  for (const plain of ["ed25519", "ecdsa"] as const)
    for (const application of ["ssh:", "ssh:hive"]) {
      const signer = softSecurityKey(plain, 1, application);
      const signature = await signSshsig(bytes, { namespace }, signer);
      const line = `${identity} ${printKey(signer.key)}`;
      assert.deepEqual([judge(signature, line), ours(signature, line)], [true, "good"]);
      const certified = certify(signer.key, authority, { principals: [identity] });
      const held = await signSshsig(bytes, { namespace }, withCertificate(signer, certified));
      const signers = `${identity} cert-authority ${printKey(authority.key)}`;
      assert.deepEqual([judge(held, signers), ours(held, signers)], [true, "good"]);
      assert.deepEqual([judge(held, line), ours(held, line)], [false, "sshsig.unknown-signer"]);
    }
});

test("a signature that is cut or changed verifies neither there nor here", { skip }, async () => {
  const signature = await signSshsig(bytes, { namespace }, soft);
  const line = `${identity} ${pub}`;
  const places = Array.from({ length: 24 }, (_, at) => 5 + Math.floor((at * (signature.length - 10)) / 24));
  for (const place of places) {
    const changed =
      signature.slice(0, place) + (signature[place] === "B" ? "C" : "B") + signature.slice(place + 1);
    for (const bad of [changed, signature.slice(0, place)]) {
      assert.equal(judge(bad, line), false, bad);
      assert.notEqual(ours(bad, line), "good", bad);
    }
  }
});

test("an agent lists its keys and signs with each, certificates too", { skip: skipAgent }, async () => {
  for (const [name, ...args] of types) makeKey(name, args);
  makeKey("ca", ["-t", "ecdsa"]);
  makeKey("held", ["-t", "ed25519"]);
  must(["-q", "-s", "ca", "-I", "id", "-n", identity, "held.pub"]);
  const path = at("agent");
  const agent = spawn("ssh-agent", ["-D", "-a", path], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    await new Promise((resolve) => agent.stdout.once("data", resolve));
    const names = [...types.map(([name]) => name), "held"];
    const added = spawnSync("ssh-add", ["-q", ...names], { cwd: home, env: { ...env, SSH_AUTH_SOCK: path } });
    assert.equal(added.status, 0, String(added.stderr));
    const socket = createConnection(path);
    const identities = await openAgent(socket).identities();
    assert.equal(identities.length, 7);
    for (const { signer, comment } of identities) {
      const line = signer.key.certificate
        ? `${identity} cert-authority ${read("ca.pub")}`
        : `${identity} ${read(`${comment}.pub`)}`;
      const signature = await signSshsig(bytes, { namespace }, signer);
      assert.deepEqual([judge(signature, line), ours(signature, line)], [true, "good"], comment);
    }
    socket.destroy();
  } finally {
    agent.kill();
  }
});
