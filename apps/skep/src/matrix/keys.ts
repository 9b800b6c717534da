import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why there is no ssh-keygen to sign with; false where there is. */
export const withoutKeygen = spawnSync("ssh-keygen", ["-?"]).error
  ? "ssh-keygen is not installed (apt: openssh-client)"
  : (false as const);

/** A directory of keys that ssh-keygen makes and signs with. */
export class Keys implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), "skep-keys-"));

  /** Makes a key; gives its public line. */
  make(name: string): string {
    const args = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", join(this.dir, name)];
    execFileSync("ssh-keygen", args);
    return readFileSync(join(this.dir, `${name}.pub`), "utf8").trim();
  }

  sign(name: string, text: string, namespace = "skep-statement@v1"): string {
    const file = join(this.dir, "statement");
    writeFileSync(file, text);
    rmSync(`${file}.sig`, { force: true });
    const args = ["-q", "-Y", "sign", "-n", namespace, "-f", join(this.dir, name), file];
    execFileSync("ssh-keygen", args, { stdio: "ignore" });
    return readFileSync(`${file}.sig`, "utf8");
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
