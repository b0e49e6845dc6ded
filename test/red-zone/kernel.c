/*
 * A kernel whose leaf function adds up eight numbers below RSP while a timer interrupts it on the same stack. For each sum that is wrong it writes a "c" to the
 * debug console, and at the end how many there were. With RED_ZONE_CASE it does one thing instead, by number.
 */
typedef unsigned long u64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

enum { CONSOLE = 0xe9, EXIT = 0xf4, PIC = 0x20, PIT = 0x40, CODE = 8 };

#ifndef TICKS
#define TICKS 2000
#endif
#ifndef IST
#define IST 0
#endif
/* PIT cycles per tick: some 10,000 instructions. */
enum { DIVISOR = 12 };

volatile u64 ticks;

struct gate {
        u16 offset_low, selector;
        u8 ist, type;
        u16 offset_middle;
        u32 offset_high, reserved;
};
static struct gate idt[256] __attribute__((aligned(16)));

void timer_entry(void);
void deep_entry(void);
void nested_entry(void);
u64 call_called(u64 seed);

static inline void out(u16 port, u8 value)
{
        asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void put(const char *text)
{
        for (; *text; text++)
                out(CONSOLE, (u8) *text);
}

static void put_number(u64 number)
{
        char digits[21];
        int at = 20;

        digits[at] = 0;
        do
                digits[--at] = (char) ('0' + number % 10);
        while ((number /= 10) != 0);
        put(digits + at);
}

static void set_gate(int vector, void (*entry)(void), u8 ist)
{
        u64 offset = (u64) entry;

        idt[vector] = (struct gate) { (u16) offset, CODE, ist, 0x8e, (u16) (offset >> 16), (u32) (offset >> 32), 0 };
}

/* Keeps its numbers below RSP if it may. */
__attribute__((noinline)) u64 leaf(u64 seed, u64 turns)
{
        volatile u64 numbers[8];
        u64 sum = 0;

        for (int n = 0; n < 8; n++)
                numbers[n] = seed + (u64) n;
        for (u64 turn = 0; turn < turns; turn++)
                asm volatile("pause");
        for (int n = 0; n < 8; n++)
                sum += numbers[n];
        return sum;
}

/* INT n from a leaf: exactly where a test wants the event. */
__attribute__((noinline)) u64 called(u64 seed)
{
        volatile u64 numbers[8];

        for (int n = 0; n < 8; n++)
                numbers[n] = seed;
        asm volatile("int $0x40");
        return numbers[CASE];
}

/* The same, but what is overwritten is written again before it is read. */
__attribute__((noinline)) u64 rewritten(u64 seed)
{
        volatile u64 numbers[8];

        for (int n = 0; n < 8; n++)
                numbers[n] = seed;
        asm volatile("int $0x40");
        for (int n = 0; n < 8; n++)
                numbers[n] = seed;
        return numbers[CASE];
}

/* Inline assembly that the compiler does not know to move RSP. */
__attribute__((noinline)) u64 pushes(u64 seed)
{
        volatile u64 numbers[8];
        u64 flags;

        for (int n = 0; n < 8; n++)
                numbers[n] = seed;
        asm volatile("pushfq; popq %0" : "=r"(flags));
        return numbers[7] + (flags & 0);
}

void kernel_main(void)
{
        u64 corrupt = 0;
        struct {
                u16 limit;
                u64 base;
        } __attribute__((packed)) pointer = { sizeof idt - 1, (u64) idt };

        asm volatile("lidt %0" : : "m"(pointer));
        set_gate(0x20, timer_entry, IST);
        set_gate(0x40, deep_entry, 0);
        set_gate(0x41, nested_entry, 1);
        out(PIC, 0x11);
        out(PIC + 1, 0x20);
        out(PIC + 1, 4);
        out(PIC + 1, 1);
        out(PIC + 1, 0xfe);
        if (call_called(7) != 7)
                put("called\n");
        if (rewritten(7) != 7)
                put("rewritten\n");
#ifdef PUSHES
        if (pushes(7) != 7)
                put("pushes\n");
#endif
#ifdef NESTED
        asm volatile("int $0x41");
#endif
        put("ready\n");
        out(PIT + 3, 0x34);
        out(PIT, DIVISOR & 0xff);
        out(PIT, DIVISOR >> 8);
        asm volatile("sti");
        for (u64 seed = 1; ticks < TICKS; seed++)
                if (leaf(seed, 300) != 8 * seed + 28) {
                        corrupt++;
                        put("c");
                }
        asm volatile("cli");
        put("\nticks ");
        put_number(ticks);
        put(" corrupt ");
        put_number(corrupt);
        put("\n");
        out(EXIT, 0);
}
