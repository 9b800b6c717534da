/* Standard input, reversed by character (UTF-8); a newline at its end stays at the end. */
#include "skep.h"

extern u8 __heap_base;

static void flip(u8 *from, u8 *to) {
  while (from < to) {
    u8 kept = *from;
    *from++ = *--to;
    *to = kept;
  }
}

static u8 *end_of_memory(void) { return (u8 *)(__builtin_wasm_memory_size(0) << 16); }

static int tail_byte(u8 byte) { return (byte & 0xc0) == 0x80; }

int run(void) {
  u8 *text = &__heap_base;
  u8 *end = text;
  for (;;) {
    if (end == end_of_memory() && __builtin_wasm_memory_grow(0, 1) == (__SIZE_TYPE__)-1) {
      say(2, "reverse: the input does not fit into memory\n");
      return 1;
    }
    u32 got = read_some(end, (u32)(end_of_memory() - end));
    if (!got) break;
    end += got;
  }
  u8 *stop = end > text && end[-1] == '\n' ? end - 1 : end;
  flip(text, stop);
  /* The bytes of one character now stand backwards: tails first, then the lead byte. */
  for (u8 *at = text; at < stop; at++) {
    u8 *first = at;
    while (at < stop - 1 && at - first < 3 && tail_byte(*at)) at++;
    if (at > first && *at >= 0xc0) flip(first, at + 1);
  }
  write_all(1, text, (u32)(end - text));
  return 0;
}
