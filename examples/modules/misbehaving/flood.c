/* Writes for ever: to standard output, or to standard error when it has an argument. */
#include "../skep.h"

static u8 block[65536];

int run(void) {
  u32 count = 0, bytes = 0;
  wasi_args_sizes_get(&count, &bytes);
  for (u32 i = 0; i < sizeof block; i++) block[i] = i % 64 == 63 ? '\n' : 'x';
  for (;;) write_all(count > 1 ? 2 : 1, block, sizeof block);
}
