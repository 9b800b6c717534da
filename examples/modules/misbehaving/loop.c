/* Never ends. */
#include "../skep.h"

int run(void) {
  for (volatile u32 n = 0;; n++) {
  }
}
