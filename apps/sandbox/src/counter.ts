// For tests: a module that counts, and keeps how far it came in /checkpoint/state by writing another file and renaming it.
const i32 = 0x7f;
const i64 = 0x7e;

const names = [
  ["path_open", [i32, i32, i32, i32, i32, i64, i64, i32, i32]],
  ["fd_read", [i32, i32, i32, i32]],
  ["fd_write", [i32, i32, i32, i32]],
  ["fd_close", [i32]],
  ["path_rename", [i32, i32, i32, i32, i32, i32]],
  ["proc_exit", [i32]],
] as const;
type Name = (typeof names)[number][0];

function u(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...u(value >>> 7)];
}

function s(value: number): number[] {
  const low = value & 127;
  const rest = value >> 7;
  const last = (rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0);
  return last ? [low] : [low | 128, ...s(rest)];
}

const text = (value: string): number[] => [...u(value.length), ...Buffer.from(value)];
const section = (id: number, body: readonly number[]): number[] => [id, ...u(body.length), ...body];
const num = (value: number): number[] => [0x41, ...s(value)];
const call = (name: Name, ...args: readonly number[][]): number[] => [
  ...args.flat(),
  0x10,
  names.findIndex(([other]) => other === name),
];

/** Where things lie in its memory. */
const at = { count: 0, vector: 16, done: 24, fd: 28, state: 64, temp: 80 } as const;
const state = "state";
const temp = "state.new";
const word = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)];

/** Opens a file of the directory: its descriptor lies at `fd` then. */
function open(place: number, length: number, how: number): number[] {
  const rights = [0x42, 0x7f];
  return call(
    "path_open",
    num(3),
    num(0),
    num(place),
    num(length),
    num(how),
    rights,
    rights,
    num(0),
    num(at.fd),
  );
}

const drop = 0x1a;
const fd = [...num(at.fd), 0x28, 2, 0];
const bytes = (name: "fd_read" | "fd_write", of: readonly number[]) => [
  ...call(name, [...of], num(at.vector), num(1), num(at.done)),
  drop,
];
/** Leaves with the errno of a call that failed. */
const checked = (code: readonly number[]): number[] => [
  ...code,
  ...[0x22, 1, 0x04, 0x40, 0x20, 1],
  ...call("proc_exit"),
  0x0b,
];

/**
 * A module that counts from what `/checkpoint/state` holds (four bytes; 0 where there is none) up to `to`, doing `work` rounds of
 * nothing for each, and keeps each count. It writes the count that it began with, and exits 0, or with the errno of what failed.
 */
export function counter(to: number, work: number): Uint8Array {
  const keep = [
    ...checked(open(at.temp, temp.length, 9)),
    ...bytes("fd_write", fd),
    ...[...call("fd_close", fd), drop],
    ...checked(
      call("path_rename", num(3), num(at.temp), num(temp.length), num(3), num(at.state), num(state.length)),
    ),
  ];
  const spin = [
    ...[...num(work), 0x21, 2, 0x03, 0x40],
    ...[0x20, 2, ...num(1), 0x6b, 0x22, 2, 0x0d, 0, 0x0b],
  ];
  const next = [...num(at.count), ...num(at.count), 0x28, 2, 0, ...num(1), 0x6a, 0x36, 2, 0];
  const code = [
    ...[
      ...open(at.state, state.length, 0),
      0x45,
      0x04,
      0x40,
      ...bytes("fd_read", fd),
      ...call("fd_close", fd),
      drop,
      0x0b,
    ],
    ...bytes("fd_write", num(1)),
    ...[0x02, 0x40, 0x03, 0x40],
    ...[...num(at.count), 0x28, 2, 0, ...num(to), 0x4f, 0x0d, 1],
    ...spin,
    ...next,
    ...keep,
    ...[0x0c, 0, 0x0b, 0x0b],
  ];
  const types = [[], ...names.map(([, takes]) => takes)].map((takes, n) => {
    const gives = n === 0 || n === names.length ? [] : [i32];
    return [0x60, takes.length, ...takes, gives.length, ...gives];
  });
  const imports = names.map(([name], n) => [...text("wasi_snapshot_preview1"), ...text(name), 0, n + 1]);
  const body = [1, 3, i32, ...code, 0x0b];
  const data = [
    [at.vector, ...word(at.count), ...word(4)],
    [at.state, ...Buffer.from(state)],
    [at.temp, ...Buffer.from(temp)],
  ].map(([place = 0, ...content]) => [0, ...num(place), 0x0b, ...u(content.length), ...content]);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [...u(types.length), ...types.flat()]),
    ...section(2, [...u(imports.length), ...imports.flat()]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...text("memory"), 2, 0, ...text("_start"), 0, names.length]),
    ...section(10, [1, ...u(body.length), ...body]),
    ...section(11, [...u(data.length), ...data.flat()]),
  ]);
}
