/**
 * The words of a `qemu-system-x86_64` command line, as far as they mean something here: for the `redzone` command and for the "qemu" key of a
 * launch configuration.
 *
 * Invariant: nothing is dropped silently. An option that cannot be honoured is an error with its name; one that changes nothing for the
 * guest (an accelerator, a window) is accepted with a note.
 * Elsewhere: the command's own options (`command.ts`), what the words do (`run.ts`, `debug-adapter/launch.ts`).
 */
import type { MachineConfig } from "../../emulator/index.ts";
import { keyValues, parseNumber, parseSize, splitCommas } from "./words.ts";

/** Where a character device goes. "none" is no device in QEMU; here the device stays and what it says is dropped. */
export type Backend =
  /** `monitor`: keys after Ctrl-A belong to the host, and Ctrl-C to the guest (mon:stdio, -nographic). */
  | { readonly kind: "stdio"; readonly monitor: boolean }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "none" };

export interface ModuleOption {
  readonly path: string;
  /** What follows the file name: the guest gets "path arguments". */
  readonly arguments: string;
}

export const LOADER_NAMES = ["auto", "multiboot1", "multiboot2", "chainloader"] as const;

export interface QemuOptions {
  readonly kernel: string | null;
  readonly append: string;
  readonly modules: readonly ModuleOption[];
  readonly machine: MachineConfig;
  /** By port; missing: not said. */
  readonly serial: readonly Backend[];
  readonly debugcon: Backend | null;
  /** Port 0x402, where SeaBIOS talks. */
  readonly seabios: Backend | null;
  readonly monitor: Backend | null;
  readonly gdb: { readonly host: string; readonly port: number } | null;
  /** -S */
  readonly startStopped: boolean;
  readonly noShutdown: boolean;
  /** What was accepted but has no effect, in sentences. */
  readonly notes: readonly string[];
}

export type ParsedOptions =
  | { readonly kind: "options"; readonly options: QemuOptions }
  /** `text` names the option. */
  | { readonly kind: "error"; readonly text: string };

/** Thrown within this file only. */
class Refusal {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Of -icount: instructions of about a microsecond, as in QEMU. */
const MAXIMUM_SHIFT = 10;

class Parser {
  readonly machine: Writable<MachineConfig> = { ramBytes: 128 * 2 ** 20 };
  readonly chardevs = new Map<string, Backend>();
  readonly notes: string[] = [];
  readonly serial: Backend[] = [];
  modules: ModuleOption[] = [];
  kernel: string | null = null;
  append: string | null = null;
  debugcon: Backend | null = null;
  seabios: Backend | null = null;
  monitor: Backend | null = null;
  gdb: QemuOptions["gdb"] = null;
  startStopped = false;
  noShutdown = false;
  nographic = false;

  get options(): QemuOptions {
    const { kernel, modules, machine, debugcon, seabios, gdb, startStopped, noShutdown, notes } = this;
    if (kernel === null && this.append !== null) throw new Refusal("-append only makes sense with -kernel");
    if (kernel === null && modules.length > 0) throw new Refusal("-initrd only makes sense with -kernel");
    const console: Backend = { kind: "stdio", monitor: true };
    const serial = this.nographic && this.serial.length === 0 ? [console] : this.serial;
    const monitor = this.monitor ?? (this.nographic ? console : null);
    const append = this.append ?? "";
    return {
      kernel,
      append,
      modules,
      machine,
      serial,
      debugcon,
      seabios,
      monitor,
      gdb,
      startStopped,
      noShutdown,
      notes,
    };
  }

  /** "stdio", "mon:stdio", "file:x", "null", "none", "chardev:id". */
  backend(option: string, text: string): Backend {
    if (text === "stdio") return { kind: "stdio", monitor: false };
    if (text === "mon:stdio") return { kind: "stdio", monitor: true };
    if (text === "null" || text === "none") return { kind: "none" };
    if (text.startsWith("file:")) return { kind: "file", path: text.slice(5) };
    if (text.startsWith("chardev:")) return this.chardev(option, text.slice(8));
    throw new Refusal(`${option} ${text} is not supported: use stdio, mon:stdio, file:PATH, null or none`);
  }

  chardev(option: string, id: string): Backend {
    const backend = this.chardevs.get(id);
    if (backend === undefined)
      throw new Refusal(`${option}: there is no -chardev with the id "${id}" before it`);
    return backend;
  }
}

type Handler = (parser: Parser, value: string, option: string) => void;

/** Options with a value. */
const WITH_VALUE: { readonly [name: string]: Handler } = {
  kernel: (p, value) => (p.kernel = value),
  append: (p, value) => (p.append = value),
  initrd: (p, value) => (p.modules = splitCommas(value).map(parseModule)),
  m: parseMemory,
  smp: parseSmp,
  machine: parseMachine,
  M: parseMachine,
  cpu: (p, value) =>
    p.notes.push(`-cpu ${value} has no effect: there is one processor model, and CPUID says what it can do`),
  accel: (p, value) => p.notes.push(`-accel ${value} has no effect: the processor is always emulated`),
  icount: parseIcount,
  name: () => {},
  serial: (p, value, option) => p.serial.push(p.backend(option, value)),
  debugcon: (p, value, option) => (p.debugcon = p.backend(option, value)),
  monitor: (p, value, option) => (p.monitor = p.backend(option, value)),
  chardev: parseChardev,
  device: parseDevice,
  display: parseDisplay,
  vga: (_p, value) => {
    if (value !== "std") throw new Refusal(`-vga ${value} is not supported: the machine has standard VGA`);
  },
  net: onlyNone,
  nic: onlyNone,
  parallel: onlyNone,
  audio: onlyNone,
  gdb: parseGdb,
  rtc: parseRtc,
  seed: (p, value, option) => (p.machine.seed = wholeNumber(option, value)),
};

/** Options without. */
const FLAGS: { readonly [name: string]: Handler } = {
  s: (p) => (p.gdb = { host: "127.0.0.1", port: 1234 }),
  S: (p) => (p.startStopped = true),
  nographic: (p) => (p.nographic = true),
  "no-reboot": (p) => (p.machine.noReboot = true),
  "no-shutdown": (p) => (p.noShutdown = true),
  "enable-kvm": (p) => p.notes.push("-enable-kvm has no effect: the processor is always emulated"),
  nodefaults: (p) => p.notes.push("-nodefaults has no effect: the machine keeps its serial ports and VGA"),
  "no-user-config": () => {},
  "no-fd-bootchk": () => {},
};

/**
 * Reads the words after the program's name. `own` are options of the caller: each takes the word that follows, and is called with it.
 * Relative paths are left as they are.
 */
export function parseQemuOptions(
  words: readonly string[],
  own: { readonly [name: string]: (value: string) => void } = {},
): ParsedOptions {
  const parser = new Parser();
  try {
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      if (!word.startsWith("-") || word === "-") {
        throw new Refusal(`"${word}" is not supported: disk images are not; a kernel is named with -kernel`);
      }
      const name = word.replace(/^--?/, "");
      const flag = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined;
      if (flag !== undefined) {
        flag(parser, "", `-${name}`);
        continue;
      }
      const ownHandler = Object.hasOwn(own, name) ? own[name] : undefined;
      const handler = Object.hasOwn(WITH_VALUE, name) ? WITH_VALUE[name] : undefined;
      if (ownHandler === undefined && handler === undefined)
        throw new Refusal(`option ${word} is not supported`);
      const value = words[++i];
      if (value === undefined) throw new Refusal(`option ${word} needs a value`);
      if (ownHandler !== undefined) ownHandler(value);
      else handler!(parser, value, `-${name}`);
    }
    return { kind: "options", options: parser.options };
  } catch (error) {
    if (error instanceof Refusal) return { kind: "error", text: error.text };
    throw error;
  }
}

/** `-m 4G,slots=2,maxmem=16G` or launch.json's "memory"; null if it is not understood. Sizes in bytes. */
export function parseMemorySize(
  text: string,
): { readonly ramBytes: number; readonly slots?: number; readonly maxRamBytes?: number } | null {
  const parser = new Parser();
  try {
    parseMemory(parser, text);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
  const { ramBytes, slots, maxRamBytes } = parser.machine;
  return {
    ramBytes,
    ...(slots === undefined ? {} : { slots }),
    ...(maxRamBytes === undefined ? {} : { maxRamBytes }),
  };
}

function parseModule(text: string): ModuleOption {
  const space = text.indexOf(" ");
  return space < 0
    ? { path: text, arguments: "" }
    : { path: text.slice(0, space), arguments: text.slice(space + 1) };
}

function parseMemory(p: Parser, text: string): void {
  const values = keyValues(text, "size");
  for (const [key, value] of values) {
    if (key === "size") {
      const bytes = parseSize(value, 2 ** 20);
      if (bytes === null || bytes <= 0) throw new Refusal(`-m ${text}: "${value}" is not a size`);
      // QEMU rounds up to 8 KiB.
      p.machine.ramBytes = Math.ceil(bytes / 8192) * 8192;
    } else if (key === "slots") {
      p.machine.slots = wholeNumber("-m slots=", value);
    } else if (key === "maxmem") {
      const bytes = parseSize(value, 2 ** 20);
      if (bytes === null) throw new Refusal(`-m ${text}: "${value}" is not a size`);
      p.machine.maxRamBytes = bytes;
    } else throw new Refusal(`-m ${key}= is not supported`);
  }
  const { ramBytes, maxRamBytes, slots } = p.machine;
  if (maxRamBytes !== undefined && maxRamBytes < ramBytes) {
    throw new Refusal(`-m ${text}: maxmem is less than the initial memory`);
  }
  if ((slots ?? 0) > 0 && (maxRamBytes ?? 0) <= ramBytes) {
    throw new Refusal(`-m ${text}: slots without a maxmem beyond the initial memory`);
  }
}

function parseSmp(p: Parser, text: string): void {
  const values = keyValues(text, "cpus");
  const parts = ["sockets", "dies", "cores", "threads"].map((key) =>
    wholeNumber("-smp", values.get(key) ?? "1"),
  );
  const cpus = values.has("cpus") ? wholeNumber("-smp", values.get("cpus")!) : parts.reduce((a, b) => a * b);
  if (cpus !== 1) throw new Refusal(`-smp ${text} is not supported: the machine has one CPU`);
  p.machine.cpus = cpus;
}

function parseMachine(p: Parser, text: string): void {
  for (const [key, value] of keyValues(text, "type")) {
    if (key === "type") {
      if (!/^(pc|pc-i440fx-[\d.]+)$/.test(value))
        throw new Refusal(`-machine ${value} is not supported: the machine is "pc"`);
    } else if (key === "max-ram-below-4g") {
      const bytes = parseSize(value);
      if (bytes === null || bytes <= 0 || bytes > 2 ** 32) {
        throw new Refusal(`-machine max-ram-below-4g=${value}: must be a size of at most 4G`);
      }
      p.machine.maxRamBelow4G = bytes;
    } else if (key === "accel")
      p.notes.push(`-machine accel=${value} has no effect: the processor is always emulated`);
    else throw new Refusal(`-machine ${key}= is not supported`);
  }
}

function parseChardev(p: Parser, text: string): void {
  const values = keyValues(text, "backend");
  const id = values.get("id");
  const kind = values.get("backend");
  if (id === undefined) throw new Refusal(`-chardev ${text}: there is no id=`);
  for (const key of values.keys()) {
    if (!["backend", "id", "path", "mux", "signal", "append"].includes(key)) {
      throw new Refusal(`-chardev ${key}= is not supported`);
    }
  }
  if (kind === "stdio") p.chardevs.set(id, { kind: "stdio", monitor: values.get("mux") === "on" });
  else if (kind === "null") p.chardevs.set(id, { kind: "none" });
  else if (kind === "file" && values.has("path"))
    p.chardevs.set(id, { kind: "file", path: values.get("path")! });
  else throw new Refusal(`-chardev ${text} is not supported: use stdio, file with path=, or null`);
}

function parseDevice(p: Parser, text: string): void {
  const values = keyValues(text, "driver");
  const driver = values.get("driver") ?? "";
  const number = (key: string, otherwise: number) =>
    values.has(key) ? wholeNumber(`-device ${driver},${key}=`, values.get(key)!) : otherwise;
  const known = (...keys: string[]) => {
    for (const key of values.keys()) {
      if (!["driver", "id", ...keys].includes(key))
        throw new Refusal(`-device ${driver},${key}= is not supported`);
    }
  };
  if (driver === "isa-debug-exit") {
    known("iobase", "iosize");
    const iobase = number("iobase", 0x501);
    const iosize = number("iosize", 2);
    if (iobase > 0xffff || iosize < 1 || iobase + iosize > 0x10000) {
      throw new Refusal(`-device ${text}: the ports are not within 0 to 0xffff`);
    }
    p.machine.debugExit = { iobase, iosize };
  } else if (driver === "isa-debugcon") {
    known("iobase", "chardev", "readback");
    const iobase = number("iobase", 0xe9);
    const backend = p.chardev(`-device ${driver}`, values.get("chardev") ?? "");
    if (iobase === 0xe9) p.debugcon = backend;
    else if (iobase === 0x402) p.seabios = backend;
    else
      throw new Refusal(
        `-device isa-debugcon,iobase=${values.get("iobase")} is not supported: the ports are 0xe9 and 0x402`,
      );
  } else throw new Refusal(`-device ${driver} is not supported`);
}

function parseDisplay(p: Parser, text: string): void {
  const kind = splitCommas(text)[0]!;
  if (kind !== "none")
    p.notes.push(`-display ${kind} has no effect: the screen is in the editor's Screen panel`);
}

function onlyNone(_p: Parser, value: string, option: string): void {
  if (value !== "none")
    throw new Refusal(`${option} ${value} is not supported: the machine has no such device`);
}

function parseGdb(p: Parser, text: string): void {
  if (text === "none") {
    p.gdb = null;
    return;
  }
  const [address = "", ...rest] = splitCommas(text);
  const match = /^tcp:([^:]*):(\d+)$/.exec(address);
  const port = Number(match?.[2]);
  if (
    match === null ||
    port > 65_535 ||
    rest.some((part) => !/^(server|nowait|(server|wait|nodelay)=(on|off))$/.test(part))
  ) {
    throw new Refusal(`-gdb ${text} is not supported: use tcp::PORT or tcp:HOST:PORT`);
  }
  p.gdb = { host: match[1] === "" ? "127.0.0.1" : match[1]!, port };
}

function parseRtc(p: Parser, text: string): void {
  for (const [key, value] of keyValues(text, "base")) {
    if (key === "base") p.machine.rtcBase = rtcBase(value);
    else if (key === "clock" && value === "vm") continue;
    else throw new Refusal(`-rtc ${key}=${value} is not supported`);
  }
}

/** Time always follows the instruction count; the shift says how many nanoseconds an instruction takes. */
function parseIcount(p: Parser, text: string): void {
  for (const [key, value] of keyValues(text, "shift")) {
    if (key === "shift" && value === "auto")
      p.notes.push(
        "-icount shift=auto has no effect: an instruction always takes the same time, 1 ns unless a shift is given",
      );
    else if (key === "shift") {
      const shift = wholeNumber("-icount shift=", value);
      if (shift > MAXIMUM_SHIFT)
        throw new Refusal(`-icount shift=${value}: must be between 0 and ${MAXIMUM_SHIFT}`);
      p.machine.nanosecondsPerInstant = 2 ** shift;
    } else if (key === "sleep" || key === "align")
      p.notes.push(
        `-icount ${key}=${value} has no effect: what the guest sees never depends on the host's clock`,
      );
    else throw new Refusal(`-icount ${key}=${value} is not supported`);
  }
}

/** Milliseconds since 1970. "utc" and "localtime" take the host's clock, once, at the start. */
function rtcBase(text: string): number {
  const now = new Date();
  if (text === "utc") return now.getTime();
  if (text === "localtime") return now.getTime() - now.getTimezoneOffset() * 60_000;
  const time = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2})?$/.test(text)
    ? Date.parse(text.length > 10 ? `${text}Z` : text)
    : NaN;
  if (Number.isNaN(time)) {
    throw new Refusal(
      `-rtc base=${text} is not a date: use utc, localtime, 2006-06-17 or 2006-06-17T16:01:21`,
    );
  }
  return time;
}

function wholeNumber(option: string, text: string): number {
  const value = parseNumber(text);
  if (value === null)
    throw new Refusal(`${option}${option.endsWith("=") ? "" : " "}${text}: not a whole number`);
  return value;
}
