/**
 * The words of the `redzone` command: QEMU's options, and those of its own.
 *
 *     --stats               counts as a table on standard error when the machine ends; --stats=json as JSON, --stats FILE as JSON into a file
 *     --until-serial TEXT   ends when the guest has written TEXT to its first serial port
 *     --max-instructions N  ends after N instructions
 *     --at-stop COMMAND     a monitor command, run when the machine has ended; may be repeated
 *     --loader NAME         how to boot: auto, linux, multiboot1 … (`LOADER_NAMES`)
 *     --vmlinux FILE        symbols of a Linux kernel
 *     --screenshot FILE     the screen as PNG when the machine ends
 */
import { ANALYSE_USAGE, parseAnalyse, type AnalyseCommand } from "./analyse.ts";
import { canBoot, LOADER_NAMES, type QemuOptions, parseQemuOptions } from "./options.ts";

export type LoaderOption = (typeof LOADER_NAMES)[number];

export interface RunCommand {
  readonly kind: "run";
  readonly qemu: QemuOptions;
  readonly loader: LoaderOption;
  /** File with the symbols of the Linux kernel that boots. */
  readonly vmlinux: string | null;
  /** File for a picture of the screen at the end. */
  readonly screenshot: string | null;
  readonly stats: StatsOption | null;
  readonly untilSerial: string | null;
  /** In instants: retired instructions plus delivered events. */
  readonly maxInstructions: number | null;
  readonly atStop: readonly string[];
}

/** Where counts go at the end: to standard error as a table or JSON, or into a file as JSON. */
export type StatsOption =
  | { readonly kind: "table" }
  | { readonly kind: "json" }
  | { readonly kind: "file"; readonly path: string };

export type Command =
  | RunCommand
  | AnalyseCommand
  | { readonly kind: "dap" }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" }
  | { readonly kind: "error"; readonly text: string };

/** Reads the words after the program's name. */
export function parseCommand(words: readonly string[]): Command {
  if (words.length === 1 && words[0] === "dap") return { kind: "dap" };
  const isAnalyse = words[0] === "analyse" || words[0] === "analyze";
  if (words.length === 0 || words.some((word) => /^(-h|--?help)$/.test(word)))
    return { kind: "help", text: isAnalyse ? ANALYSE_USAGE : USAGE };
  if (isAnalyse) {
    const parsed = parseAnalyse(words.slice(1));
    return typeof parsed === "string" ? { kind: "error", text: parsed } : parsed;
  }
  if (words.some((word) => /^--?version$/.test(word))) return { kind: "version" };

  let loader: string = "auto";
  let screenshot: string | null = null;
  let vmlinux: string | null = null;
  let stats: StatsOption | null = null;
  let untilSerial: string | null = null;
  let maxInstructions: string | null = null;
  const atStop: string[] = [];
  const parsed = parseQemuOptions(
    words,
    {
      screenshot: (value) => (screenshot = value),
      vmlinux: (value) => (vmlinux = value),
      stats: (value) => (stats = statsOption(value)),
      "until-serial": (value) => (untilSerial = value),
      "max-instructions": (value) => (maxInstructions = value),
      "at-stop": (value) => atStop.push(value),
      loader: (value) => (loader = value),
    },
    new Set(["stats"]),
  );
  if (parsed.kind === "error") return parsed;
  const error = (text: string): Command => ({ kind: "error", text });
  const isLoader = (name: string): name is LoaderOption => (LOADER_NAMES as readonly string[]).includes(name);
  if (!isLoader(loader)) return error(`--loader ${String(loader)} is not one of ${LOADER_NAMES.join(", ")}`);
  if (untilSerial === "") return error("--until-serial needs a text that is not empty");
  const limit = maxInstructions === null ? null : count(maxInstructions);
  if (limit === undefined)
    return error(`--max-instructions ${String(maxInstructions)}: not a number of instructions`);
  const { options } = parsed;
  if (!canBoot(options))
    return error(
      "there is nothing to boot: name a kernel with -kernel, a disk with -drive or -hda, a CD with -cdrom, or firmware with -bios",
    );
  const readers = [
    ...options.serial,
    ...options.consoles,
    ...(options.monitor === null ? [] : [options.monitor]),
  ];
  const stdio = readers.filter((backend) => backend.kind === "stdio");
  if (stdio.length > 1 && stdio.some((backend) => !backend.monitor)) {
    return error("only one of -serial, -monitor and virtconsole can use stdio; mon:stdio lets them share it");
  }
  return {
    kind: "run",
    qemu: options,
    loader,
    vmlinux,
    screenshot,
    stats,
    untilSerial,
    maxInstructions: limit,
    atStop,
  };
}

/** A file of one of these names is "./json". */
const statsOption = (value: string): StatsOption =>
  value === "" || value === "table"
    ? { kind: "table" }
    : value === "json"
      ? { kind: "json" }
      : { kind: "file", path: value };

/** "2000000", "1e9", "500M" (decimal: instructions are not bytes). */
function count(text: string): number | undefined {
  const decimal = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 } as const;
  const match = /^(\d+(?:\.\d+)?(?:e\d+)?)([kmgt]?)$/i.exec(text);
  if (match === null) return undefined;
  const unit = match[2]!.toLowerCase() as keyof typeof decimal | "";
  const value = Math.round(Number(match[1]) * (unit === "" ? 1 : decimal[unit]));
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

export const USAGE = `usage: redzone -kernel FILE [options]      boot a kernel, its serial port on standard output
       redzone -hda FILE [options]         boot from a disk, a CD (-cdrom) or a floppy (-fda)
       redzone analyse FILE… [--json]      list the functions of a kernel, .o or .a that use the red zone (analyse --help)
       redzone dap                         serve the Debug Adapter Protocol over standard input and output

Options known from qemu-system-x86_64:
  -kernel FILE              Linux bzImage or vmlinux; Multiboot 1 or 2, ELF32 or ELF64; ELF with a PVH note
  -initrd "FILE WORDS,…"    Linux's initial RAM disk; modules, each with its words
  -append TEXT              the kernel's command line
  -m SIZE[,slots=N,maxmem=SIZE]   RAM, 128M unless said otherwise
  -smp N                    processors, which take turns in one order
  -cpu MODEL[,+FEATURE,-FEATURE]  max unless said otherwise
  -object memory-backend-ram|memory-backend-file,id=ID,size=SIZE[,mem-path=FILE,share=on]   memory; of a file, which share=on keeps up to date
  -device pc-dimm,memdev=ID[,id=ID,slot=N,addr=ADDRESS]   puts it into a slot; device_add and device_del of the monitor do it while the guest runs
  -machine pc[,max-ram-below-4g=SIZE,memory-backend=ID,hpet=off,acpi=off]
  -accel redzone,translator=on|off         whether hot code is translated; the guest cannot tell
  -hda, -hdb, -hdc, -hdd, -cdrom, -fda, -fdb FILE   images, raw or qcow2
  -drive file=FILE[,if=ide|virtio|floppy|none,format=raw|qcow2,media=disk|cdrom,index=N,readonly=on,id=ID,serial=TEXT,snapshot=off]
                            what the guest writes stays in the machine unless snapshot=off
  -device ide-hd|ide-cd|virtio-blk-pci,drive=ID[,serial=TEXT,bootindex=N]  for -drive if=none and -blockdev
  -device virtio-rng-pci; -device virtio-serial-pci with -device virtconsole,chardev=ID
  -boot order=dc            without a kernel: a floppy, c disk, d CD
  -bios FILE                firmware instead of the built-in services; vgabios-stdvga.bin beside it is the VGA's ROM
  -device VGA,romfile=FILE  another ROM for the VGA; romfile= for none
  -fw_cfg name=NAME,string=TEXT|file=FILE
  -serial, -monitor, -debugcon    stdio, mon:stdio, file:PATH, null, none
  -nographic                serial port and monitor on the terminal (Ctrl-A x ends, Ctrl-A c changes over)
  -device isa-debug-exit[,iobase=0xf4,iosize=4]
  -device isa-debugcon,chardev=ID[,iobase=0x402] with -chardev file,id=ID,path=FILE
  -no-reboot                a reset or a triple fault ends the run
  -s, -gdb tcp:[HOST]:PORT  serve GDB's remote protocol;  -S  wait for it before the first instruction
  -rtc base=DATE|utc|localtime    otherwise the clock starts at 2026-01-01
  -icount shift=N                 an instruction takes 2^N ns, N from 0 to 10; otherwise 1 ns
Options of its own:
  --until-serial TEXT       end when the guest has written TEXT to its first serial port
  --max-instructions N      end after N instructions (1e9, 500M)
  --at-stop COMMAND         run a monitor command at the end: 'info registers', 'x/8i $pc' …; may be repeated
  --vmlinux FILE            symbols of the Linux kernel, wherever it runs
  --screenshot FILE         write the screen as it is at the end, as PNG
  --stats[=json]            print what was counted at the end: instructions by engine, calls of TypeScript, TLB misses …
  --stats FILE              write it to a file, as JSON
  --loader NAME             ${LOADER_NAMES.join(", ")}
  --seed N                  of everything random that the guest can read
Exit status: that of isa-debug-exit, (value << 1) | 1, which is odd; 0 power-off, reset with -no-reboot, or --until-serial met; 2 bad command line;
  4 cannot boot; 6 triple fault; 8 halted for ever; 10 not implemented; 12 out of memory; 14 ended without the text of --until-serial;
  16 waiting for input that cannot come; 124 --max-instructions used up; 130 interrupted.
`;
