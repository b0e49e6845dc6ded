/* Text to two places at once: the serial port COM1 and the VGA screen, 80 × 25 cells of character and colour at 0xb8000. */
#include <stdarg.h>

#include "kernel.h"

enum { COLUMNS = 80, ROWS = 25 };
enum { COM1 = 0x3f8, LINE_STATUS = 5, TRANSMITTER_EMPTY = 0x20 };
enum { CRTC_INDEX = 0x3d4, CRTC_DATA = 0x3d5, CURSOR_HIGH = 14, CURSOR_LOW = 15 };

struct cell {
        char character;
        uint8_t foreground : 4;
        uint8_t background : 4;
};

static volatile struct cell (*const screen)[COLUMNS] = (void *) 0xb8000;

static struct {
        int column, row;
        enum colour foreground, background;
} cursor = { 0, 0, LIGHT_GREY, BLACK };

static void put_cell(int column, int row, char c)
{
        struct cell cell = { c, cursor.foreground, cursor.background };

        screen[row][column] = cell;
}

static void move_cursor(void)
{
        uint16_t position = (uint16_t) (cursor.row * COLUMNS + cursor.column);

        outb(CRTC_INDEX, CURSOR_HIGH);
        outb(CRTC_DATA, (uint8_t) (position >> 8));
        outb(CRTC_INDEX, CURSOR_LOW);
        outb(CRTC_DATA, (uint8_t) position);
}

static void clear_row(int row)
{
        for (int column = 0; column < COLUMNS; column++)
                put_cell(column, row, ' ');
}

static void scroll(void)
{
        for (int row = 1; row < ROWS; row++)
                for (int column = 0; column < COLUMNS; column++)
                        screen[row - 1][column] = screen[row][column];
        clear_row(ROWS - 1);
        cursor.row = ROWS - 1;
}

static void put_screen(char c)
{
        if (c == '\n') {
                cursor.column = 0;
                cursor.row++;
        } else if (c == '\b') {
                if (cursor.column > 0)
                        put_cell(--cursor.column, cursor.row, ' ');
        } else {
                put_cell(cursor.column++, cursor.row, c);
                if (cursor.column == COLUMNS) {
                        cursor.column = 0;
                        cursor.row++;
                }
        }
        if (cursor.row == ROWS)
                scroll();
        move_cursor();
}

static void put_serial(char c)
{
        while ((inb(COM1 + LINE_STATUS) & TRANSMITTER_EMPTY) == 0)
                ;
        outb(COM1, (uint8_t) c);
}

void console_init(void)
{
        for (int row = 0; row < ROWS; row++)
                clear_row(row);
        move_cursor();
}

void set_colour(enum colour foreground, enum colour background)
{
        cursor.foreground = foreground;
        cursor.background = background;
}

void put_char(char c)
{
        if (c == '\n')
                put_serial('\r');
        put_serial(c);
        put_screen(c);
}

void print_at(int column, int row, const char *text)
{
        for (; *text && column < COLUMNS; text++)
                put_cell(column++, row, *text);
}

static void print_number(uint64_t value, unsigned base, int width, char pad)
{
        char digits[20];
        int count = 0;

        do {
                digits[count++] = "0123456789abcdef"[value % base];
                value /= base;
        } while (value != 0);
        for (; width > count; width--)
                put_char(pad);
        while (count > 0)
                put_char(digits[--count]);
}

void print(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        for (; *format; format++) {
                if (*format != '%') {
                        put_char(*format);
                        continue;
                }
                char pad = *++format == '0' ? '0' : ' ';
                int width = 0;
                while (*format >= '0' && *format <= '9')
                        width = width * 10 + (*format++ - '0');
                bool is_long = *format == 'l';
                if (is_long)
                        format++;

                switch (*format) {
                case 's':
                        for (const char *text = va_arg(arguments, const char *); *text; text++)
                                put_char(*text);
                        break;
                case 'c':
                        put_char((char) va_arg(arguments, int));
                        break;
                case 'd': {
                        int value = va_arg(arguments, int);
                        if (value < 0)
                                put_char('-');
                        print_number(value < 0 ? -(uint64_t) value : (uint64_t) value, 10, width, pad);
                        break;
                }
                case 'u':
                        print_number(is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned), 10, width, pad);
                        break;
                case 'p':
                        print("0x");
                        print_number((uint64_t) va_arg(arguments, void *), 16, width, pad);
                        break;
                case 'x':
                        print_number(is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned), 16, width, pad);
                        break;
                default:
                        put_char(*format);
                }
        }
        va_end(arguments);
}
