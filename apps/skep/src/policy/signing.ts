import { existsSync, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { faults } from "@skep/fault";
import { openAgent, openPrivateKey, parseKeyLine, sameKey, type SshSigner, signSshsig } from "@skep/sshsig";
import { statementNamespace } from "@skep/statement";
import { userHome } from "../person.ts";

const fault = faults("signing", {
  none: [
    "absent",
    "Cannot sign: no SSH key was found",
    { cure: "Name one with --key, or start ssh-agent and ssh-add it" },
  ],
  many: [
    "invalid",
    "Cannot choose a key: the agent holds several",
    { cure: "Name one with --key ~/.ssh/NAME.pub" },
  ],
  agent: ["absent", "Cannot sign: the agent does not hold the key", { cure: "Add it with ssh-add" }],
});

const usual = ["id_ed25519", "id_ecdsa", "id_rsa"];

async function withAgent<T>(socket: string, act: (signers: readonly SshSigner[]) => Promise<T>): Promise<T> {
  const connection = createConnection(socket);
  try {
    const held = await openAgent(connection).identities();
    return await act(held.map(({ signer }) => signer));
  } finally {
    connection.destroy();
  }
}

function only(signers: readonly SshSigner[]): SshSigner | undefined {
  if (signers.length > 1) throw fault.many(signers.map(({ key }) => key.fingerprint).join(" "));
  return signers[0];
}

/**
 * Signs a statement with the key of a file, or of the agent: `--key` names a private key, or a public one that the agent
 * holds. Without it the agent's only key, else the usual file. Throws `signing.*` and what the key's file says.
 */
export async function signStatement(
  statement: string,
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const bytes = Buffer.from(statement);
  const options = { namespace: statementNamespace };
  const socket = env.SSH_AUTH_SOCK;
  if (file !== undefined && !file.endsWith(".pub"))
    return signSshsig(bytes, options, openPrivateKey(readFileSync(file)));
  if (file !== undefined) {
    const wanted = parseKeyLine(readFileSync(file, "utf8"));
    if (!socket) throw fault.agent(wanted.fingerprint);
    return withAgent(socket, (signers) => {
      const signer = signers.find(({ key }) => sameKey(key, wanted));
      if (!signer) throw fault.agent(wanted.fingerprint);
      return signSshsig(bytes, options, signer);
    });
  }
  if (socket && existsSync(socket)) {
    const signed = await withAgent(socket, async (signers) => {
      const signer = only(signers);
      return signer && signSshsig(bytes, options, signer);
    });
    if (signed !== undefined) return signed;
  }
  const found = usual.map((name) => join(userHome, ".ssh", name)).find((path) => existsSync(path));
  if (found === undefined) throw fault.none();
  return signSshsig(bytes, options, openPrivateKey(readFileSync(found)));
}
