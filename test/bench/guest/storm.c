/** Storms: works that do nothing but enter and leave the kernel, or change address spaces. 64 bits only; entries are in `storm-entry.S`. */
#include "bench.h"

#define VECTOR_PAGE_FAULT 14
#define VECTOR_SOFTWARE 0x30
#define VECTOR_SELF 0x40
#define VECTOR_SPURIOUS 0xff

#define MSR_EFER_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084
#define MSR_KERNEL_GS_BASE 0xc0000102

#define PRESENT 1
#define WRITABLE 2
#define USER 4
#define PAGE 4096

extern uint64_t page_table_root[512];
extern const uint8_t software_entry[], apic_entry[], spurious_entry[], page_fault_entry[], system_call_entry[];
extern const uint8_t user_code[], user_code_end[];
void enter_user(uintptr_t code, uintptr_t stack, uint64_t count);
void switch_to(uintptr_t *from, uintptr_t to, uintptr_t root);
void task_entry(void);
void page_fault(uintptr_t address);

/** Counted by the entries. */
volatile uint64_t interrupt_count, system_call_count;
/** What GS points to in a system call: the user's stack pointer, the kernel's, and that of whoever entered user mode. */
uint64_t system_call_area[3];

/** The local APIC's registers (SDM Vol. 3A, table 11-1). */
static volatile uint32_t *apic(uint32_t offset) { return (volatile uint32_t *)(0xfee00000 + (uintptr_t)offset); }

static void write_msr(uint32_t msr, uint64_t value) {
  __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void set_gate(uint32_t vector, const uint8_t *entry) {
  static uint64_t table[256][2];
  const uintptr_t at = (uintptr_t)entry;
  table[vector][0] = (at & 0xffff) | 8 << 16 | 0x8e00ull << 32 | (uint64_t)(at >> 16 & 0xffff) << 48;
  table[vector][1] = at >> 32;
  struct __attribute__((packed)) {
    uint16_t limit;
    uint64_t base;
  } pointer = {sizeof table - 1, (uintptr_t)table};
  __asm__ volatile("lidt %0" : : "m"(pointer));
}

/** Pages for tables, from the arena, zeroed. */
static uint64_t *new_page(void) {
  static uint32_t used;
  uint64_t *page = (uint64_t *)(ARENA + 0x200000 + PAGE * (used++ % 1024));
  for (int i = 0; i < 512; i++) page[i] = 0;
  return page;
}

/** The entry for an address in tables of 4 KiB pages; levels that are missing are made. */
static uint64_t *entry_of(uint64_t *root, uintptr_t address) {
  uint64_t *table = root;
  for (int shift = 39; shift > 12; shift -= 9) {
    uint64_t *entry = &table[address >> shift & 511];
    if ((*entry & PRESENT) == 0) *entry = (uintptr_t)new_page() | PRESENT | WRITABLE | USER;
    table = (uint64_t *)(uintptr_t)(*entry & ~0xfffull);
  }
  return &table[address >> 12 & 511];
}

/** A round is 1,000 INTs and IRETs. */
uint32_t interrupts(uint32_t rounds) {
  set_gate(VECTOR_SOFTWARE, software_entry);
  interrupt_count = 0;
  for (uint64_t n = rounds * 1000ull; n != 0; n--) __asm__ volatile("int %0" : : "i"(VECTOR_SOFTWARE) : "memory");
  return (uint32_t)interrupt_count;
}

static void enable_apic(void) {
  out8(0x21, 0xff);
  out8(0xa1, 0xff);
  set_gate(VECTOR_SELF, apic_entry);
  set_gate(VECTOR_SPURIOUS, spurious_entry);
  *apic(0xf0) = 0x100 | VECTOR_SPURIOUS;
  interrupt_count = 0;
  __asm__ volatile("sti");
}

/** A round is 100 interrupts that the processor's own APIC sends. */
uint32_t self_interrupts(uint32_t rounds) {
  enable_apic();
  for (uint64_t n = 1; n <= rounds * 100ull; n++) {
    *apic(0x300) = 0x44000 | VECTOR_SELF;
    while (interrupt_count != n) {
    }
  }
  __asm__ volatile("cli");
  return (uint32_t)interrupt_count;
}

/** A round is 100 interrupts of the APIC's timer, 2 µs after each other, waited for in a loop without HLT. */
uint32_t timer_interrupts(uint32_t rounds) {
  enable_apic();
  *apic(0x3e0) = 0xb;         /* divide by 1 */
  *apic(0x320) = VECTOR_SELF; /* one shot */
  for (uint64_t n = 1; n <= rounds * 100ull; n++) {
    *apic(0x380) = 2000;
    while (interrupt_count != n) {
    }
  }
  __asm__ volatile("cli");
  return (uint32_t)interrupt_count;
}

/** A round is 1,000 SYSCALLs and SYSRETs, with SWAPGS and another stack, as kernels do it. */
uint32_t system_calls(uint32_t rounds) {
  const uintptr_t at = 1ull << 39;
  uint8_t *code = (uint8_t *)new_page();
  for (const uint8_t *from = user_code; from < user_code_end; from++) code[from - user_code] = *from;
  *entry_of(page_table_root, at) = (uintptr_t)code | PRESENT | USER;
  *entry_of(page_table_root, at + PAGE) = (uintptr_t)new_page() | PRESENT | WRITABLE | USER;
  write_msr(MSR_EFER_STAR, 0x0010000800000000);
  write_msr(MSR_LSTAR, (uintptr_t)system_call_entry);
  write_msr(MSR_FMASK, 0x700);
  write_msr(MSR_KERNEL_GS_BASE, (uintptr_t)system_call_area);
  system_call_count = 0;
  system_call_area[1] = (uintptr_t)new_page() + PAGE;
  enter_user(at, at + 2 * PAGE, rounds * 1000ull);
  return (uint32_t)system_call_count;
}

#define TASKS 4
#define TASK_PAGES 8
#define TASK_MEMORY (2ull << 39)

static struct {
  uintptr_t stack_pointer, root;
} tasks[TASKS];
static uintptr_t switcher;
static volatile uint64_t switches_left;
static uint32_t current;

/** What each task runs: a change to each of its pages, then whose turn is next. */
__attribute__((noreturn)) void task_body(void) {
  for (;;) {
    volatile uint32_t *words = (volatile uint32_t *)TASK_MEMORY;
    for (uint32_t page = 0; page < TASK_PAGES; page++) words[page * (PAGE / 4)] += current + page;
    const uint32_t last = current;
    if (switches_left-- == 1) switch_to(&tasks[last].stack_pointer, switcher, (uintptr_t)page_table_root);
    current = (last + 1) % TASKS;
    switch_to(&tasks[last].stack_pointer, tasks[current].stack_pointer, tasks[current].root);
  }
}

/** A round is 1,000 changes between four address spaces, each with its own pages at the same addresses. */
uint32_t switches(uint32_t rounds) {
  uint64_t *frames[TASKS];
  for (uint32_t task = 0; task < TASKS; task++) {
    uint64_t *root = new_page();
    root[0] = page_table_root[0];
    for (uint32_t page = 0; page < TASK_PAGES; page++) {
      uint64_t *frame = new_page();
      if (page == 0) frames[task] = frame;
      *entry_of(root, TASK_MEMORY + page * PAGE) = (uintptr_t)frame | PRESENT | WRITABLE;
    }
    /* What switch_to() takes from a stack: six registers and a return address. */
    uint64_t *stack = new_page() + 512;
    stack[-2] = (uintptr_t)task_entry;
    tasks[task].stack_pointer = (uintptr_t)(stack - 8);
    tasks[task].root = (uintptr_t)root;
  }
  current = 0;
  switches_left = rounds * 1000ull;
  switch_to(&switcher, tasks[0].stack_pointer, tasks[0].root);
  uint32_t sum = 0;
  for (uint32_t task = 0; task < TASKS; task++) sum = mix(sum, *(uint32_t *)frames[task]);
  return sum;
}

#define FAULT_MEMORY (3ull << 39)
#define FAULT_PAGES 256

static uint64_t *fault_entries;
static uint64_t fault_count, fault_frames[8];

/** Maps the page: called by the entry. */
void page_fault(uintptr_t address) {
  fault_entries[(address - FAULT_MEMORY) / PAGE] = fault_frames[fault_count++ % 8] | PRESENT | WRITABLE;
}

/** A round touches 256 pages that are not there and are mapped by the fault, then takes them away, one by one. */
uint32_t page_faults(uint32_t rounds) {
  set_gate(VECTOR_PAGE_FAULT, page_fault_entry);
  fault_count = 0;
  for (int i = 0; i < 8; i++) fault_frames[i] = (uintptr_t)new_page();
  fault_entries = entry_of(page_table_root, FAULT_MEMORY);
  uint32_t sum = 0;
  while (rounds-- != 0) {
    for (uint32_t page = 0; page < FAULT_PAGES; page++) {
      volatile uint32_t *word = (volatile uint32_t *)(FAULT_MEMORY + page * PAGE);
      *word += page;
      sum += *word;
    }
    for (uint32_t page = 0; page < FAULT_PAGES; page++) {
      fault_entries[page] = 0;
      __asm__ volatile("invlpg (%0)" : : "r"(FAULT_MEMORY + page * PAGE) : "memory");
    }
  }
  return mix(sum, (uint32_t)fault_count);
}
