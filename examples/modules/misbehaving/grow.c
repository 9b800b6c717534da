/* Takes and touches all the memory that it can get, then says how many pages of 64 KiB it has. */
#include "../skep.h"

int run(void) {
  for (;;) {
    __SIZE_TYPE__ page = __builtin_wasm_memory_grow(0, 1);
    if (page == (__SIZE_TYPE__)-1) break;
    for (u32 at = 0; at < 65536; at += 4096) *(volatile u8 *)((page << 16) + at) = 1;
  }
  say_number(1, __builtin_wasm_memory_size(0), 0);
  say(1, "\n");
  return 0;
}
