import { z } from "zod";
import type { Kind } from "./kinds.ts";

/** A path whose controls need an approval in the queue; `*` in it stands for one name. */
export interface PathRule {
  readonly id: string;
  readonly target: string;
}

const pattern = /^([A-Za-z0-9_.-]{1,64})=(\/[\w.*/-]{1,255})$/;

/** Rules of the original: `["queen-ctl=/queen/ctl"]` in TOML, parted by spaces elsewhere. */
export function pathRules(): Kind<readonly PathRule[]> {
  const schema = z
    .union([z.string(), z.array(z.string())], 'expected a list of "id=/path"')
    .transform((raw, context): readonly PathRule[] => {
      const words = (typeof raw === "string" ? raw.split(/\s+/) : raw).filter(
        (word) => word !== "" && word !== "none",
      );
      const rules = words.map((word) => {
        const [, id = "", target = ""] = pattern.exec(word) ?? [];
        if (id === "")
          context.addIssue({ code: "custom", message: `${word}: expected id=/path, * for one name` });
        return { id, target };
      });
      const twice = rules.find(({ id }, at) => rules.findIndex((other) => other.id === id) !== at);
      if (twice) context.addIssue({ code: "custom", message: `${twice.id} stands twice` });
      return rules;
    });
  return {
    label: "ID=/PATH…",
    schema,
    show: (rules) => rules.map(({ id, target }) => `${id}=${target}`).join(" ") || "none",
  };
}
