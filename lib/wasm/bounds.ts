/** What a module may be at most; every number is a count unless its name says bytes or pages. */
export interface AdmitBounds {
  readonly moduleBytes: number;
  readonly types: number;
  /** Parameters of one function type. */
  readonly params: number;
  /** Results of one function or block type. */
  readonly results: number;
  readonly imports: number;
  readonly functions: number;
  /** Bytes of one function body. */
  readonly bodyBytes: number;
  /** Bytes of all code after instrumentation. */
  readonly codeBytes: number;
  /** Locals of one function, parameters included. */
  readonly locals: number;
  /** Locals of all functions together, parameters included. */
  readonly allLocals: number;
  /** Blocks inside blocks. */
  readonly nesting: number;
  /** Values on the operand stack of one function. */
  readonly operands: number;
  /** Targets of one br_table. */
  readonly branchTargets: number;
  /** Targets of all br_tables together. */
  readonly allBranchTargets: number;
  /** Sum over all functions of locals and operands, times control instructions: what a compiler's merges cost. */
  readonly merges: number;
  /** Initial pages of the memory, 64 KiB each. */
  readonly memoryPages: number;
  /** Entries of the table. */
  readonly tableEntries: number;
  readonly globals: number;
  readonly exports: number;
  /** Bytes of one name. */
  readonly nameBytes: number;
  readonly elementSegments: number;
  /** Entries of all element segments together. */
  readonly elements: number;
  readonly dataSegments: number;
  readonly customSections: number;
  /** Bytes of all custom sections together; they are dropped. */
  readonly customBytes: number;
}

/** The bounds that apply where the caller names none. */
export const defaultBounds: AdmitBounds = {
  moduleBytes: 16 * 1024 * 1024,
  types: 10_000,
  params: 256,
  results: 64,
  imports: 1_000,
  functions: 50_000,
  bodyBytes: 1024 * 1024,
  codeBytes: 64 * 1024 * 1024,
  locals: 5_000,
  allLocals: 1_000_000,
  nesting: 4_096,
  operands: 10_000,
  branchTargets: 10_000,
  allBranchTargets: 200_000,
  merges: 50_000_000,
  memoryPages: 65_536,
  tableEntries: 10_000,
  globals: 10_000,
  exports: 10_000,
  nameBytes: 4_096,
  elementSegments: 10_000,
  elements: 100_000,
  dataSegments: 50_000,
  customSections: 1_000,
  customBytes: 16 * 1024 * 1024,
};
