/* Input: what is typed on the PS/2 keyboard, and what arrives on COM1, in one queue. */
#include "kernel.h"

enum { KEYBOARD_DATA = 0x60, KEYBOARD_STATUS = 0x64, OUTPUT_FULL = 1, RELEASED = 0x80, LEFT_SHIFT = 0x2a, RIGHT_SHIFT = 0x36 };
enum { COM1 = 0x3f8, INTERRUPT_ENABLE = 1, LINE_STATUS = 5, DATA_READY = 1 };

/* Scan code set 1, as the keyboard controller translates it: the character at a key's index, unshifted and shifted. */
static const char plain[] = "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

/* Filled by interrupt handlers, emptied by next_key(). */
static struct {
        char keys[64];
        volatile unsigned written, read;
} queue;

static bool shift_is_down;

static void enqueue(char key)
{
        if (queue.written - queue.read < sizeof queue.keys)
                queue.keys[queue.written++ % sizeof queue.keys] = key;
}

char next_key(void)
{
        if (queue.read == queue.written)
                return 0;
        return queue.keys[queue.read++ % sizeof queue.keys];
}

static void keyboard_interrupt(void)
{
        uint8_t scancode = inb(KEYBOARD_DATA);
        uint8_t key = scancode & (uint8_t) ~RELEASED;

        if (key == LEFT_SHIFT || key == RIGHT_SHIFT)
                shift_is_down = (scancode & RELEASED) == 0;
        else if ((scancode & RELEASED) == 0 && key < sizeof plain - 1 && plain[key] != 0)
                enqueue(shift_is_down ? shifted[key] : plain[key]);
}

static void serial_interrupt(void)
{
        while (inb(COM1 + LINE_STATUS) & DATA_READY) {
                char c = (char) inb(COM1);
                enqueue(c == '\r' ? '\n' : c == 0x7f ? '\b' : c);
        }
}

void keyboard_init(void)
{
        while (inb(KEYBOARD_STATUS) & OUTPUT_FULL)
                inb(KEYBOARD_DATA);
        set_irq_handler(KEYBOARD_IRQ, keyboard_interrupt);
}

void serial_input_init(void)
{
        outb(COM1 + INTERRUPT_ENABLE, 1);       /* when data has arrived */
        set_irq_handler(SERIAL_IRQ, serial_interrupt);
}
