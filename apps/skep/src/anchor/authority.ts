import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why there is no openssl to be an authority; false where there is. */
export const withoutOpenssl = spawnSync("openssl", ["version"]).error
  ? "openssl is not installed (apt: openssl)"
  : (false as const);

const config = `[tsa]
default_tsa = one
[one]
serial = serial
crypto_device = builtin
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
[ca]
basicConstraints = critical,CA:true
[stamps]
basicConstraints = CA:false
extendedKeyUsage = critical,timeStamping
[other]
basicConstraints = CA:false
extendedKeyUsage = serverAuth
`;

/** An authority for timestamps made of openssl: it answers requests as one on the network would. */
export class Authority implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), "skep-tsa-"));

  constructor(kind: "ec" | "rsa" = "ec") {
    const key = kind === "rsa" ? ["rsa:2048"] : ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    writeFileSync(join(this.dir, "tsa.cnf"), config);
    writeFileSync(join(this.dir, "serial"), "01\n");
    const subject = (name: string) => ["-subj", `/O=Example/CN=${name}`];
    const made = ["req", "-x509", "-nodes", "-days", "10", "-config", "/dev/null"];
    const root = ["-newkey", ...key, "-keyout", "ca.key", "-out", "ca.pem", ...subject("Root")];
    this.#run([...made, ...root, "-addext", "basicConstraints=critical,CA:true"]);
    for (const name of ["stamps", "other"]) {
      const ask = ["req", "-new", "-nodes", "-config", "/dev/null", "-newkey", ...key];
      this.#run([...ask, "-keyout", `${name}.key`, "-out", `${name}.csr`, ...subject(name)]);
      const sign = ["x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "9"];
      const extensions = ["-CAcreateserial", "-extfile", "tsa.cnf", "-extensions", name];
      this.#run([...sign, ...extensions, "-out", `${name}.pem`]);
    }
  }

  #run(args: readonly string[]): Buffer {
    return execFileSync("openssl", [...args], { cwd: this.dir, stdio: ["ignore", "pipe", "pipe"] });
  }

  get root(): string {
    return readFileSync(join(this.dir, "ca.pem"), "utf8");
  }

  /** The answer to a request. */
  answer(query: Uint8Array): Buffer {
    writeFileSync(join(this.dir, "query"), query);
    const signer = ["-signer", "stamps.pem", "-inkey", "stamps.key"];
    return this.#run(["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", ...signer]);
  }

  /** Whether openssl verifies an answer for a file's bytes. Throws what it says where it does not. */
  verifies(answer: Uint8Array, data: Uint8Array): string {
    writeFileSync(join(this.dir, "answer"), answer);
    writeFileSync(join(this.dir, "data"), data);
    return this.#run(["ts", "-verify", "-in", "answer", "-data", "data", "-CAfile", "ca.pem"]).toString();
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
