/* Channel 0 of the 8254 interval timer: an interrupt 100 times a second. */
#include "kernel.h"

enum { PIT_HERTZ = 1193182, CHANNEL0 = 0x40, COMMAND = 0x43, SQUARE_WAVE = 0x36 };

volatile uint64_t ticks;

static void tick(void)
{
        ticks++;
}

void timer_init(void)
{
        uint16_t divisor = PIT_HERTZ / TICKS_PER_SECOND;

        outb(COMMAND, SQUARE_WAVE);
        outb(CHANNEL0, (uint8_t) divisor);
        outb(CHANNEL0, (uint8_t) (divisor >> 8));
        set_irq_handler(TIMER_IRQ, tick);
}
