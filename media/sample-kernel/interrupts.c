/* The interrupt descriptor table, what happens at an exception, and the two 8259 interrupt controllers. */
#include "kernel.h"

/* A gate of the IDT (SDM 3A figure 6-8). */
struct gate {
        uint16_t offset_low;
        uint16_t selector;
        uint8_t ist : 3;                /* enum stack */
        uint8_t : 5;
        uint8_t type : 4;
        uint8_t : 1;
        uint8_t privilege : 2;
        uint8_t present : 1;
        uint16_t offset_middle;
        uint32_t offset_high;
        uint32_t reserved;
};

enum { INTERRUPT_GATE = 14, VECTORS = 256, VECTOR_BYTES = 16 };
enum { MASTER = 0x20, SLAVE = 0xa0, DATA = 1, END_OF_INTERRUPT = 0x20, INITIALISE = 0x11, MODE_8086 = 1, IRQS = 16 };

extern const uint8_t vectors[VECTORS][VECTOR_BYTES];

static struct gate idt[VECTORS] __attribute__((aligned(16)));
static void (*irq_handlers[IRQS])(void);

static const char *const exception_names[32] = {
        "divide error", "debug", "non-maskable interrupt", "breakpoint", "overflow", "bound range exceeded", "invalid opcode",
        "device not available", "double fault", "coprocessor segment overrun", "invalid TSS", "segment not present", "stack fault",
        "general protection", "page fault", "reserved", "x87 floating point", "alignment check", "machine check", "SIMD floating point",
};

static uint64_t read_cr2(void)
{
        uint64_t address;

        asm volatile("movq %%cr2, %0" : "=r"(address));
        return address;
}

/* The error code of a page fault, bit by bit (SDM 3A section 4.7). */
union page_fault_code {
        uint64_t value;
        struct {
                uint64_t present : 1;
                uint64_t write : 1;
                uint64_t user : 1;
                uint64_t reserved_bit : 1;
                uint64_t fetch : 1;
        };
};

static void explain_page_fault(const struct interrupt_frame *frame)
{
        union page_fault_code code = { .value = frame->error_code };
        const char *access = code.fetch ? "fetch from" : code.write ? "write to" : "read of";

        print("page fault: %s 0x%lx, %s\n", access, read_cr2(), code.present ? "not allowed" : "page not present");
}

_Noreturn void panic(const char *why)
{
        set_colour(WHITE, BLUE);
        print("panic: %s", why);
        set_colour(LIGHT_GREY, BLACK);
        print("\n");
        exit_if_asked();
        for (;;)
                asm volatile("cli; hlt");
}

static _Noreturn void exception(const struct interrupt_frame *frame)
{
        const char *name = exception_names[frame->vector];

        set_colour(YELLOW, BLACK);
        if (frame->vector == PAGE_FAULT)
                explain_page_fault(frame);
        print("exception %lu at rip 0x%lx, rsp 0x%lx, error code 0x%lx\n", frame->vector, frame->rip, frame->rsp, frame->error_code);
        panic(name ? name : "reserved exception");
}

/* Called by vectors.S. */
void interrupt(struct interrupt_frame *frame)
{
        if (frame->vector < FIRST_IRQ)
                exception(frame);

        uint64_t irq = frame->vector - FIRST_IRQ;
        if (irq >= IRQS)
                return;
        if (irq_handlers[irq])
                irq_handlers[irq]();
        if (irq >= 8)
                outb(SLAVE, END_OF_INTERRUPT);
        outb(MASTER, END_OF_INTERRUPT);
}

static void set_gate(int vector)
{
        uint64_t offset = (uint64_t) vectors[vector];
        struct gate *gate = &idt[vector];

        gate->offset_low = (uint16_t) offset;
        gate->offset_middle = (uint16_t) (offset >> 16);
        gate->offset_high = (uint32_t) (offset >> 32);
        gate->selector = KERNEL_CODE;
        gate->type = INTERRUPT_GATE;
        gate->present = 1;
}

void set_gate_stack(enum vector vector, enum stack stack)
{
        idt[vector].ist = stack;
}

/* After reset the PICs deliver IRQ 0 to 7 as vectors 8 to 15, which are exceptions. This moves them to 32, all masked. */
static void remap_pics(void)
{
        outb(MASTER, INITIALISE);
        outb(SLAVE, INITIALISE);
        outb(MASTER + DATA, FIRST_IRQ);
        outb(SLAVE + DATA, FIRST_IRQ + 8);
        outb(MASTER + DATA, 1 << 2);            /* the slave is at IRQ 2 */
        outb(SLAVE + DATA, 2);
        outb(MASTER + DATA, MODE_8086);
        outb(SLAVE + DATA, MODE_8086);
        outb(MASTER + DATA, 0xff);
        outb(SLAVE + DATA, 0xff);
}

void set_irq_handler(enum irq irq, void (*handler)(void))
{
        uint16_t mask = irq < 8 ? MASTER + DATA : SLAVE + DATA;

        irq_handlers[irq] = handler;
        outb(mask, inb(mask) & (uint8_t) ~(1 << irq % 8));
}

void interrupts_init(void)
{
        for (int vector = 0; vector < VECTORS; vector++)
                set_gate(vector);
        set_gate_stack(DOUBLE_FAULT, DOUBLE_FAULT_STACK);
        set_gate_stack(2, NMI_STACK);

        struct {
                uint16_t limit;
                const void *base;
        } __attribute__((packed)) pointer = { sizeof idt - 1, idt };
        asm volatile("lidt %0" : : "m"(pointer));
        remap_pics();
}
