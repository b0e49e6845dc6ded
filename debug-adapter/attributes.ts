/**
 * The keys of a launch configuration as a table: for each its schema, and whether a value may be its. From it come the check at run time, the schema in
 * package.json and the table in the README.
 *
 * Elsewhere: what the keys do (`launch.ts`).
 */
import { LOADER_NAMES, TRANSLATOR_MODES } from "./cli/options.ts";

export type JsonSchema = { readonly [key: string]: unknown };

export interface Attribute {
  readonly schema: JsonSchema & { readonly markdownDescription: string };
  /** In words, for the error. */
  readonly expected: string;
  accepts(value: unknown): boolean;
}

export const isString = (value: unknown): value is string => typeof value === "string";
export const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every(isString);
export const isInteger = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value);

const text = (markdownDescription: string, more: JsonSchema = {}): Attribute => ({
  schema: { type: "string", markdownDescription, ...more },
  expected: "a string",
  accepts: isString,
});
const flag = (markdownDescription: string, initial: boolean): Attribute => ({
  schema: { type: "boolean", markdownDescription, default: initial },
  expected: "true or false",
  accepts: isBoolean,
});
const choice = (
  values: readonly string[],
  initial: string,
  markdownDescription: string,
  details: readonly string[],
): Attribute => ({
  schema: { type: "string", enum: values, enumDescriptions: details, default: initial, markdownDescription },
  expected: `one of ${values.map((value) => `"${value}"`).join(", ")}`,
  accepts: (value) => isString(value) && values.includes(value),
});

/** Properties of an entry of "drives"; the names of QEMU's `-drive` where they are not these. */
const DRIVE_PROPERTIES = {
  file: { type: "string", description: "The image." },
  interface: { type: "string", enum: ["ide", "virtio", "floppy"], default: "ide" },
  format: { type: "string", enum: ["raw", "qcow2"], description: "Found out if missing." },
  media: { type: "string", enum: ["disk", "cdrom"], default: "disk" },
  readOnly: { type: "boolean", default: false },
  snapshot: {
    type: "boolean",
    description: "false: writes go to the image; going back in time does not take them back.",
    default: true,
  },
  serial: { type: "string", description: "Serial number of the disk." },
} as const;

const isDrives = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(
    (entry: unknown) =>
      isString(entry) ||
      (isRecord(entry) &&
        isString(entry["file"]) &&
        Object.entries(entry).every(([key, property]) => {
          const schema = Object.hasOwn(DRIVE_PROPERTIES, key)
            ? DRIVE_PROPERTIES[key as keyof typeof DRIVE_PROPERTIES]
            : null;
          if (schema === null || typeof property !== schema.type) return false;
          return !("enum" in schema) || (schema.enum as readonly unknown[]).includes(property);
        })),
  );

const LOADER_TEXTS: { readonly [name in (typeof LOADER_NAMES)[number]]: string } = {
  auto: "The first that fits",
  linux: "Linux bzImage through its 64-bit entry",
  linux32: "Linux bzImage through its 32-bit entry",
  linux16: "Linux bzImage from its real-mode setup code on",
  multiboot1: "Multiboot 1, ELF64 included",
  multiboot2: "Multiboot 2",
  pvh: "An ELF file with a PVH note",
  vmlinux: "Linux's uncompressed ELF file, at its 64-bit entry",
  chainloader:
    "A 32-bit chainloader starts first and hands over to the kernel, which it was given as a module",
};

const isSymbols = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(
    (entry) =>
      isString(entry) ||
      (isRecord(entry) &&
        isString(entry["path"]) &&
        (entry["loadOffset"] === undefined || offset(entry["loadOffset"]) !== null)),
  );

export const ATTRIBUTES: { readonly [name: string]: Attribute } = {
  kernel: text(
    "The kernel to boot: a Linux bzImage or vmlinux, an ELF file (32 or 64 bits) or a flat image with a Multiboot header, an ELF file with a PVH note.",
  ),
  append: text("Command line of the kernel, as QEMU's `-append`."),
  args: {
    schema: {
      type: ["string", "array"],
      items: { type: "string" },
      markdownDescription: "Another name for `append`; a list is joined with blanks.",
    },
    expected: "a string or a list of strings",
    accepts: (value) => isString(value) || isStrings(value),
  },
  initrd: {
    schema: {
      type: ["string", "array"],
      items: { type: "string" },
      markdownDescription:
        "Linux's initial RAM disk, or boot modules, each `path arguments`; a string may hold several with commas between, as QEMU's `-initrd`.",
    },
    expected: "a string or a list of strings",
    accepts: (value) => isString(value) || isStrings(value),
  },
  loader: choice(
    LOADER_NAMES,
    "auto",
    "How the kernel is loaded.",
    LOADER_NAMES.map((name) => LOADER_TEXTS[name]),
  ),
  memory: text("Size of memory in QEMU's `-m` syntax: `128M`, `4G,slots=2,maxmem=16G`.", { default: "128M" }),
  smp: {
    schema: {
      type: ["integer", "string"],
      markdownDescription: "Number of processors, as QEMU's `-smp`; each is a thread in the Call Stack.",
      default: 1,
    },
    expected: "a number of processors from 1 to 255",
    accepts: (value) => isString(value) || isInteger(value),
  },
  cpu: text("Processor model in QEMU's words: `max`, `qemu64`, `Nehalem,+rdrand,-sse4.2`.", {
    default: "max",
  }),
  drives: {
    schema: {
      type: "array",
      items: {
        anyOf: [
          { type: "string" },
          {
            type: "object",
            required: ["file"],
            additionalProperties: false,
            properties: DRIVE_PROPERTIES,
          },
        ],
      },
      markdownDescription:
        "Disk images, raw or qcow2. What the guest writes stays in the machine and is gone with it, unless `snapshot` is `false`.",
    },
    expected:
      'a list of paths or of { "file", "interface", "format", "media", "readOnly", "snapshot", "serial" }',
    accepts: isDrives,
  },
  cdrom: text("Image of a CD in the drive that QEMU's `-cdrom` has."),
  floppy: text("Image of the first floppy disk, as QEMU's `-fda`."),
  bios: text(
    "A firmware image, as QEMU's `-bios`; without one the built-in BIOS services start what is on the disks.",
  ),
  boot: text("Order of booting without a kernel, as QEMU's `-boot`: `a` floppy, `c` disk, `d` CD.", {
    default: "cad",
  }),
  qemu: text(
    "A `qemu-system-x86_64` command line, as it is. What is not supported is named. Other keys come first.",
  ),
  cwd: text("Directory that relative paths start from.", { default: "${workspaceFolder}" }),
  stopOnEntry: flag("Stop before the kernel's first instruction.", true),
  symbols: {
    schema: {
      type: "array",
      items: {
        anyOf: [
          { type: "string" },
          {
            type: "object",
            required: ["path"],
            additionalProperties: false,
            properties: {
              path: { type: "string", description: "ELF file with symbols." },
              loadOffset: {
                type: ["integer", "string"],
                description: "Added to every address in the file.",
                default: 0,
              },
            },
          },
        ],
      },
      markdownDescription:
        "More files with symbols: modules, a kernel that the image contains, separate debug information.",
    },
    expected: 'a list of paths or of { "path", "loadOffset" }',
    accepts: isSymbols,
  },
  vmlinux: text(
    "The file with the symbols of the Linux kernel that boots: its `vmlinux`, or the one of the distribution's debug package. Where the kernel runs (KASLR) is found out.",
  ),
  sourceMap: {
    schema: {
      type: "object",
      additionalProperties: { type: "string" },
      markdownDescription:
        'Where sources are now: from the prefix that the compiler recorded to a directory here, `{ "/build/kernel": "${workspaceFolder}" }`.',
    },
    expected: "an object of strings",
    accepts: (value) => isRecord(value) && Object.values(value).every(isString),
  },
  serial: choice(["terminal", "console"], "terminal", "Where the first serial port goes.", [
    "A terminal, which also takes input",
    "The Debug Console, line by line",
  ]),
  noReboot: flag("A reset by the guest ends the session, as QEMU's `-no-reboot`.", false),
  debugExit: {
    schema: {
      type: ["boolean", "object"],
      additionalProperties: false,
      properties: { iobase: { type: ["integer", "string"] }, iosize: { type: ["integer", "string"] } },
      markdownDescription:
        "An isa-debug-exit device, through which the guest ends the machine with a code. `true` puts it at port 0xf4.",
    },
    expected: 'true, false or { "iobase", "iosize" }',
    accepts: (value) =>
      isBoolean(value) ||
      (isRecord(value) &&
        Object.entries(value).every(([key, entry]) => /^io(base|size)$/.test(key) && offset(entry) !== null)),
  },
  rtcBase: text(
    "Date that the real-time clock starts at, as QEMU's `-rtc base=`: `2026-01-01T00:00:00`, `utc`.",
    { default: "2026-01-01T00:00:00" },
  ),
  icount: text(
    "Time that an instruction takes, as QEMU's `-icount`: `shift=N` means 2^N nanoseconds, N from 0 to 10. Kernels that busy-wait boot sooner with a larger one.",
    { default: "shift=0" },
  ),
  seed: {
    schema: {
      type: "integer",
      markdownDescription: "Seed of everything random that the guest can read.",
      default: 0,
    },
    expected: "an integer",
    accepts: isInteger,
  },
  realTime: flag("Let idle time pass as fast as real time does; without it, waiting takes no time.", true),
  translator: choice(
    TRANSLATOR_MODES,
    "on",
    "Whether hot code is translated, as the command line's `-accel redzone,translator=`. What the guest does is the same; it is only faster or slower.",
    [
      "What runs often is translated",
      "What runs a little more than once is translated: for tests",
      "Everything is interpreted",
      "Everything is translated before it runs for the first time, which is slow: for tests",
    ],
  ),
  disassemblyFlavor: choice(["att", "intel"], "att", "Syntax of the disassembly.", [
    "AT&T, as GNU as",
    "Intel, as NASM",
  ]),
};

/** A number, or a string such as "0x1000" or "-0x40000000"; null if it is neither. */
export function offset(value: unknown): bigint | null {
  if (isInteger(value)) return BigInt(value);
  const match = isString(value) ? /^\s*(-?)(0x[0-9a-fA-F]+|\d+)\s*$/.exec(value) : null;
  return match === null ? null : match[1] === "-" ? -BigInt(match[2]!) : BigInt(match[2]!);
}
