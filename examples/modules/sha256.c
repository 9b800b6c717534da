/* SHA-256 (FIPS 180-4) of standard input, streamed; prints what `sha256sum` prints. */
#include "skep.h"

static const u32 k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static u32 state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static u8 buffer[65536 + 128];

static u32 turn(u32 x, u32 by) { return x >> by | x << (32 - by); }

static void block(const u8 *at) {
  u32 w[64];
  for (u32 i = 0; i < 16; i++)
    w[i] = (u32)at[4 * i] << 24 | (u32)at[4 * i + 1] << 16 | (u32)at[4 * i + 2] << 8 | at[4 * i + 3];
  for (u32 i = 16; i < 64; i++) {
    u32 s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
    u32 s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  u32 s[8];
  for (u32 i = 0; i < 8; i++) s[i] = state[i];
  for (u32 i = 0; i < 64; i++) {
    u32 s1 = turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25);
    u32 t1 = s[7] + s1 + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
    u32 s0 = turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22);
    u32 t2 = s0 + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    for (u32 j = 7; j > 0; j--) s[j] = s[j - 1];
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (u32 i = 0; i < 8; i++) state[i] += s[i];
}

int run(void) {
  u64 total = 0;
  u32 held = 0;
  for (u32 got; (got = read_some(buffer + held, 65536 - held));) {
    total += got;
    held += got;
    u32 done = 0;
    for (; done + 64 <= held; done += 64) block(buffer + done);
    for (u32 i = done; i < held; i++) buffer[i - done] = buffer[i];
    held -= done;
  }
  buffer[held++] = 0x80;
  while (held % 64 != 56) buffer[held++] = 0;
  for (u32 i = 8; i--;) buffer[held++] = (u8)(total * 8 >> 8 * i);
  for (u32 done = 0; done < held; done += 64) block(buffer + done);
  char line[68];
  for (u32 i = 0; i < 64; i++) line[i] = "0123456789abcdef"[state[i / 8] >> (28 - 4 * (i % 8)) & 15];
  line[64] = line[65] = ' ';
  line[66] = '-';
  line[67] = '\n';
  write_all(1, line, sizeof line);
  return 0;
}
