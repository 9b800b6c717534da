import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { faults } from "@skep/fault";
import { createTree, treeActs, type TreeActs } from "@skep/kernel";
import type { PolicyFiles } from "@skep/policy";
import { hasCode } from "../client/files.ts";
import { foldedMounts } from "../hive/folded.ts";

const fault = faults("policy-files", {
  none: [
    "absent",
    "Cannot find policies: there is no file with .cedar in",
    { cure: "Write one, as `permit (principal, action, resource);` in site.cedar" },
  ],
  missing: [
    "absent",
    "Cannot read policies: no such folder or file",
    { cure: "Name a folder with .cedar files; without one policy/ in the home is read" },
  ],
});

const part = /\.(cedar|cedarschema|test\.json)$/;

/** The texts of a policy set: of a folder, or of one file. Throws `policy-files.missing`, `.none`. */
export function readSet(path: string): PolicyFiles {
  try {
    if (!statSync(path).isDirectory()) return { [basename(path)]: readFileSync(path, "utf8") };
  } catch (thrown) {
    if (hasCode(thrown, "ENOENT", "ENOTDIR")) throw fault.missing(path);
    throw thrown;
  }
  const names = readdirSync(path).filter((name) => part.test(name));
  if (!names.some((name) => name.endsWith(".cedar"))) throw fault.none(path);
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(path, name), "utf8")]));
}

/** What the controls of this program do. */
export function programActs(): TreeActs {
  return treeActs(createTree(foldedMounts("/nonexistent", undefined)));
}
