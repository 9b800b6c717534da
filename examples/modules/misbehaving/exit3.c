/* Writes to both streams and ends with code 3. */
#include "../skep.h"

int run(void) {
  say(1, "to stdout\n");
  say(2, "to stderr\n");
  return 3;
}
