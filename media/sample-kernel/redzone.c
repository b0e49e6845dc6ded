/*
 * A leaf function that keeps its variables in the red zone: the 128 bytes below the stack pointer, which the System V ABI promises will not be touched.
 *
 * The promise does not hold in a kernel: an interrupt that stays on the same stack pushes its frame exactly there. That is why kernels are
 * compiled with -mno-red-zone, and so is this one, all but this file.
 */
#include "kernel.h"

/* Adds up eight numbers, taking its time: until a given tick has come. */
uint64_t sum_in_red_zone(uint64_t first, uint64_t until_tick)
{
        volatile uint64_t numbers[8];
        uint64_t sum = 0;

        for (int n = 0; n < 8; n++)
                numbers[n] = first + (uint64_t) n;
        while (ticks < until_tick)
                ;
        for (int n = 0; n < 8; n++)
                sum += numbers[n];
        return sum;
}
