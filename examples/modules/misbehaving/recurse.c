/* Calls itself for ever. */
#include "../skep.h"

static volatile u32 one = 1;

__attribute__((noinline)) static u32 deeper(u32 depth) { return one ? deeper(depth + one) + one : depth; }

int run(void) { return (int)deeper(0); }
