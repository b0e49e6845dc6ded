/*
 * Executes single cases on the host processor: the oracle of the emulator's instruction tests.
 *
 * A case is a register file, a few bytes of code and of memory; its result is the state at the first exception the processor raises: the
 * INT3 that follows the code, the single-step trap if RFLAGS.TF was set, or whatever fault the code deserves. One loop does it all: the
 * signal handler writes the state it was handed as the result of the last case, puts the next case into the same signal frame, and returns
 * into it. Code runs in 64-bit mode or, through modify_ldt, in 32- and 16-bit protected mode.
 *
 * Invariant: below 4 GiB there is nothing but the arena (the program itself is position-independent and lies high), so that no 32-bit address of a
 * case reaches anything else; and the program is freestanding and uses no thread-local storage, no red zone and no vector registers, so that a case may leave
 * any value in any register. Layout of the arena and of both records: `test/oracle/case.ts`, which must agree with this file.
 */
#include <asm/ldt.h>
#include <linux/mman.h>
#include <asm/mman.h>
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/unistd.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

enum { ARENA = 0x10000000, ARENA_BYTES = 0x10000, PAGE = 0x1000 };
enum { CODE = 0x1000, CODE_BYTES = 0x2000 };
static const struct { u32 offset, bytes, writable; } regions[] = {
  { 0x4000, 0x2000, 1 }, { 0x7000, 0x1000, 0 }, { 0x9000, 0x1000, 1 }, { 0xf000, 0x1000, 1 },
};
#define REGIONS (sizeof regions / sizeof regions[0])

struct request {
  u64 gpr[16], rip, rflags, fs_base, gs_base;
  u16 es, cs, ss, ds, fs, gs;
  u16 code_bytes, flags;
  u32 code_offset, pokes;
};
struct response {
  u64 gpr[16], rip, rflags, fs_base, gs_base;
  u16 es, cs, ss, ds, fs, gs;
  u16 vector, flags;
  u64 error, cr2;
  u32 changes, zero;
};
struct change { u32 offset, zero; u64 value; };
enum { WITH_FX = 1 };
enum { TIMED_OUT = 0xffff };

/* Linux's rt_sigframe, from uc on; the kernel's own header of it clashes with the libc's. */
struct context {
  u64 uc_flags;
  void *uc_link;
  stack_t uc_stack;
  struct sigcontext mc;
};
enum { UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4 };

static long call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}

static __attribute__((noreturn)) void die(const char *text) {
  u32 length = 0;
  while (text[length]) length++;
  call(__NR_write, 2, (long)text, length, 0, 0, 0);
  for (;;) call(__NR_exit_group, 1, 0, 0, 0, 0, 0);
}

void *memcpy(void *to, const void *from, u64 n) {
  void *result = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
  return result;
}
void *memset(void *to, int byte, u64 n) {
  void *result = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
  return result;
}

static u8 input[1 << 20], output[1 << 20], altstack[1 << 18] __attribute__((aligned(64)));
static u32 input_at, input_end, output_end;
static u8 background[ARENA_BYTES];
static u8 *code_alias;
static struct request current;
static u32 started, has_base_instructions;
static u64 sequence, sequence_at_tick;

static void flush(void) {
  for (u32 at = 0; at < output_end;) {
    long n = call(__NR_write, 1, (long)(output + at), output_end - at, 0, 0, 0);
    if (n <= 0) die("harness: cannot write\n");
    at += n;
  }
  output_end = 0;
}

static void put(const void *bytes, u32 n) {
  if (output_end + n > sizeof output) flush();
  memcpy(output + output_end, bytes, n);
  output_end += n;
}

/* Returns 0 at the end of the input, which may only be between two cases. */
static int get(void *bytes, u32 n) {
  while (input_end - input_at < n) {
    memcpy(input, input + input_at, input_end - input_at);
    input_end -= input_at;
    input_at = 0;
    long got = call(__NR_read, 0, (long)(input + input_end), sizeof input - input_end, 0, 0, 0);
    if (got < 0) die("harness: cannot read\n");
    if (got == 0) {
      if (input_end) die("harness: the input ends inside a case\n");
      return 0;
    }
    input_end += got;
  }
  memcpy(bytes, input + input_at, n);
  input_at += n;
  return 1;
}

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004
static u64 base_of(int get_code) {
  u64 base = 0;
  call(__NR_arch_prctl, get_code, (long)&base, 0, 0, 0, 0);
  return base;
}

static void *at(u32 offset) { return (void *)(u64)(ARENA + offset); }

static void save_result(struct context *uc, u16 vector) {
  struct response r;
  const struct sigcontext *mc = &uc->mc;
  const u64 gpr[16] = { mc->rax, mc->rcx, mc->rdx, mc->rbx, mc->rsp, mc->rbp, mc->rsi, mc->rdi,
                        mc->r8, mc->r9, mc->r10, mc->r11, mc->r12, mc->r13, mc->r14, mc->r15 };
  memset(&r, 0, sizeof r);
  memcpy(r.gpr, gpr, sizeof gpr);
  r.rip = mc->rip;
  r.rflags = mc->eflags;
  r.cs = mc->cs;
  r.ss = mc->ss;
  __asm__ volatile("mov %%es, %0" : "=r"(r.es));
  __asm__ volatile("mov %%ds, %0" : "=r"(r.ds));
  __asm__ volatile("mov %%fs, %0" : "=r"(r.fs));
  __asm__ volatile("mov %%gs, %0" : "=r"(r.gs));
  if (has_base_instructions) {
    __asm__ volatile("rdfsbase %0" : "=r"(r.fs_base));
    __asm__ volatile("rdgsbase %0" : "=r"(r.gs_base));
  } else {
    r.fs_base = base_of(ARCH_GET_FS);
    r.gs_base = base_of(ARCH_GET_GS);
  }
  r.vector = vector;
  r.flags = current.flags;
  r.error = mc->err;
  r.cr2 = mc->cr2;

  static struct change changes[(ARENA_BYTES) / 8];
  for (u32 i = 0; i < REGIONS; i++) {
    if (!regions[i].writable) continue;
    u64 *now = at(regions[i].offset), *before = (u64 *)(background + regions[i].offset);
    for (u32 q = 0; q < regions[i].bytes / 8; q++) {
      if (now[q] == before[q]) continue;
      changes[r.changes].offset = regions[i].offset + q * 8;
      changes[r.changes].zero = 0;
      changes[r.changes++].value = now[q];
      now[q] = before[q];
    }
  }
  put(&r, sizeof r);
  put(changes, r.changes * sizeof changes[0]);
  if (current.flags & WITH_FX) put(mc->fpstate, 512);
  memset(code_alias + (current.code_offset - CODE), 0xcc, current.code_bytes);
}

/* The memory a case starts from is the background with its pokes; both are undone from `background` when its result is saved. */
static void load_case(struct context *uc) {
  if (!get(&current, sizeof current)) {
    flush();
    for (;;) call(__NR_exit_group, 0, 0, 0, 0, 0, 0);
  }
  if (current.code_offset < CODE || current.code_offset + current.code_bytes > CODE + CODE_BYTES) die("harness: code outside its pages\n");
  if (current.code_bytes) get(code_alias + (current.code_offset - CODE), current.code_bytes);
  for (u32 i = 0; i < current.pokes; i++) {
    struct change poke;
    get(&poke, sizeof poke);
    if (poke.offset % 8 || poke.offset >= ARENA_BYTES) die("harness: bad poke\n");
    *(u64 *)at(poke.offset) = poke.value;
  }
  struct sigcontext *mc = &uc->mc;
  if (current.flags & WITH_FX) {
    u8 *fx = (u8 *)mc->fpstate;
    u8 legacy[512];
    get(legacy, 512);
    memcpy(fx, legacy, 464); /* the last 48 bytes are the kernel's */
    struct _xstate *x = (struct _xstate *)fx;
    if (x->fpstate.sw_reserved.magic1 == FP_XSTATE_MAGIC1) x->xstate_hdr.xfeatures |= 3;
  }
  const u64 *g = current.gpr;
  mc->rax = g[0], mc->rcx = g[1], mc->rdx = g[2], mc->rbx = g[3], mc->rsp = g[4], mc->rbp = g[5], mc->rsi = g[6], mc->rdi = g[7];
  mc->r8 = g[8], mc->r9 = g[9], mc->r10 = g[10], mc->r11 = g[11], mc->r12 = g[12], mc->r13 = g[13], mc->r14 = g[14], mc->r15 = g[15];
  mc->rip = current.rip;
  mc->eflags = current.rflags;
  mc->cs = current.cs;
  mc->ss = current.ss;
  uc->uc_flags |= UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
  __asm__ volatile("mov %0, %%es" : : "r"(current.es));
  __asm__ volatile("mov %0, %%ds" : : "r"(current.ds));
  __asm__ volatile("mov %0, %%fs" : : "r"(current.fs));
  __asm__ volatile("mov %0, %%gs" : : "r"(current.gs));
  if (current.fs == 0) {
    if (has_base_instructions) __asm__ volatile("wrfsbase %0" : : "r"(current.fs_base));
    else call(__NR_arch_prctl, ARCH_SET_FS, current.fs_base, 0, 0, 0, 0);
  }
  if (current.gs == 0) {
    if (has_base_instructions) __asm__ volatile("wrgsbase %0" : : "r"(current.gs_base));
    else call(__NR_arch_prctl, ARCH_SET_GS, current.gs_base, 0, 0, 0, 0);
  }
  sequence++;
}

__attribute__((used)) static void handle(int signal, void *info, struct context *uc) {
  (void)info;
  u64 vector = uc->mc.trapno;
  if (signal == SIGALRM) {
    /* A case that is still the same one two ticks later does not end by itself. */
    if (sequence != sequence_at_tick) {
      sequence_at_tick = sequence;
      /* rt_sigreturn restores neither NT nor ID, which a POPF of the case may just have set: they stay what they are at the call. */
      __asm__ volatile("pushfq\n or %0, (%%rsp)\n popfq" : : "r"(uc->mc.eflags & 0x204000) : "cc", "memory");
      return;
    }
    vector = TIMED_OUT;
  }
  if (started) save_result(uc, vector);
  started = 1;
  load_case(uc);
}

/* AC, NT and ID belong to the case: clear them before anything unaligned is touched. */
__asm__(
  ".text\n"
  "entry:\n"
  "  pushfq\n  andq $~0x244000, (%rsp)\n  popfq\n"
  "  jmp handle\n"
  "restorer:\n"
  "  mov $15, %eax\n  syscall\n"
  ".globl _start\n"
  "_start:\n"
  "  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-64, %rsp\n  call begin\n");
extern void entry(void), restorer(void);

static void *map(u64 address, u64 bytes, int protection, int flags, int file, u64 offset) {
  long result = call(__NR_mmap, address, bytes, protection, flags, file, offset);
  if (result < 0 && result > -4096) die("harness: mmap failed\n");
  return (void *)result;
}

/* Descriptors 1 to 13 of the LDT; `test/oracle/segments.ts` holds the same table for the emulator. */
static const struct user_desc segments[] = {
  { .entry_number = 1, .base_addr = 0, .limit = 0xfffff, .seg_32bit = 1, .contents = 2, .limit_in_pages = 1 },
  { .entry_number = 2, .base_addr = ARENA, .limit = 0xffff, .seg_32bit = 0, .contents = 2 },
  { .entry_number = 3, .base_addr = 0, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1 },
  { .entry_number = 4, .base_addr = ARENA, .limit = 0xffff, .seg_32bit = 0 },
  { .entry_number = 5, .base_addr = 0, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .read_exec_only = 1 },
  { .entry_number = 6, .base_addr = ARENA, .limit = 0x4fff, .seg_32bit = 1, .contents = 1 },
  { .entry_number = 7, .base_addr = ARENA + 0x4000, .limit = 0x17f9, .seg_32bit = 1 },
  { .entry_number = 8, .base_addr = 0, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .seg_not_present = 1 },
  { .entry_number = 9, .base_addr = 0, .limit = 0xfffff, .seg_32bit = 1, .contents = 2, .limit_in_pages = 1, .read_exec_only = 1 },
  { .entry_number = 10, .base_addr = 0, .limit = 0xfffff, .seg_32bit = 1, .contents = 3, .limit_in_pages = 1, .seg_not_present = 1 },
  { .entry_number = 11, .base_addr = ARENA, .limit = 0x4fff, .seg_32bit = 0, .contents = 1 },
  { .entry_number = 12, .base_addr = ARENA, .limit = 0x9fff, .seg_32bit = 1, .contents = 2 },
  { .entry_number = 13, .base_addr = 0, .limit = 0xfffff, .seg_32bit = 1, .contents = 2, .limit_in_pages = 1, .seg_not_present = 1 },
};

/* Linux puts a vector of facts behind the arguments; AT_HWCAP2 bit 1 says that RDFSBASE and its kin may be used. */
static u32 hwcap2(u64 *stack) {
  stack += 1 + stack[0] + 1;
  while (*stack++) {}
  for (; stack[0]; stack += 2)
    if (stack[0] == 26) return stack[1];
  return 0;
}

__attribute__((used)) static void begin(u64 *stack) {
  has_base_instructions = hwcap2(stack) >> 1 & 1;
  int file = call(__NR_memfd_create, (long)"arena", 0, 0, 0, 0, 0);
  if (file < 0 || call(__NR_ftruncate, file, ARENA_BYTES, 0, 0, 0, 0) < 0) die("harness: memfd failed\n");
  u64 state = 0x9e3779b97f4a7c15;
  for (u32 i = 0; i < ARENA_BYTES; i += 8) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    *(u64 *)(background + i) = state;
  }
  code_alias = map(0, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, CODE);
  memset(code_alias, 0xcc, CODE_BYTES);
  map(ARENA + CODE, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED | MAP_POPULATE, file, CODE);
  for (u32 i = 0; i < REGIONS; i++) {
    u8 *alias = map(0, regions[i].bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, regions[i].offset);
    memcpy(alias, background + regions[i].offset, regions[i].bytes);
    map(ARENA + regions[i].offset, regions[i].bytes, PROT_READ | (regions[i].writable ? PROT_WRITE : 0), MAP_SHARED | MAP_FIXED | MAP_POPULATE, file,
        regions[i].offset);
  }
  for (u32 i = 0; i < sizeof segments / sizeof segments[0]; i++)
    if (call(__NR_modify_ldt, 0x11, (long)&segments[i], sizeof segments[i], 0, 0, 0) != 0) die("harness: modify_ldt failed\n");

  struct { const void *sp; int flags; u64 size; } alternate = { altstack, 0, sizeof altstack };
  if (call(__NR_sigaltstack, (long)&alternate, 0, 0, 0, 0, 0) != 0) die("harness: sigaltstack failed\n");
  struct { void (*handler)(void); u64 flags; void (*restorer)(void); u64 mask; } action = {
    entry, SA_SIGINFO | SA_ONSTACK | 0x04000000 /* SA_RESTORER */, restorer, ~0ul };
  static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM };
  for (u32 i = 0; i < sizeof signals / sizeof signals[0]; i++) call(__NR_rt_sigaction, signals[i], (long)&action, 0, 8, 0, 0);
  struct { u64 interval_s, interval_us, value_s, value_us; } timer = { 0, 100000, 0, 100000 };
  call(__NR_setitimer, 0, (long)&timer, 0, 0, 0, 0);
  __asm__ volatile("int3");
  die("harness: the first trap did not come\n");
}
