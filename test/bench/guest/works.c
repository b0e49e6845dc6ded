/** The list of works, in the order in which they run. */
#include "bench.h"

const struct work works[] = {
    {"sieve", sieve, 50},
    {"crc-bits", crc_bits, 1500},
    {"crc-table", crc_table, 4000},
    {"matrix", matrix, 500},
    {"fibonacci", fibonacci, 2500},
    {"bytecode", bytecode, 4000},
    {"calls", calls, 20000},
    {"strings", strings, 1200},
    {"random", random_access, 4000},
    {"patched", patched, 30000},
    {"dot-product", dot_product, 30000},
    {"mandelbrot", mandelbrot, 120},
#if BITS == 64
    {"interrupts", interrupts, 1000},
    {"self-interrupts", self_interrupts, 4000},
    {"timer", timer_interrupts, 200},
    {"system-calls", system_calls, 2000},
    {"switches", switches, 100},
    {"page-faults", page_faults, 1000},
#endif
};
const size_t work_count = sizeof works / sizeof works[0];
