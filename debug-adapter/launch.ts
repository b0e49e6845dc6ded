/**
 * The launch configuration: what each key of launch.json means, as a table from which both the check at run time and the schema in package.json
 * come, and the machine that a configuration describes.
 *
 * Invariant: a key that is not in the table, or has the wrong type, is refused by name; nothing is dropped silently.
 * Elsewhere: QEMU's words (`cli/options.ts`), reading the files and booting (`boot.ts`).
 */
import type { LoaderName, MachineConfig } from "../emulator/index.ts";
import { LOADER_NAMES, parseMemorySize, parseQemuOptions, type QemuOptions } from "./cli/options.ts";
import { splitWords } from "./cli/words.ts";
import type { Syntax } from "./disassembly/index.ts";
import { badAttribute, badCommandLine, badMemorySize, nothingToBoot, unknownAttribute } from "./errors.ts";

export interface SymbolFile {
  readonly path: string;
  /** Added to every address in the file. */
  readonly loadOffset: bigint;
}

/** A checked configuration; paths are as they were written. */
export interface LaunchConfiguration {
  readonly kernel: string;
  readonly append: string;
  readonly modules: readonly { readonly path: string; readonly arguments: string }[];
  readonly loader: "auto" | LoaderName;
  readonly machine: MachineConfig;
  readonly cwd: string;
  readonly stopOnEntry: boolean;
  readonly symbols: readonly SymbolFile[];
  readonly sourceMap: ReadonlyMap<string, string>;
  /** Where the first serial port goes: bytes as `redzone/output` events, or lines in the Debug Console. */
  readonly serial: "terminal" | "console";
  readonly disassemblyFlavor: Syntax;
  /** Run, and ignore breakpoints. */
  readonly noDebug: boolean;
  /** Whether idle virtual time passes as real time does. */
  readonly realTime: boolean;
  /** Notes for the Debug Console. */
  readonly notes: readonly string[];
}

type JsonSchema = { readonly [key: string]: unknown };

interface Attribute {
  readonly schema: JsonSchema & { readonly markdownDescription: string };
  /** In words, for the error. */
  readonly expected: string;
  accepts(value: unknown): boolean;
}

const isString = (value: unknown): value is string => typeof value === "string";
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every(isString);
const isInteger = (value: unknown): value is number =>
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

const isSymbols = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(
    (entry) =>
      isString(entry) ||
      (isRecord(entry) &&
        isString(entry["path"]) &&
        (entry["loadOffset"] === undefined || offset(entry["loadOffset"]) !== null)),
  );

const ATTRIBUTES: { readonly [name: string]: Attribute } = {
  kernel: text("The kernel to boot: an ELF file (32 or 64 bits) or a flat image with a Multiboot header."),
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
        "Boot modules, each `path arguments`; a string may hold several with commas between, as QEMU's `-initrd`.",
    },
    expected: "a string or a list of strings",
    accepts: (value) => isString(value) || isStrings(value),
  },
  loader: choice(LOADER_NAMES, "auto", "How the kernel is loaded.", [
    "The first that fits: Multiboot 1, Multiboot 2",
    "Multiboot 1, ELF64 included",
    "Multiboot 2",
    "A 32-bit chainloader starts first and hands over to the kernel, which it was given as a module",
  ]),
  memory: text("Size of memory in QEMU's `-m` syntax: `128M`, `4G,slots=2,maxmem=16G`.", { default: "128M" }),
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
  disassemblyFlavor: choice(["att", "intel"], "att", "Syntax of the disassembly.", [
    "AT&T, as GNU as",
    "Intel, as NASM",
  ]),
};

/** Keys that the editor adds to every configuration. */
const FROM_EDITOR: ReadonlySet<string> = new Set([
  "name", "type", "request", "noDebug", "preLaunchTask", "postDebugTask", "internalConsoleOptions", "presentation", "debugServer",
  "serverReadyAction", "suppressMultipleSessionWarning", "windows", "linux", "osx", "trace",
]); // oxfmt-ignore

/** The schema of package.json's `contributes.debuggers[].configurationAttributes.launch`. */
export const launchAttributes: JsonSchema = {
  required: [],
  properties: Object.fromEntries(Object.entries(ATTRIBUTES).map(([name, { schema }]) => [name, schema])),
};

/** Checks a configuration. `isOurs` lets a caller of the protocol pass keys of its own, which begin with "__". Throws errors of 10xx. */
export function parseLaunch(given: unknown): LaunchConfiguration {
  if (!isRecord(given)) throw badAttribute("launch", "an object", given);
  for (const [name, value] of Object.entries(given)) {
    if (FROM_EDITOR.has(name) || name.startsWith("__") || value === null || value === undefined) continue;
    const attribute = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] : undefined;
    if (attribute === undefined) throw unknownAttribute(name, nearest(name));
    if (!attribute.accepts(value)) throw badAttribute(name, attribute.expected, value);
  }
  const get = (name: string): unknown => given[name] ?? undefined;
  const string = (name: string): string | undefined => get(name) as string | undefined;
  const qemu = parseQemu(string("qemu"));
  const kernel = string("kernel") ?? qemu?.kernel ?? null;
  if (kernel === null || kernel === "") throw nothingToBoot();
  const args = get("args") as string | readonly string[] | undefined;
  const append =
    string("append") ??
    (args === undefined ? undefined : isString(args) ? args : args.join(" ")) ??
    qemu?.append ??
    "";
  return {
    kernel,
    append,
    modules: parseModules(get("initrd")) ?? qemu?.modules ?? [],
    loader: (string("loader") as LaunchConfiguration["loader"] | undefined) ?? "auto",
    machine: parseMachine(given, qemu),
    cwd: string("cwd") ?? "",
    stopOnEntry: (get("stopOnEntry") as boolean | undefined) ?? true,
    symbols: parseSymbols(get("symbols")),
    sourceMap: new Map(Object.entries((get("sourceMap") as Record<string, string> | undefined) ?? {})),
    serial: (string("serial") as LaunchConfiguration["serial"] | undefined) ?? "terminal",
    disassemblyFlavor: (string("disassemblyFlavor") as Syntax | undefined) ?? "att",
    noDebug: get("noDebug") === true,
    realTime: (get("realTime") as boolean | undefined) ?? true,
    notes: qemu?.notes ?? [],
  };
}

function parseQemu(line: string | undefined): QemuOptions | null {
  if (line === undefined) return null;
  const words = splitWords(line.replaceAll(/\\\r?\n/g, " "));
  if (isString(words)) throw badCommandLine(words);
  const [first] = words;
  const parsed = parseQemuOptions(first !== undefined && !first.startsWith("-") ? words.slice(1) : words);
  if (parsed.kind === "error") throw badCommandLine(parsed.text);
  return parsed.options;
}

function parseMachine(given: Readonly<Record<string, unknown>>, qemu: QemuOptions | null): MachineConfig {
  const machine: { -readonly [K in keyof MachineConfig]: MachineConfig[K] } = {
    ramBytes: 128 * 2 ** 20,
    ...qemu?.machine,
  };
  const memory = given["memory"];
  if (isString(memory)) {
    const size = parseMemorySize(memory);
    if (size === null) throw badMemorySize(memory);
    Object.assign(machine, size);
  }
  const exit = given["debugExit"];
  if (exit === true) machine.debugExit = { iobase: 0xf4, iosize: 4 };
  else if (exit === false) delete machine.debugExit;
  else if (isRecord(exit)) {
    const iobase = offset(exit["iobase"]) ?? 0x501n;
    const iosize = offset(exit["iosize"]) ?? 2n;
    if (iobase < 0n || iosize < 1n || iobase + iosize > 0x10000n)
      throw badAttribute("debugExit", "a range of ports below 0x10000", exit);
    machine.debugExit = { iobase: Number(iobase), iosize: Number(iosize) };
  }
  if (isBoolean(given["noReboot"])) machine.noReboot = given["noReboot"];
  if (isInteger(given["seed"])) machine.seed = given["seed"];
  const base = given["rtcBase"];
  if (isString(base)) {
    const parsed = parseQemuOptions(["-rtc", `base=${base}`]);
    if (parsed.kind === "error" || parsed.options.machine.rtcBase === undefined)
      throw badAttribute("rtcBase", "a date such as 2026-01-01T00:00:00, or utc", base);
    machine.rtcBase = parsed.options.machine.rtcBase;
  }
  const icount = given["icount"];
  if (isString(icount)) {
    const parsed = parseQemuOptions(["-icount", icount]);
    const pace = parsed.kind === "error" ? undefined : parsed.options.machine.nanosecondsPerInstant;
    if (pace === undefined) throw badAttribute("icount", "shift=N with N from 0 to 10", icount);
    machine.nanosecondsPerInstant = pace;
  }
  return machine;
}

function parseModules(given: unknown): LaunchConfiguration["modules"] | null {
  if (given === undefined) return null;
  // Commas separate modules in QEMU's way, but not inside a list, where each entry is one.
  const line = isString(given)
    ? given
    : (given as readonly string[]).map((entry) => entry.replaceAll(",", ",,")).join(",");
  const parsed = parseQemuOptions(["-kernel", "-", "-initrd", line]);
  if (parsed.kind === "error") throw badAttribute("initrd", "a list of files", given);
  return line === "" ? [] : parsed.options.modules;
}

function parseSymbols(given: unknown): readonly SymbolFile[] {
  if (!Array.isArray(given)) return [];
  return given.map((entry: unknown): SymbolFile => {
    if (isString(entry)) return { path: entry, loadOffset: 0n };
    const record = entry as Readonly<Record<string, unknown>>;
    return { path: record["path"] as string, loadOffset: offset(record["loadOffset"]) ?? 0n };
  });
}

/** A number, or a string such as "0x1000" or "-0x40000000"; null if it is neither. */
function offset(value: unknown): bigint | null {
  if (isInteger(value)) return BigInt(value);
  const match = isString(value) ? /^\s*(-?)(0x[0-9a-fA-F]+|\d+)\s*$/.exec(value) : null;
  return match === null ? null : match[1] === "-" ? -BigInt(match[2]!) : BigInt(match[2]!);
}

/** The known name that differs in the fewest letters, if it is close. */
function nearest(name: string): string | undefined {
  let best: string | undefined;
  let least = 3;
  for (const known of Object.keys(ATTRIBUTES)) {
    const distance = editDistance(name.toLowerCase(), known.toLowerCase());
    if (distance < least) [best, least] = [known, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= Math.min(a.length, 64); i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
