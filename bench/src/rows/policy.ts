import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Client, RemoteFile } from "@skep/ninep";
import { parseKeyLine, type SshSigner, signSshsig } from "@skep/sshsig";
import { type HiveProcess, startHive } from "../hive.ts";
import { type Load, load, several } from "../load.ts";
import type { Bench, Measured } from "../row.ts";
import { fifty } from "./controls.ts";
import { loopOf } from "./loop.ts";
import { whatIfRows } from "./what-if.ts";

const lanes = 8;

function string(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function signerOf(): { readonly signer: SshSigner; readonly line: string } {
  const made: { privateKey: KeyObject } = generateKeyPairSync("ed25519");
  const { x = "" } = made.privateKey.export({ format: "jwk" });
  const type = string(Buffer.from("ssh-ed25519"));
  const line = `ssh-ed25519 ${Buffer.concat([type, string(Buffer.from(x, "base64url"))]).toString("base64")}`;
  const signed = (data: Uint8Array) => Buffer.concat([type, string(sign(null, data, made.privateKey))]);
  return { signer: { key: parseKeyLine(line), sign: signed }, line };
}

interface Lane {
  readonly control: RemoteFile;
  readonly queue: RemoteFile;
  readonly client: Client;
}

async function lane(hive: HiveProcess): Promise<Lane> {
  const client = await hive.owner();
  const open = async (path: string): Promise<RemoteFile> => {
    const file = await client.open(path, "readWrite");
    await file.read(0, 1);
    return file;
  };
  return { client, control: await open("/queen/ctl"), queue: await open("/actions/queue") };
}

/** Appends a line; gives the number of its record. */
async function told(file: RemoteFile, line: object): Promise<number> {
  // What waits is answered as EINPROGRESS, and its answer lies there to be read all the same.
  await file.write(Buffer.from(`${JSON.stringify(line)}\n`)).catch(() => undefined);
  const answer = JSON.parse(Buffer.from(await file.read(0, file.iounit)).toString()) as {
    readonly id?: number;
    readonly verdict: string;
    readonly message?: string;
  };
  if (answer.verdict === "refused") throw new Error(answer.message);
  return answer.id ?? 0;
}

function measured(name: string, made: readonly Load[]): Measured {
  return {
    name: `gate: ${name}, processor time of the daemon`,
    unit: "µs",
    runs: made.map(({ server }) => server),
  };
}

const revoke = { revoke: "bench-block" };
const permit = '@id("default") permit (principal, action, resource);\n';
const forbid = (annotations: string): string =>
  `${permit}@id("ask") ${annotations} forbid (principal, action == Action::"revoke", resource);`;

/** Figures of the loop's last seconds forget what came before within this, milliseconds. */
const forgets = 11_000;

/** Longest piece on the loop while a first set of 50 policies is applied, and the next line is judged by it; milliseconds. */
async function longestPiece(): Promise<number> {
  await using hive = await startHive();
  await using owner = await hive.owner();
  await using control = await owner.open("/policy/ctl", "readWrite");
  await control.read(0, 1);
  await loopOf(owner);
  await new Promise((resolve) => setTimeout(resolve, forgets));
  const file = await owner.open("/queen/ctl", "readWrite");
  await file.read(0, 1);
  await told(control, { op: "apply", files: { "bench.cedar": fifty } });
  await told(file, revoke);
  await file.close();
  return (await loopOf(owner)).recentMax;
}

/** What the gate costs a control on each of its ways, and the same intents judged by other rules. */
export const policy: Bench = {
  name: "policy",
  extra: true,
  async run(tell) {
    const rows: Measured[] = [];
    tell("a set applied");
    rows.push({
      name: "longest piece on the loop while 50 policies are applied and first judge",
      unit: "ms",
      runs: [await longestPiece(), await longestPiece(), await longestPiece()],
      goal: { most: 50 },
    });
    {
      // Without the time in which one may still say no: a thousand actions at most wait for it.
      await using hive = await startHive([], { SKEP_POLICY_GRACE: "0s" });
      const open = await Promise.all(Array.from({ length: lanes }, () => lane(hive)));
      const of = (at: number): Lane => open[at] as Lane;
      const once = (act: (at: number) => Promise<unknown>) =>
        several(3, () => load({ pid: hive.pid, depth: lanes, lasts: 1500 }, act));
      const apply = (text: string) => told(policies, { op: "apply", files: { "bench.cedar": text } });
      const policies = await of(0).client.open("/policy/ctl", "readWrite");
      await policies.read(0, 1);
      tell("no policies");
      rows.push(measured("no policies", await once((at) => told(of(at).control, revoke))));
      tell("50 policies");
      await apply(fifty);
      rows.push(measured("50 policies", await once((at) => told(of(at).control, revoke))));
      tell("an approval presented");
      await apply(forbid('@mode("present") @by("ticket")'));
      let n = 0;
      const presented = async (at: number): Promise<void> => {
        n += 1;
        await told(of(at).queue, { id: `b-${n}`, target: "/queen/ctl", decision: "approve" });
        await told(of(at).control, revoke);
      };
      rows.push(measured("approval queued and used up", await once(presented)));
      tell("a signature");
      const { signer, line } = signerOf();
      await apply(forbid('@signature("operational")'));
      await told(policies, { op: "signers", allowed: `ann,owner ${line}\n`, roles: "ann operational\n" });
      const signed = async (at: number): Promise<void> => {
        n += 1;
        const id = await told(of(at).control, { revoke: `bench-${n}` });
        const statement = await of(at).client.readAll(`/actions/${id}/statement`);
        const signature = await signSshsig(statement, { namespace: "skep-statement@v1" }, signer);
        await told(of(at).queue, { action: String(id), decision: "approve", signature });
      };
      rows.push(measured("asked, signed and run", await once(signed)));
      for (const { client } of open) await client.close();
    }
    return [...rows, ...(await whatIfRows(tell))];
  },
};
