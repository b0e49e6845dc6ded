/**
 * The command line says what is to run: `run=sieve,calls scale=500` (of 1000). The host reads
 *
 *     begin NAME TIMESTAMP ROUNDS
 *     end NAME TIMESTAMP CHECKSUM
 *     done
 *
 * on the first serial port. Numbers are hexadecimal, timestamps the processor's; with Redzone a tick is an instruction.
 */
#include "bench.h"

NEVER(never_in_main)

#define COM1 0x3f8
#define DEBUG_EXIT 0xf4

/** Multiboot 1, §3.3: bit 2 of the flags says that there is a command line. */
struct multiboot_information {
  uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
};

static void print(const char *text) {
  for (; *text != 0; text++) {
    while ((in8(COM1 + 5) & 0x20) == 0) {
    }
    out8(COM1, (uint8_t)*text);
  }
}

static void print_hex(uint64_t value) {
  char text[18] = " ";
  for (int digit = 0; digit < 16; digit++) text[1 + digit] = "0123456789abcdef"[value >> (60 - 4 * digit) & 15];
  print(text);
}

static uint64_t timestamp(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
  return (uint64_t)high << 32 | low;
}

/** What follows `key` on the command line; null if it is not there. */
static const char *option(const char *line, const char *key) {
  for (; *line != 0; line++) {
    const char *at = line, *want = key;
    while (*want != 0 && *at == *want) at++, want++;
    if (*want == 0) return at;
  }
  return NULL;
}

/** Whether a list, which ends with a space or the line, names the work. No list names every one. */
static int is_named(const char *list, const char *name) {
  if (list == NULL) return 1;
  while (*list != 0 && *list != ' ') {
    const char *want = name;
    while (*want != 0 && *list == *want) list++, want++;
    if (*want == 0 && (*list == 0 || *list == ' ' || *list == ',')) return 1;
    while (*list != 0 && *list != ' ' && *list != ',') list++;
    if (*list == ',') list++;
  }
  return 0;
}

static uint32_t number(const char *digits, uint32_t otherwise) {
  if (digits == NULL) return otherwise;
  uint32_t value = 0;
  for (; *digits >= '0' && *digits <= '9'; digits++) value = value * 10 + (uint32_t)(*digits - '0');
  return value;
}

void main(const struct multiboot_information *information) {
  const char *line = (information->flags & 4) != 0 ? (const char *)(uintptr_t)information->cmdline : "";
  const char *list = option(line, "run=");
  const uint32_t scale = number(option(line, "scale="), 1000);
  out8(COM1 + 3, 0x83); /* divisor latch: 115,200 baud, then 8N1 and FIFOs */
  out8(COM1, 1);
  out8(COM1 + 1, 0);
  out8(COM1 + 3, 0x03);
  out8(COM1 + 2, 0x07);
  for (size_t i = 0; i < work_count; i++) {
    const struct work *work = &works[i];
    if (!is_named(list, work->name)) continue;
    /* The divisions are split so that nothing exceeds 32 bits and no run-time library is needed. */
    const uint32_t scaled = work->rounds / 1000 * scale + work->rounds % 1000 * scale / 1000;
    const uint32_t rounds = scaled == 0 ? 1 : scaled;
    print("begin ");
    print(work->name);
    print_hex(timestamp());
    print_hex(rounds);
    print("\n");
    const uint32_t sum = work->run(rounds);
    const uint64_t after = timestamp();
    print("end ");
    print(work->name);
    print_hex(after);
    print_hex(sum);
    print("\n");
  }
  print("done\n");
  __asm__ volatile("outl %0, %1" : : "a"(0), "Nd"((uint16_t)DEBUG_EXIT));
}
