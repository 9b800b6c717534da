import { faults } from "@skep/fault";

/** Why a module is not admitted, or a job's input not taken; each names what and where. */
export const fault = faults("wasm", {
  malformed: ["invalid", "Cannot admit module: malformed"],
  truncated: ["invalid", "Cannot admit module: it ends early"],
  trailing: ["invalid", "Cannot admit module: bytes after its end"],
  order: ["invalid", "Cannot admit module: section twice or out of order"],
  section: ["invalid", "Cannot admit module: unknown section"],
  index: ["invalid", "Cannot admit module: index out of range"],
  stack: ["invalid", "Cannot admit module: operand stack underflow"],
  feature: ["invalid", "Cannot admit module: feature that is not admitted"],
  shared: ["invalid", "Cannot admit module: shared memory and threads are not admitted"],
  simd: ["invalid", "Cannot admit module: SIMD is not admitted"],
  import: ["invalid", "Cannot admit module: import that WASI preview 1 does not have"],
  signature: ["invalid", "Cannot admit module: function of the wrong type"],
  reserved: ["invalid", "Cannot admit module: reserved export name"],
  bound: ["invalid", "Cannot admit module: over a bound"],
  invalid: ["invalid", "Cannot compile module"],
  input: ["invalid", "Cannot run job with this input"],
});
