/*
 * A 32-bit image that starts a 64-bit one: for kernels whose loader refuses ELF64, after the pattern of IncludeOS.
 *
 * A Multiboot loader loads this image, and the kernel as its first module. It reads the module's program headers, hands the remaining modules and the
 * module's string on as the kernel's own, and lets hotswap.S copy the segments into place and jump to the entry point, which is 32-bit code again.
 *
 *   0x2000  hotswap (code)      0x2100  its list of copies      0x8000  the kernel's command line
 */
#include <stdint.h>

struct multiboot_information {
        uint32_t flags;
        uint32_t mem_lower, mem_upper;
        uint32_t boot_device;
        uint32_t cmdline;
        uint32_t mods_count, mods_addr;
};

struct multiboot_module {
        uint32_t start, end;
        uint32_t string;
        uint32_t reserved;
};

struct elf64_header {
        uint8_t ident[16];
        uint16_t type, machine;
        uint32_t version;
        uint64_t entry, phoff, shoff;
        uint32_t flags;
        uint16_t ehsize, phentsize, phnum;
};

struct elf64_program_header {
        uint32_t type, flags;
        uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

enum { PT_LOAD = 1, EM_X86_64 = 62, ELFCLASS64 = 2 };

/* What hotswap does with one segment; the last entry says where to go on. */
struct copy {
        uint32_t to;
        union { uint32_t from; uint32_t entry; };
        union { uint32_t bytes; uint32_t magic; };
        union { uint32_t zeros; uint32_t information; };
};

#define COMMAND_LINE    ((char *) 0x8000)
#define COMMAND_LINE_MAX 0x1000

/* Given by the linker script: hotswap where it runs, where it is stored, and the room behind it. */
extern char hotswap_run[], hotswap_load[], hotswap_size[];
extern struct copy copies[], copies_end[];
void hotswap(struct copy *list);

static inline void outb(uint16_t port, uint8_t value)
{
        asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void print(const char *text)
{
        for (; *text; text++)
                outb(0x3f8, (uint8_t) *text);
}

static void print_hex(uint32_t value)
{
        char digits[] = "0x00000000";

        for (int n = 9; n > 1; n--, value >>= 4)
                digits[n] = "0123456789abcdef"[value & 15];
        print(digits);
}

/* Also what the compiler calls for copies it makes itself. */
void *memcpy(void *to, const void *from, uint32_t bytes)
{
        char *d = to;
        const char *s = from;

        while (bytes--)
                *d++ = *s++;
        return to;
}

static _Noreturn void give_up(const char *why)
{
        print("chainloader: ");
        print(why);
        print("\n");
        for (;;)
                asm volatile("cli; hlt");
}

/* The kernel's entry point as a physical address: it may be named by its virtual one. */
static uint32_t physical_entry(const struct elf64_header *elf, const struct elf64_program_header *segment)
{
        for (int n = 0; n < elf->phnum; n++, segment++)
                if (segment->type == PT_LOAD && elf->entry - segment->vaddr < segment->memsz)
                        return (uint32_t) (elf->entry - segment->vaddr + segment->paddr);
        return (uint32_t) elf->entry;
}

/* Writes the list of copies for hotswap and returns its end. */
static struct copy *plan_copies(const struct multiboot_module *module)
{
        const struct elf64_header *elf = (void *) module->start;
        const struct elf64_program_header *segment = (void *) (module->start + (uint32_t) elf->phoff);
        struct copy *copy = copies;

        for (int n = 0; n < elf->phnum; n++, segment++) {
                if (segment->type != PT_LOAD || segment->memsz == 0)
                        continue;
                if (copy + 1 == copies_end)
                        give_up("too many segments");
                copy->to = (uint32_t) segment->paddr;
                copy->from = module->start + (uint32_t) segment->offset;
                copy->bytes = (uint32_t) segment->filesz;
                copy->zeros = (uint32_t) (segment->memsz - segment->filesz);
                /* A forward copy may overlap its own source only from above, and must not reach what later ones need. */
                if (copy->to > module->start && copy->to < module->end)
                        give_up("the kernel would overwrite the module it is copied from");
                if (copy->to <= module->start && copy->to + (uint32_t) segment->memsz > module->start)
                        give_up("the kernel would overwrite the module it is copied from");
                copy++;
        }
        return copy;
}

/* The kernel is no longer a module, and its string becomes the command line. */
static void promote_module(struct multiboot_information *information)
{
        const struct multiboot_module *module = (void *) information->mods_addr;
        const char *string = (const char *) module->string;
        int length = 0;

        for (; string[length] && length < COMMAND_LINE_MAX - 1; length++)
                COMMAND_LINE[length] = string[length];
        COMMAND_LINE[length] = 0;
        information->cmdline = (uint32_t) COMMAND_LINE;
        information->mods_count--;
        information->mods_addr += sizeof *module;
}

void chainload(uint32_t magic, struct multiboot_information *information)
{
        const struct multiboot_module *module = (void *) information->mods_addr;

        if (magic != 0x2badb002)
                give_up("not started by a Multiboot 1 loader");
        if (information->mods_count == 0)
                give_up("no module: give the kernel as the first one");

        const struct elf64_header *elf = (void *) module->start;
        if (*(const uint32_t *) elf->ident != 0x464c457f || elf->ident[4] != ELFCLASS64 || elf->machine != EM_X86_64)
                give_up("the first module is not a 64-bit ELF file for x86-64");

        struct copy *last = plan_copies(module);
        last->to = 0;
        last->entry = physical_entry(elf, (void *) (module->start + (uint32_t) elf->phoff));
        last->magic = magic;
        last->information = (uint32_t) information;

        print("chainloader: entering the kernel at ");
        print_hex(last->entry);
        print("\n");

        memcpy(hotswap_run, hotswap_load, (uint32_t) hotswap_size);
        promote_module(information);
        asm volatile("cli");
        hotswap(copies);
}
