/* The kernel proper: brings everything up in order, shows a bug if the command line asks for one, then runs its tasks. */
#include "kernel.h"

static void banner(const struct boot_information *boot)
{
        set_colour(WHITE, RED);
        print(" Redzone sample kernel ");
        set_colour(LIGHT_GREY, BLACK);
        print("\n");
        print("boot: %s, loader %s\n", boot->protocol, boot->loader);
        print("command line: %s\n", boot->command_line);
        print("memory: %lu MiB usable in %u ranges\n", boot->usable_bytes >> 20, boot->usable_ranges);
}

_Noreturn void kernel_main(uint32_t magic, uint32_t information)
{
        struct boot_information boot = read_boot_information(magic, information);

        console_init();
        print("64-bit mode\n");
        options_init(boot.command_line);
        banner(&boot);

        segments_init();
        interrupts_init();
        paging_init();
        timer_init();
        keyboard_init();
        serial_input_init();
        asm volatile("sti");

        show_bug();
        tasks_init();
        run_tasks();
}
