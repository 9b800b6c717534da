/* Writes a line, then executes `unreachable`. */
#include "../skep.h"

int run(void) {
  say(1, "before the trap\n");
  __builtin_trap();
}
