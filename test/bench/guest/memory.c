/** Works whose time goes into memory: string instructions, accesses without a pattern, code that changes. */
#include "bench.h"

NEVER(never_in_memory)

#define STRING_WORDS 0x10000

/** A round fills 256 KiB and copies them. */
uint32_t strings(uint32_t rounds) {
  uint32_t *from = (uint32_t *)ARENA, *to = from + STRING_WORDS;
  uint32_t sum = 0;
  while (rounds-- != 0) {
    void *destination = from;
    size_t count = STRING_WORDS;
    __asm__ volatile("rep stosl" : "+D"(destination), "+c"(count) : "a"(rounds) : "memory");
    const void *source = from;
    destination = to, count = STRING_WORDS;
    __asm__ volatile("rep movsl" : "+D"(destination), "+S"(source), "+c"(count) : : "memory");
    sum = mix(sum, to[rounds % STRING_WORDS]);
  }
  return sum;
}

/** A round changes 1,000 words of 4 MiB, without a pattern. */
uint32_t random_access(uint32_t rounds) {
  uint32_t *words = (uint32_t *)ARENA;
  for (uint32_t i = 0; i < 0x100000; i++) words[i] = i;
  uint32_t state = 1;
  while (rounds-- != 0) {
    for (int i = 0; i < 1000; i++) {
      state = next_random(state);
      words[state & 0xfffff] += state;
    }
  }
  uint32_t sum = 0;
  for (uint32_t i = 0; i < 0x100000; i += 4096) sum = mix(sum, words[i]);
  return sum;
}

/** A round gives a function another constant, in its code, and runs its loop of 64. */
uint32_t patched(uint32_t rounds) {
  /* mov ecx, 64; again: add eax, CONSTANT; rol eax, 3; dec/sub ecx, 1; jnz again; ret */
  static const uint8_t template[] = {0xb9, 64, 0, 0, 0, 0x05, 0, 0, 0, 0, 0xc1, 0xc0, 3, 0x83, 0xe9, 1, 0x75, 0xf3, 0xc3};
  uint8_t *code = ARENA + 0x100000;
  for (size_t i = 0; i < sizeof template; i++) code[i] = template[i];
  uint32_t sum = 0;
  while (rounds-- != 0) {
    *(volatile uint32_t *)(code + 6) = rounds;
    __asm__ volatile("call *%1" : "+a"(sum) : "r"(code) : "ecx", "cc", "memory");
  }
  return sum;
}
