/* mandelbrot [WIDTH [HEIGHT [STEPS]]]: the Mandelbrot set as a binary PPM picture (P6). */
#include "skep.h"

static char arguments[1024];
static char *values[16];
static u8 row[3 * 4096];

/* The number at this place of the command line; 0 when it is no number from 1 to `most`. */
static u32 number(u32 count, u32 place, u32 otherwise, u32 most) {
  if (place >= count) return otherwise;
  u32 value = 0;
  for (const char *at = values[place]; *at; at++) {
    if (*at < '0' || *at > '9') return 0;
    value = value * 10 + (u32)(*at - '0');
    if (value > most) return 0;
  }
  return value;
}

static u32 escape(double x0, double y0, u32 steps) {
  double x = 0, y = 0;
  u32 n = 0;
  for (; n < steps && x * x + y * y <= 4; n++) {
    double next = x * x - y * y + x0;
    y = 2 * x * y + y0;
    x = next;
  }
  return n;
}

int run(void) {
  u32 count = 0, bytes = 0;
  wasi_args_sizes_get(&count, &bytes);
  if (count > 4 || bytes > sizeof arguments) count = 0, bytes = ~0u;
  else wasi_args_get(values, arguments);
  u32 width = number(count, 1, 320, 4096);
  u32 height = number(count, 2, width * 3 / 4 ? width * 3 / 4 : 1, 4096);
  u32 steps = number(count, 3, 255, 100000);
  if (bytes == ~0u || !width || !height || !steps) {
    say(2, "usage: mandelbrot [WIDTH [HEIGHT [STEPS]]], at most 4096 4096 100000\n");
    return 2;
  }
  say(1, "P6\n");
  say_number(1, width, 0);
  say(1, " ");
  say_number(1, height, 0);
  say(1, "\n255\n");
  for (u32 j = 0; j < height; j++) {
    for (u32 i = 0; i < width; i++) {
      double x = -2.2 + 3.2 * (i + 0.5) / width;
      double y = (2.4 * (j + 0.5) / height - 1.2);
      u32 n = escape(x, y, steps);
      row[3 * i] = n == steps ? 0 : (u8)(n * 9);
      row[3 * i + 1] = n == steps ? 0 : (u8)(n * 5);
      row[3 * i + 2] = n == steps ? 0 : (u8)(64 + n * 3);
    }
    write_all(1, row, 3 * width);
  }
  return 0;
}
