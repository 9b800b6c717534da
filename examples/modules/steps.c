/* Counts to N (a million unless told) with some work for each thousand, and keeps how far it came in state.new, which it then
   renames to state: a run that finds state goes on from there. Prints where it began and where it ended. */
#include "skep.h"

WASI(path_open) u32 wasi_path_open(u32 dir, u32 look, const char *path, u32 length, u32 how, u64 rights,
                                   u64 inherited, u32 flags, u32 *fd);
WASI(fd_close) u32 wasi_fd_close(u32 fd);
WASI(path_rename) u32 wasi_path_rename(u32 dir, const char *from, u32 from_length, u32 other, const char *to,
                                       u32 to_length);

enum { folder = 3, create = 1, truncate = 8, often = 1000, rounds = 20000 };

static const u64 all = 0x1fffffff;
static volatile u32 work;

/* 0 where there is nothing to go on from. */
static u64 kept(void) {
  u64 count = 0;
  u32 fd = 0, done = 0;
  if (wasi_path_open(folder, 0, "state", 5, 0, all, all, 0, &fd)) return 0;
  struct span span = {&count, sizeof count};
  if (wasi_fd_read(fd, &span, 1, &done) || done != sizeof count) wasi_proc_exit(1);
  wasi_fd_close(fd);
  return count;
}

static void keep(u64 count) {
  u32 fd = 0;
  if (wasi_path_open(folder, 0, "state.new", 9, create | truncate, all, all, 0, &fd)) wasi_proc_exit(1);
  write_all(fd, &count, sizeof count);
  if (wasi_fd_close(fd) || wasi_path_rename(folder, "state.new", 9, folder, "state", 5)) wasi_proc_exit(1);
}

static u64 argument(u64 otherwise) {
  u32 count = 0, bytes = 0;
  static char text[256];
  static char *values[16];
  if (wasi_args_sizes_get(&count, &bytes) || count < 2 || count > 16 || bytes > sizeof text) return otherwise;
  if (wasi_args_get(values, text)) return otherwise;
  u64 value = 0;
  for (const char *at = values[1]; *at >= '0' && *at <= '9'; at++) value = value * 10 + (u64)(*at - '0');
  return value;
}

int run(void) {
  u64 to = argument(1000000), count = kept();
  say(1, "began at ");
  say_number(1, count, 0);
  while (count < to) {
    count++;
    if (count % often) continue;
    for (u32 n = 0; n < rounds; n++) work += n;
    keep(count);
  }
  say(1, "\nended at ");
  say_number(1, count, 0);
  say(1, "\n");
  return 0;
}
