/**
 * The launch configuration: what the keys of launch.json mean, and the machine that a configuration describes.
 *
 * Invariant: a key that is not in the table, or has the wrong type, is refused by name; nothing is dropped silently.
 * Elsewhere: the keys themselves (`attributes.ts`), QEMU's words (`cli/options.ts`), reading the files and booting (`boot.ts`).
 */
import type { LoaderName, MachineConfig } from "../emulator/index.ts";
import {
  ATTRIBUTES,
  isBoolean,
  isInteger,
  isRecord,
  isString,
  offset,
  type JsonSchema,
} from "./attributes.ts";
import {
  canBoot,
  parseQemuOptions,
  TRANSLATOR_MODES,
  type DriveOption,
  type FwCfgOption,
  type QemuOptions,
} from "./cli/options.ts";
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
  /** Null: firmware boots from the drives. */
  readonly kernel: string | null;
  readonly append: string;
  readonly modules: readonly { readonly path: string; readonly arguments: string }[];
  readonly loader: "auto" | LoaderName;
  readonly machine: MachineConfig;
  readonly drives: readonly DriveOption[];
  readonly firmware: string | null;
  /** The VGA's expansion ROM; null: the one beside the firmware, if there is one. */
  readonly vgaRom: string | null;
  readonly fwCfg: readonly FwCfgOption[];
  readonly cwd: string;
  readonly stopOnEntry: boolean;
  readonly symbols: readonly SymbolFile[];
  /** The Linux kernel's file with symbols, wherever it runs. */
  readonly vmlinux: string | null;
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

/** Keys that the editor adds to every configuration. */
const FROM_EDITOR: ReadonlySet<string> = new Set([
  "name", "type", "request", "noDebug", "preLaunchTask", "postDebugTask", "internalConsoleOptions", "presentation", "debugServer",
  "serverReadyAction", "suppressMultipleSessionWarning", "windows", "linux", "osx", "trace",
]); // oxfmt-ignore

/** Keys whose values are those of an option. */
const SAME_AS_OPTION = {
  smp: "-smp",
  cpu: "-cpu",
  cdrom: "-cdrom",
  floppy: "-fda",
  bios: "-bios",
  boot: "-boot",
} as const;

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
  const qemu = parseQemu(string("qemu"), string("memory"));
  const kernel = string("kernel") ?? qemu?.kernel ?? null;
  const keys = parseKeys(given);
  const drives = keys.drives.length > 0 ? keys.drives : (qemu?.drives ?? []);
  const firmware = keys.firmware ?? qemu?.firmware ?? null;
  if (!canBoot({ kernel, drives, firmware })) throw nothingToBoot();
  const args = get("args") as string | readonly string[] | undefined;
  const append =
    string("append") ??
    (args === undefined ? undefined : isString(args) ? args : args.join(" ")) ??
    qemu?.append ??
    "";
  return {
    kernel: kernel === "" ? null : kernel,
    append,
    modules: parseModules(get("initrd")) ?? qemu?.modules ?? [],
    loader: (string("loader") as LaunchConfiguration["loader"] | undefined) ?? "auto",
    machine: parseMachine(given, qemu, keys),
    drives,
    firmware,
    vgaRom: qemu?.vgaRom ?? null,
    fwCfg: qemu?.fwCfg ?? [],
    cwd: string("cwd") ?? "",
    stopOnEntry: (get("stopOnEntry") as boolean | undefined) ?? true,
    symbols: parseSymbols(get("symbols")),
    vmlinux: string("vmlinux") ?? null,
    sourceMap: new Map(Object.entries((get("sourceMap") as Record<string, string> | undefined) ?? {})),
    serial: (string("serial") as LaunchConfiguration["serial"] | undefined) ?? "terminal",
    disassemblyFlavor: (string("disassemblyFlavor") as Syntax | undefined) ?? "att",
    noDebug: get("noDebug") === true,
    realTime: (get("realTime") as boolean | undefined) ?? true,
    notes: [...(qemu?.notes ?? []), ...keys.notes],
  };
}

/** `memory` is the key of that name: what DIMMs are checked against. */
function parseQemu(line: string | undefined, memory: string | undefined): QemuOptions | null {
  if (memory !== undefined) {
    const size = parseQemuOptions(["-m", memory]);
    if (size.kind === "error") throw badMemorySize(memory, size.text);
  }
  if (line === undefined) return null;
  const words = splitWords(line.replaceAll(/\\\r?\n/g, " "));
  if (isString(words)) throw badCommandLine(words);
  const [first] = words;
  const options = first !== undefined && !first.startsWith("-") ? words.slice(1) : words;
  const parsed = parseQemuOptions(memory === undefined ? options : [...options, "-m", memory]);
  if (parsed.kind === "error") throw badCommandLine(parsed.text);
  return parsed.options;
}

/** The keys that are QEMU's options by another name. Throws `badCommandLine`, which names the option. */
function parseKeys(given: Readonly<Record<string, unknown>>): QemuOptions {
  const words: string[] = [];
  // With a "qemu" line the size is known to it, beside the DIMMs on it.
  if (isString(given["memory"]) && !isString(given["qemu"])) words.push("-m", given["memory"]);
  for (const [key, option] of Object.entries(SAME_AS_OPTION)) {
    const value = given[key];
    if (isString(value) || isInteger(value)) words.push(option, String(value));
  }
  const quote = (text: string): string => text.replaceAll(",", ",,");
  for (const entry of (given["drives"] as readonly unknown[] | undefined) ?? []) {
    const drive = isString(entry) ? { file: entry } : (entry as Readonly<Record<string, unknown>>);
    const parts = Object.entries(drive).map(([key, value]) => {
      const text = isBoolean(value) ? (value ? "on" : "off") : quote(String(value));
      return `${key === "interface" ? "if" : key === "readOnly" ? "readonly" : key}=${text}`;
    });
    words.push("-drive", parts.join(","));
  }
  const parsed = parseQemuOptions(words);
  if (parsed.kind === "error") throw badCommandLine(parsed.text);
  return parsed.options;
}

function parseMachine(
  given: Readonly<Record<string, unknown>>,
  qemu: QemuOptions | null,
  keys: QemuOptions,
): MachineConfig {
  const { ramBytes, ...own } = keys.machine;
  const machine: { -readonly [K in keyof MachineConfig]: MachineConfig[K] } = {
    ramBytes,
    ...qemu?.machine,
    ...own,
  };
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
  const translator = TRANSLATOR_MODES.find((mode) => mode === given["translator"]);
  if (translator !== undefined) machine.translator = translator;
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
