import type { Right } from "@skep/ticket";
import { faults } from "@skep/fault";

const fault = faults("user-name", {
  form: [
    "invalid",
    "Cannot let in somebody of this name",
    {
      cure: "Use letters, digits and . _ @ : + -, at most 64; a / puts one name below another, as in ann/ci",
    },
  ],
  reserved: [
    "conflict",
    "Cannot let in somebody of a name that the hive itself uses",
    { cure: "Choose another" },
  ],
});

/** Every right that a node of the tree asks for, beside `*`. */
export const knownRights: readonly string[] = [
  "read",
  "write",
  "rw",
  "submit",
  "trust",
  "history",
  "collect",
  "govern",
  "approve",
  "contain",
  "invite",
];

/** What to tell of rights that no node asks for: such a ticket is valid, and opens nothing by them. */
export function unknownRights(rights: readonly Right[]): readonly string[] {
  const names = new Set(
    rights.map(({ verb }) => verb).filter((verb) => verb !== "*" && !knownRights.includes(verb)),
  );
  return [...names].map(
    (verb) => `no file of the hive asks for the right ${verb}; it knows ${knownRights.join(", ")} and *`,
  );
}

const reserved = ["owner", "daemon", "system", "queen", "http"];

/** Refuses a name that no ticket can have, and one whose records would be taken for the hive's own. */
export function checkUserName(name: string): void {
  if (!/^[\w.@:+-]{1,64}(?:\/[\w.@:+-]{1,64}){0,7}$/.test(name)) throw fault.form(name);
  if (reserved.includes(name.split("/")[0] ?? "")) throw fault.reserved(name);
}
