/* What the parts of the kernel know of each other, one block per file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- console.c: text to COM1 and to the VGA screen ---------------------------------------------------------------- */

enum colour {
        BLACK, BLUE, GREEN, CYAN, RED, MAGENTA, BROWN, LIGHT_GREY,
        DARK_GREY, LIGHT_BLUE, LIGHT_GREEN, LIGHT_CYAN, LIGHT_RED, PINK, YELLOW, WHITE,
};

void console_init(void);
void set_colour(enum colour foreground, enum colour background);
void put_char(char c);
/* %s %c %d %u %x %p and %lu %lx; a width, padded with zeros if it begins with one. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Text at a fixed place of the screen only. */
void print_at(int column, int row, const char *text);

/* ---- segments.c: GDT and TSS --------------------------------------------------------------------------------------- */

enum selector { KERNEL_CODE = 0x08, KERNEL_DATA = 0x10, TASK_STATE = 0x18 };
/* Numbers of the stacks in the TSS that an interrupt gate may switch to; 0 stays on the current one. */
enum stack { CURRENT_STACK, DOUBLE_FAULT_STACK, NMI_STACK };

void segments_init(void);

/* ---- interrupts.c, vectors.S: IDT, exceptions, the two 8259 PICs ------------------------------------------------------ */

enum vector { DOUBLE_FAULT = 8, PAGE_FAULT = 14, FIRST_IRQ = 32 };
enum irq { TIMER_IRQ = 0, KEYBOARD_IRQ = 1, SERIAL_IRQ = 4 };

/* What vectors.S and the processor have pushed when interrupt() is called, lowest address first. */
struct interrupt_frame {
        uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
        uint64_t vector, error_code;
        uint64_t rip, cs, rflags, rsp, ss;
};

void interrupts_init(void);
void set_irq_handler(enum irq irq, void (*handler)(void));
void set_gate_stack(enum vector vector, enum stack stack);
_Noreturn void panic(const char *why);

/* ---- paging.c ---------------------------------------------------------------------------------------------------------- */

enum { PAGE_SIZE = 4096, PTE_PRESENT = 1, PTE_WRITABLE = 2, PTE_LARGE = 128 };

void paging_init(void);
/* The entry that maps an address with a 4 KiB page, in a table made for it if need be. */
volatile uint64_t *page_table_entry(uint64_t address);

static inline void invalidate_page(uint64_t address)
{
        asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* ---- timer.c, keyboard.c ------------------------------------------------------------------------------------------------ */

enum { TICKS_PER_SECOND = 100 };
extern volatile uint64_t ticks;

void timer_init(void);
void keyboard_init(void);
void serial_input_init(void);
/* The next character typed on the keyboard or received on COM1, or 0. */
char next_key(void);

/* ---- tasks.c ------------------------------------------------------------------------------------------------------------ */

_Noreturn void run_tasks(void);
void tasks_init(void);

/* ---- boot-information.c --------------------------------------------------------------------------------------------------- */

struct boot_information {
        const char *protocol;
        const char *loader;
        const char *command_line;
        uint64_t usable_bytes;
        unsigned usable_ranges;
};

struct boot_information read_boot_information(uint32_t magic, uint32_t address);

/* ---- options.c: words of the command line ------------------------------------------------------------------------------- */

/* What follows "name=" on the command line, up to the next blank, or NULL. */
const char *option(const char *name);
bool option_is(const char *name, const char *value);
void options_init(const char *command_line);
/* Leaves the emulator by its debug exit port if "exit=N" was given; returns otherwise. */
void exit_if_asked(void);

/* ---- bugs.c, redzone.c ---------------------------------------------------------------------------------------------------- */

void show_bug(void);
/* Compiled with a red zone, unlike everything else; see there. */
uint64_t sum_in_red_zone(uint64_t first, uint64_t until_tick);

/* ---- Ports ---------------------------------------------------------------------------------------------------------------- */

static inline void outb(uint16_t port, uint8_t value)
{
        asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
        uint8_t value;

        asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
        return value;
}
