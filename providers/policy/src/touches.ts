import type { EventMeta } from "@skep/kernel";

const action = ({ id }: { readonly id: string }): string => `/actions/${id}`;
const actions = (ids: readonly string[]): string[] => ids.map((id) => `/actions/${id}`);
const version = ({ version: at }: { readonly version: number }): string[] => [
  "/policy/rules",
  "/policy/versions",
  versionPath(at),
];

/** Under which name the record is found that put a version of the policies in force. */
export const versionPath = (at: number): string => `policy:${at}`;

/** Which files an event changes. */
export const touches = {
  "applied@1": version,
  "rolled-back@1": version,
  "enrolled@1": () => "/policy/signers",
  "retained@1": () => "/policy/retention",
  "witnessed@1": () => "/policy/witnesses",
  "queued@1": action,
  "consumed@1": ({ ids }: { readonly ids: readonly string[] }) => actions(ids),
  "asked@1": (_data: object, { seq }: EventMeta) => `/actions/${seq}`,
  "approved@1": action,
  "commented@1": action,
  "ran@1": action,
  "closed@1": action,
  "expired@1": ({ ids, queued }: { readonly ids: readonly string[]; readonly queued: readonly string[] }) =>
    actions([...ids, ...queued]),
} as const;
