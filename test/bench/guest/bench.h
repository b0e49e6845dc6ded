/**
 * A kernel that measures the machine it runs on from within, one work after another.
 *
 * It knows no clock worth the name (ours is virtual), so the host takes the time: a line before each work, one after it. The same sources make a 64-bit and
 * a 32-bit kernel; a checksum shows that every machine did the same work.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/** Runs `rounds` times what a round is and returns a checksum of all it did. */
typedef uint32_t work_function(uint32_t rounds);

struct work {
  const char *name;
  work_function *run;
  /** Rounds at scale 1000: half a second or more under QEMU's TCG on the machines that this was written on. */
  uint32_t rounds;
};

extern const struct work works[];
extern const size_t work_count;

work_function sieve, crc_bits, crc_table, matrix, fibonacci, bytecode, calls;
work_function strings, random_access, patched;
work_function dot_product, mandelbrot;
work_function interrupts, self_interrupts, timer_interrupts, system_calls, switches, page_faults;

/** 8 MiB that works may use as they like, at 16 MiB. */
#define ARENA ((uint8_t *)0x1000000)
#define ARENA_BYTES 0x800000

/** A step of xorshift32: the same sequence everywhere. */
static inline uint32_t next_random(uint32_t state) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^ state << 5;
}

/** One word into a checksum. */
static inline uint32_t mix(uint32_t sum, uint32_t word) { return sum * 0x9e3779b1 + word; }

/** A place for a breakpoint beside the works of a file: never reached. */
#define NEVER(name) \
  void name(void); \
  void name(void) { __asm__ volatile("nop"); }

static inline void out8(uint16_t port, uint8_t value) {
  __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
