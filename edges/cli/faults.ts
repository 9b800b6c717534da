import { faults } from "@skep/fault";

export const fault = faults("cli", {
  command: ["invalid", "Cannot run command: there is none of that name"],
  incomplete: ["invalid", "Cannot run command: it needs one word more"],
  flag: ["invalid", "Cannot read command line: unknown flag"],
  needsValue: ["invalid", "Cannot read command line: no value follows flag"],
  takesNone: ["invalid", "Cannot read command line: no value may follow flag"],
  value: ["invalid", "Cannot read command line: wrong value"],
  missing: ["invalid", "Cannot run command: argument missing"],
  missingFlag: ["invalid", "Cannot run command: flag missing"],
  extra: ["invalid", "Cannot read command line: unexpected argument"],
  unconfirmed: ["invalid", "Cannot go on without confirmation"],
  declined: ["canceled", "Stopped before doing anything"],
  interrupted: ["canceled", "Interrupted"],
  output: ["badHandle", "Cannot write to stdout"],
  shell: ["invalid", "Cannot write a completion script for shell"],
});
