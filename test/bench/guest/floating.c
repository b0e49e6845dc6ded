/** Floating point as compilers emit it for x86-64: SSE2, scalar and packed. */
#include "bench.h"

NEVER(never_in_floating)

typedef double pair __attribute__((vector_size(16)));

#define LENGTH 1024

/** A round is the scalar product of two vectors of 1,024 doubles, two at a time. */
uint32_t dot_product(uint32_t rounds) {
  pair *a = (pair *)ARENA, *b = a + LENGTH / 2;
  for (int i = 0; i < LENGTH / 2; i++) a[i] = (pair){i, i + 0.5}, b[i] = (pair){0.25, 1.0 / (i + 1)};
  pair total = {0, 0};
  while (rounds-- != 0) {
    pair product = {0, 0};
    for (int i = 0; i < LENGTH / 2; i++) product += a[i] * b[i];
    total = total * (pair){0.5, 0.5} + product;
    a[0] = total * (pair){0.001, 0.002};
  }
  union {
    double value;
    uint32_t words[2];
  } sum = {total[0] + total[1]};
  return sum.words[0] ^ sum.words[1];
}

/** A round is a picture of 64 × 64 points, at most 64 steps each, one point at a time. */
uint32_t mandelbrot(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- != 0) {
    const float shift = (float)(int)(rounds % 16) * 0.001f;
    for (int row = 0; row < 64; row++) {
      for (int column = 0; column < 64; column++) {
        const float c = (float)column * 0.046875f - 2.0f + shift, d = (float)row * 0.046875f - 1.5f;
        float x = 0, y = 0;
        int step = 0;
        for (; step < 64 && x * x + y * y < 4.0f; step++) {
          const float next = x * x - y * y + c;
          y = 2.0f * x * y + d;
          x = next;
        }
        sum = mix(sum, (uint32_t)step);
      }
    }
  }
  return sum;
}
