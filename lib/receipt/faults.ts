import { faults } from "@skep/fault";

/** What can be wrong with what is to be signed, or with a key. */
export const fault = faults("receipt", {
  unsignable: ["invalid", "Cannot sign envelope"],
  key: ["invalid", "Cannot use key: not an Ed25519 key"],
  order: ["conflict", "Cannot add to commitment: it is finished"],
});
