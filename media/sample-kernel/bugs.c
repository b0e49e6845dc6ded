/* Bugs on demand, each a classic. The command line chooses: bug=redzone, bug=null, bug=stale-tlb, bug=triple-fault, bug=overflow. */
#include "kernel.h"

/* An interrupt overwrites the locals of a leaf function that was compiled with a red zone. */
static void red_zone_bug(void)
{
        uint64_t first = 1000;
        uint64_t expected = 8 * first + 28;
        uint64_t sum = sum_in_red_zone(first, ticks + 1);

        print("redzone: the sum is %lu, expected %lu: %s\n", sum, expected, sum == expected ? "as it should be" : "mismatch");
}

struct device {
        uint32_t id;
        uint32_t status;
        struct device *parent;
};

static struct device *find_device(uint32_t id)
{
        static struct device disk = { .id = 1 };

        return id == disk.id ? &disk : NULL;
}

/* The result of a search that found nothing is used all the same. */
static void null_bug(void)
{
        struct device *device = find_device(2);

        print("null: reading the parent of the device at %p\n", (void *) device);
        print("null: the parent is %p\n", (void *) device->parent);
}

static uint64_t old_frame[PAGE_SIZE / 8] __attribute__((aligned(PAGE_SIZE)));
static uint64_t new_frame[PAGE_SIZE / 8] __attribute__((aligned(PAGE_SIZE)));

/* A page-table entry is changed, and the processor goes on using the translation it remembers. */
static void stale_tlb_bug(void)
{
        enum { WINDOW = 0x40000000 };
        volatile uint64_t *window = (void *) (uint64_t) WINDOW;
        volatile uint64_t *entry = page_table_entry(WINDOW);

        old_frame[0] = 0x01d;
        new_frame[0] = 0x2e3;
        asm volatile("cli");
        *entry = (uint64_t) old_frame | PTE_PRESENT | PTE_WRITABLE;
        invalidate_page(WINDOW);
        uint64_t before = *window;

        *entry = (uint64_t) new_frame | PTE_PRESENT | PTE_WRITABLE;
        uint64_t stale = *window;               /* no invlpg: the TLB still has the old frame */
        invalidate_page(WINDOW);
        uint64_t fresh = *window;
        asm volatile("sti");

        print("stale-tlb: 0x%lx before, 0x%lx after the entry changed, 0x%lx after invlpg\n", before, stale, fresh);
}

/* Recursion deeper than any stack here: each call takes some 300 bytes of it. */
static uint64_t descend(uint64_t depth)
{
        volatile uint64_t frame[32] = { depth };

        return depth == 0 ? 0 : descend(depth - 1) + frame[0];
}

/*
 * The stack overflows into its guard page: a page fault, which cannot be delivered on that same stack: a double fault. Its gate used to switch to a
 * stack of its own; without that it cannot be delivered either, and the processor gives up.
 */
static void triple_fault_bug(void)
{
        print("triple-fault: the stack is about to overflow\n");
        set_gate_stack(DOUBLE_FAULT, CURRENT_STACK);
        descend(1000000);
}

/* The same overflow with the double fault on its own stack, as it should be. */
static void overflow(void)
{
        print("overflow: the stack is about to overflow\n");
        descend(1000000);
}

void show_bug(void)
{
        static const struct {
                const char *name;
                void (*show)(void);
        } bugs[] = {
                { "redzone", red_zone_bug },
                { "null", null_bug },
                { "stale-tlb", stale_tlb_bug },
                { "triple-fault", triple_fault_bug },
                { "overflow", overflow },
        };

        for (size_t n = 0; n < sizeof bugs / sizeof *bugs; n++)
                if (option_is("bug", bugs[n].name)) {
                        bugs[n].show();
                        return;
                }
        if (option("bug"))
                print("no such bug: %s\n", option("bug"));
}
