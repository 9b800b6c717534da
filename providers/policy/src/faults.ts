import { faults } from "@skep/fault";

const show = "`skep policy show` tells the rules in force";

/** What policies and approvals refuse. */
export const fault = faults("policy", {
  denied: ["denied", "Cannot act: a policy forbids it", { cure: show, detail: "denied" }],
  unpermitted: ["denied", "Cannot act: no policy permits it", { cure: show, detail: "denied" }],
  approval: ["denied", "Cannot act: no approval lies in the queue for it", { detail: "denied" }],
  refusedBy: ["denied", "Cannot act: it was denied in the queue", { detail: "denied" }],
  secret: [
    "denied",
    "Cannot store this until it is approved: it has a secret, or ends an upload",
    { cure: 'Have the rule ask with @mode("present")' },
  ],
  full: [
    "quota",
    "Cannot store one more action: too many wait",
    { cure: "Approve or reject some: `skep approvals`" },
  ],
  keyed: ["conflict", "Cannot use the key of an action that waits for another command"],

  changed: ["stale", "Cannot run an approved action: its target changed since it was approved"],
  needs: ["stale", "Cannot run an approved action: its approvals are not what the rules ask for now"],
  notReady: ["stale", "Cannot run an action that is not approved"],

  invalid: ["invalid", "Cannot use these policies", { detail: "invalid-payload" }],
  locked: [
    "conflict",
    "Cannot apply: nobody could change policies any more",
    {
      cure: 'Permit somebody "apply" and "signers" on /policy/ctl, with approvals that the signers can give',
    },
  ],
  version: [
    "absent",
    "Cannot roll back: no such version",
    { cure: "`skep cat /policy/versions` lists them" },
  ],
  none: [
    "conflict",
    "Cannot roll back: there is no earlier version",
    { cure: "`skep policy apply` puts a first set in force" },
  ],
  staged: ["absent", "Cannot apply: no such file was staged"],
  stage: ["oversize", "Cannot stage more than 256 KiB or 64 files"],
  offset: ["conflict", "Cannot stage: the text does not go on where the file ends"],
  large: ["oversize", "Cannot apply a set of more than 128 KiB"],
  signers: ["invalid", "Cannot use these signers"],
  noSigner: ["conflict", "Cannot change the signers: none would be left who may sign for an act"],

  queueFull: [
    "quota",
    "Cannot queue one more approval",
    { cure: "Use or wait for the end of some: `skep approvals`" },
  ],
  twice: ["conflict", "Cannot queue an approval under an id that was used", { cure: "Choose another id" }],
  id: ["invalid", "Cannot use an id of digits alone: such ids are actions that wait"],
  unknown: ["absent", "Cannot find action"],
  over: ["conflict", "Cannot decide an action that has ended"],
  again: ["conflict", "Cannot approve an action twice"],
  own: ["denied", "Cannot approve an action of one's own"],
  unsigned: [
    "denied",
    "Cannot count this approval: its rules ask for a signature of an enrolled key",
    { cure: "Use `skep approve ID`" },
  ],
  role: ["denied", "Cannot approve with this role or group"],
  statement: [
    "denied",
    "Cannot approve: what was signed is not the statement of the action",
    { cure: "Export it anew: `skep action export ID`" },
  ],
  comments: ["quota", "Cannot keep more than 64 comments on one action"],
});
