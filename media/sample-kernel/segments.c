/* The segments that remain in 64-bit mode: one for code, one for data, and the task state segment, which only holds stacks. */
#include "kernel.h"

/* A segment descriptor, bit by bit (SDM 3A figure 3-8); base and limit are ignored for code and data in 64-bit mode. */
struct segment_descriptor {
        uint64_t limit_low : 16;
        uint64_t base_low : 24;
        uint64_t type : 4;
        uint64_t code_or_data : 1;
        uint64_t privilege : 2;
        uint64_t present : 1;
        uint64_t limit_high : 4;
        uint64_t available : 1;
        uint64_t long_mode : 1;
        uint64_t size_32 : 1;
        uint64_t granularity : 1;
        uint64_t base_high : 8;
};

struct task_state_segment {
        uint32_t reserved0;
        uint64_t rsp[3];                /* stacks for rings 0 to 2 */
        uint64_t reserved1;
        uint64_t ist[7];                /* stacks that an interrupt gate may ask for, numbered from 1 */
        uint64_t reserved2;
        uint16_t reserved3;
        uint16_t io_map_base;
} __attribute__((packed));

struct descriptor_table {
        uint16_t limit;
        const void *base;
} __attribute__((packed));

enum { CODE_EXECUTE_READ_ACCESSED = 0xb, DATA_READ_WRITE_ACCESSED = 0x3, TSS_AVAILABLE = 0x9, EMERGENCY_STACK_BYTES = 4096 };

static uint8_t double_fault_stack[EMERGENCY_STACK_BYTES] __attribute__((aligned(16)));
static uint8_t nmi_stack[EMERGENCY_STACK_BYTES] __attribute__((aligned(16)));

static struct task_state_segment tss;

/* In the order of enum selector; the TSS takes two, since its base has 64 bits. */
static struct segment_descriptor gdt[5] = {
        [KERNEL_CODE / 8] = { .type = CODE_EXECUTE_READ_ACCESSED, .code_or_data = 1, .present = 1, .long_mode = 1 },
        [KERNEL_DATA / 8] = { .type = DATA_READ_WRITE_ACCESSED, .code_or_data = 1, .present = 1 },
};

static void describe_tss(void)
{
        uint64_t base = (uint64_t) &tss;
        struct segment_descriptor *low = &gdt[TASK_STATE / 8];

        low->limit_low = sizeof tss - 1;
        low->base_low = base & 0xffffff;
        low->base_high = base >> 24 & 0xff;
        low->type = TSS_AVAILABLE;
        low->present = 1;
        *(uint64_t *) (low + 1) = base >> 32;
}

void segments_init(void)
{
        tss.ist[DOUBLE_FAULT_STACK - 1] = (uint64_t) (double_fault_stack + sizeof double_fault_stack);
        tss.ist[NMI_STACK - 1] = (uint64_t) (nmi_stack + sizeof nmi_stack);
        tss.io_map_base = sizeof tss;
        describe_tss();

        struct descriptor_table pointer = { sizeof gdt - 1, gdt };
        asm volatile("lgdt %0" : : "m"(pointer));
        /* A far return is the usual way to load CS in 64-bit mode. */
        asm volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:" : : "i"(KERNEL_CODE) : "rax", "memory");
        asm volatile("movw %w0, %%ds; movw %w0, %%es; movw %w0, %%ss" : : "r"(KERNEL_DATA));
        asm volatile("ltr %w0" : : "r"(TASK_STATE));
}
