/* What the boot loader tells: Multiboot 1 has one structure with flags, Multiboot 2 a list of tags. */
#include "kernel.h"

enum { MULTIBOOT1 = 0x2badb002, MULTIBOOT2 = 0x36d76289 };
enum { HAS_COMMAND_LINE = 1 << 2, HAS_MAP = 1 << 6, HAS_LOADER_NAME = 1 << 9, USABLE = 1 };

struct multiboot1_information {
        uint32_t flags;
        uint32_t mem_lower, mem_upper;
        uint32_t boot_device;
        uint32_t command_line;
        uint32_t mods_count, mods_addr;
        uint32_t syms[4];
        uint32_t mmap_length, mmap_addr;
        uint32_t drives_length, drives_addr;
        uint32_t config_table;
        uint32_t loader_name;
};

/* The size comes first and does not count itself. */
struct multiboot1_map_entry {
        uint32_t size;
        uint64_t base, length;
        uint32_t type;
} __attribute__((packed));

enum multiboot2_tag_type { END, COMMAND_LINE, LOADER_NAME, MAP = 6 };

struct multiboot2_tag {
        enum multiboot2_tag_type type;
        uint32_t size;
        union {
                char text[0];
                struct {
                        uint32_t entry_size, entry_version;
                        struct multiboot2_map_entry {
                                uint64_t base, length;
                                uint32_t type, reserved;
                        } entries[0];
                } map;
        };
};

static void add_range(struct boot_information *boot, uint32_t type, uint64_t length)
{
        if (type != USABLE)
                return;
        boot->usable_bytes += length;
        boot->usable_ranges++;
}

static void read_multiboot1(struct boot_information *boot, uint64_t address)
{
        const struct multiboot1_information *information = (const void *) address;

        boot->protocol = "Multiboot 1";
        if (information->flags & HAS_COMMAND_LINE)
                boot->command_line = (const char *) (uint64_t) information->command_line;
        if (information->flags & HAS_LOADER_NAME)
                boot->loader = (const char *) (uint64_t) information->loader_name;
        if ((information->flags & HAS_MAP) == 0)
                return;
        uint64_t end = (uint64_t) information->mmap_addr + information->mmap_length;
        for (uint64_t at = information->mmap_addr; at < end;) {
                const struct multiboot1_map_entry *entry = (const void *) at;
                add_range(boot, entry->type, entry->length);
                at += entry->size + sizeof entry->size;
        }
}

static void read_multiboot2(struct boot_information *boot, uint64_t address)
{
        const struct multiboot2_tag *tag = (const void *) (address + 8);

        boot->protocol = "Multiboot 2";
        while (tag->type != END) {
                if (tag->type == COMMAND_LINE)
                        boot->command_line = tag->text;
                else if (tag->type == LOADER_NAME)
                        boot->loader = tag->text;
                else if (tag->type == MAP) {
                        unsigned count = (tag->size - 16) / tag->map.entry_size;
                        for (unsigned n = 0; n < count; n++)
                                add_range(boot, tag->map.entries[n].type, tag->map.entries[n].length);
                }
                tag = (const void *) ((uint64_t) tag + ((tag->size + 7) & ~7u));
        }
}

struct boot_information read_boot_information(uint32_t magic, uint32_t address)
{
        struct boot_information boot = { .protocol = "unknown", .loader = "unknown", .command_line = "" };

        if (magic == MULTIBOOT1)
                read_multiboot1(&boot, address);
        else if (magic == MULTIBOOT2)
                read_multiboot2(&boot, address);
        return boot;
}
