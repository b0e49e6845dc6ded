/* Words of the form name=value on the command line, and the one that ends everything. */
#include "kernel.h"

enum { DEBUG_EXIT = 0xf4 };

/* A copy, since the boot loader's memory is free to be used. */
static char words[256];

void options_init(const char *command_line)
{
        for (size_t n = 0; n < sizeof words - 1 && command_line[n]; n++)
                words[n] = command_line[n];
}

const char *option(const char *name)
{
        for (const char *word = words; *word; word++) {
                if (word != words && word[-1] != ' ')
                        continue;
                const char *w = word, *n = name;
                while (*n && *w == *n)
                        w++, n++;
                if (*n == 0 && *w == '=')
                        return w + 1;
        }
        return NULL;
}

bool option_is(const char *name, const char *value)
{
        const char *given = option(name);

        if (given == NULL)
                return false;
        while (*value && *given == *value)
                given++, value++;
        return *value == 0 && (*given == 0 || *given == ' ');
}

/* The device isa-debug-exit ends the emulator with status (N << 1) | 1. */
void exit_if_asked(void)
{
        const char *digits = option("exit");
        unsigned value = 0;

        if (digits == NULL)
                return;
        for (; *digits >= '0' && *digits <= '9'; digits++)
                value = value * 10 + (unsigned) (*digits - '0');
        print("exit %u\n", value);
        outb(DEBUG_EXIT, (uint8_t) value);
}
