/** Integer works: loops, tables, branches, calls. */
#include "bench.h"

NEVER(never_in_integer)

#define SIEVE_BYTES 0x80000

/** A round is the primes below 2^19. */
uint32_t sieve(uint32_t rounds) {
  uint8_t *composite = ARENA;
  uint32_t sum = 0;
  while (rounds-- != 0) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < SIEVE_BYTES; i++) composite[i] = 0;
    for (uint32_t i = 2; i < SIEVE_BYTES; i++) {
      if (composite[i] != 0) continue;
      count++;
      for (uint32_t j = 2 * i; j < SIEVE_BYTES; j += i) composite[j] = 1;
    }
    sum = mix(sum, count);
  }
  return sum;
}

static void fill(uint8_t *bytes, uint32_t length) {
  uint32_t state = 0x12345678;
  for (uint32_t i = 0; i < length; i++) bytes[i] = (uint8_t)(state = next_random(state));
}

#define CRC_BYTES 0x4000
#define CRC_POLYNOMIAL 0xedb88320

/** A round is 16 KiB, bit by bit. */
uint32_t crc_bits(uint32_t rounds) {
  fill(ARENA, CRC_BYTES);
  uint32_t crc = ~0u;
  while (rounds-- != 0) {
    for (uint32_t i = 0; i < CRC_BYTES; i++) {
      crc ^= ARENA[i];
      for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (CRC_POLYNOMIAL & -(crc & 1));
    }
  }
  return crc;
}

/** A round is 16 KiB, byte by byte. */
uint32_t crc_table(uint32_t rounds) {
  static uint32_t table[256];
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (CRC_POLYNOMIAL & -(crc & 1));
    table[i] = crc;
  }
  fill(ARENA, CRC_BYTES);
  uint32_t crc = ~0u;
  while (rounds-- != 0) {
    for (uint32_t i = 0; i < CRC_BYTES; i++) crc = crc >> 8 ^ table[(crc ^ ARENA[i]) & 0xff];
  }
  return crc;
}

#define SIDE 64

/** A round multiplies two matrices of 64 × 64 integers. */
uint32_t matrix(uint32_t rounds) {
  static int32_t a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) a[i][j] = i * 3 - j, b[i][j] = i + j * 7;
  }
  uint32_t sum = 0;
  while (rounds-- != 0) {
    for (int i = 0; i < SIDE; i++) {
      for (int j = 0; j < SIDE; j++) {
        int32_t element = 0;
        for (int k = 0; k < SIDE; k++) element += a[i][k] * b[k][j];
        c[i][j] = element;
      }
    }
    a[rounds % SIDE][0] = c[1][rounds % SIDE];
    sum = mix(sum, (uint32_t)c[SIDE - 1][rounds % SIDE]);
  }
  return sum;
}

/** Kept as two real calls: GCC would turn one of them into a loop. */
__attribute__((noinline, noclone, optimize("no-optimize-sibling-calls", "no-inline"))) static uint32_t
fibonacci_of(uint32_t n) {
  return n < 2 ? n : fibonacci_of(n - 1) + fibonacci_of(n - 2);
}

/** A round is fib(20). */
uint32_t fibonacci(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- != 0) sum = mix(sum, fibonacci_of(20));
  return sum;
}

enum { PUSH, ADD, XOR, LOAD, STORE, DECREMENT, JUMP_IF, SHIFT, END };

/** A round is a program of a stack machine, which loops 1,000 times. */
uint32_t bytecode(uint32_t rounds) {
  static const uint8_t program[] = {
      PUSH, 0, STORE, 0, PUSH, 250, STORE, 1,                  /* sum = 0, count = 250 */
      LOAD, 0, LOAD, 1, ADD, PUSH, 37, XOR, SHIFT, 3, STORE, 0, /* sum = (sum + count ^ 37) rotated by 3 */
      DECREMENT, 1, LOAD, 1, JUMP_IF, 8, END,
  };
  uint32_t sum = 0;
  while (rounds-- != 0) {
    for (int again = 0; again < 4; again++) {
      uint32_t variables[2] = {0, 0}, stack[8];
      uint32_t *top = stack;
      const uint8_t *at = program;
      for (;;) {
        switch (*at++) {
        case PUSH: *top++ = *at++; continue;
        case ADD: top--, top[-1] += *top; continue;
        case XOR: top--, top[-1] ^= *top; continue;
        case LOAD: *top++ = variables[*at++]; continue;
        case STORE: variables[*at++] = *--top; continue;
        case DECREMENT: variables[*at++]--; continue;
        case JUMP_IF: at = *--top != 0 ? program + *at : at + 1; continue;
        case SHIFT: top[-1] = top[-1] << *at | top[-1] >> (32 - *at), at++; continue;
        case END: break;
        }
        break;
      }
      sum = mix(sum, variables[0]);
    }
  }
  return sum;
}

struct shape {
  uint32_t (*area)(const struct shape *);
  uint32_t width, height;
};

__attribute__((noinline, noclone)) static uint32_t rectangle(const struct shape *shape) {
  return shape->width * shape->height;
}
__attribute__((noinline, noclone)) static uint32_t triangle(const struct shape *shape) {
  return shape->width * shape->height / 2;
}
__attribute__((noinline, noclone)) static uint32_t frame(const struct shape *shape) {
  return rectangle(shape) - triangle(shape);
}

/** A round calls 1,024 functions through pointers; one kind in four calls two more. */
uint32_t calls(uint32_t rounds) {
  static struct shape shapes[1024];
  static uint32_t (*const areas[])(const struct shape *) = {rectangle, triangle, frame, rectangle};
  uint32_t state = 1;
  for (int i = 0; i < 1024; i++) {
    state = next_random(state);
    shapes[i] = (struct shape){areas[state >> 7 & 3], state & 0xff, state >> 8 & 0xff};
  }
  uint32_t sum = 0;
  while (rounds-- != 0) {
    for (int i = 0; i < 1024; i++) sum += shapes[i].area(&shapes[i]);
    sum = mix(sum, rounds);
  }
  return sum;
}
