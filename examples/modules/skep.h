/* The few WASI preview 1 calls that these programs need, declared by hand; there is no libc. */
#ifndef SKEP_H
#define SKEP_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

struct span {
  const void *at;
  u32 length;
};

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

WASI(fd_read) u32 wasi_fd_read(u32 fd, const struct span *spans, u32 count, u32 *done);
WASI(fd_write) u32 wasi_fd_write(u32 fd, const struct span *spans, u32 count, u32 *done);
WASI(args_sizes_get) u32 wasi_args_sizes_get(u32 *count, u32 *bytes);
WASI(args_get) u32 wasi_args_get(char **values, char *bytes);
WASI(proc_exit) _Noreturn void wasi_proc_exit(u32 code);

/* Each program defines this; its result is the exit code. */
int run(void);

__attribute__((export_name("_start"))) void _start(void) {
  int code = run();
  if (code) wasi_proc_exit((u32)code);
}

/* Reads up to `size` bytes from standard input; 0 at its end. */
static inline u32 read_some(void *into, u32 size) {
  struct span span = {into, size};
  u32 done = 0;
  if (wasi_fd_read(0, &span, 1, &done)) wasi_proc_exit(1);
  return done;
}

/* Writes all of it, or ends the program with code 1. */
static inline void write_all(u32 fd, const void *from, u32 size) {
  const u8 *at = from;
  while (size) {
    struct span span = {at, size};
    u32 done = 0;
    if (wasi_fd_write(fd, &span, 1, &done) || done == 0) wasi_proc_exit(1);
    at += done;
    size -= done;
  }
}

static inline u32 text_length(const char *text) {
  u32 n = 0;
  while (text[n]) n++;
  return n;
}

static inline void say(u32 fd, const char *text) { write_all(fd, text, text_length(text)); }

/* Writes a decimal number, padded with blanks on the left to `width`. */
static inline void say_number(u32 fd, u64 value, u32 width) {
  char digits[20];
  u32 at = sizeof digits;
  do digits[--at] = (char)('0' + value % 10);
  while (value /= 10);
  while (sizeof digits - at < width && at) digits[--at] = ' ';
  write_all(fd, digits + at, sizeof digits - at);
}

#endif
