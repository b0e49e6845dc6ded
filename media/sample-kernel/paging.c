/*
 * boot.S has mapped 4 GiB with 2 MiB pages. Here some of them are split into 4 KiB pages, to take out two: page 0, so that a null pointer
 * faults, and the one below the stack, so that an overflow does.
 */
#include "kernel.h"

enum { ENTRIES = 512, LARGE_PAGE_SIZE = 0x200000, TABLES = 4 };

/* From boot.S: the page directories of the first 4 GiB, one behind the other, so that one index reaches every 2 MiB. */
extern volatile uint64_t page_directories[];
extern uint8_t stack_guard[];

static uint64_t page_tables[TABLES][ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static int tables_used;

/* Replaces a 2 MiB page by a table of 512 pages that map the same. */
static void split(uint64_t address)
{
        volatile uint64_t *large = &page_directories[address / LARGE_PAGE_SIZE];
        uint64_t *table = page_tables[tables_used++];

        if (tables_used > TABLES)
                panic("no page table left");
        for (uint64_t n = 0; n < ENTRIES; n++)
                table[n] = (*large & ~(uint64_t) (LARGE_PAGE_SIZE - 1)) + n * PAGE_SIZE + (PTE_PRESENT | PTE_WRITABLE);
        *large = (uint64_t) table | PTE_PRESENT | PTE_WRITABLE;
        invalidate_page(address);
}

volatile uint64_t *page_table_entry(uint64_t address)
{
        volatile uint64_t *directory_entry = &page_directories[address / LARGE_PAGE_SIZE];

        if (*directory_entry & PTE_LARGE)
                split(address);
        volatile uint64_t *table = (volatile uint64_t *) (*directory_entry & ~(uint64_t) (PAGE_SIZE - 1));
        return &table[address / PAGE_SIZE % ENTRIES];
}

static void unmap(uint64_t address)
{
        *page_table_entry(address) = 0;
        invalidate_page(address);
}

void paging_init(void)
{
        unmap(0);
        unmap((uint64_t) stack_guard);
}
