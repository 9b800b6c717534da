/* Lines, words and bytes of standard input, as `wc` prints them for a pipe in the C locale. */
#include "skep.h"

static u8 buffer[65536];

int run(void) {
  u64 lines = 0, words = 0, bytes = 0;
  int inside = 0;
  for (u32 got; (got = read_some(buffer, sizeof buffer)); bytes += got)
    for (u32 i = 0; i < got; i++) {
      u8 c = buffer[i];
      int blank = c == ' ' || (c >= '\t' && c <= '\r');
      lines += c == '\n';
      /* A word starts at its first printable byte; what is not printable starts none. */
      if (blank) inside = 0;
      else if (c > ' ' && c < 0x7f && !inside) words++, inside = 1;
    }
  say_number(1, lines, 7);
  say(1, " ");
  say_number(1, words, 7);
  say(1, " ");
  say_number(1, bytes, 7);
  say(1, "\n");
  return 0;
}
