/**
 * The words of a `qemu-system-x86_64` command line, as far as they mean something here: for the `redzone` command and for the "qemu" key of a
 * launch configuration.
 *
 * Invariant: nothing is dropped silently. An option that cannot be honoured is an error with its name; one that changes nothing for the
 * guest (an accelerator, a window) is accepted with a note.
 * Elsewhere: the command's own options (`command.ts`), what the words mean (`hardware.ts`, `device.ts`, `drive.ts`) and do (`run.ts`, `debug-adapter/launch.ts`).
 */
import { LOADERS } from "../../emulator/index.ts";
import { parseChardev, parseDevice, parseObject } from "./device.ts";
import {
  parseAccel,
  parseBoot,
  parseCpu,
  parseFwCfg,
  parseIcount,
  parseMachine,
  parseMemory,
  parseRtc,
  parseSmp,
} from "./hardware.ts";
import { type ModuleOption, Parser, type QemuOptions } from "./parser.ts";
import { Refusal, wholeNumber } from "./refusal.ts";
import { splitCommas } from "./words.ts";

export type { DriveOption } from "./drive.ts";
export { canBoot } from "./parser.ts";
export { TRANSLATOR_MODES } from "./hardware.ts";
export type { Backend, FwCfgOption, ModuleOption, QemuOptions } from "./parser.ts";

export const LOADER_NAMES = ["auto", ...LOADERS] as const;

export type ParsedOptions =
  | { readonly kind: "options"; readonly options: QemuOptions }
  /** `text` names the option. */
  | { readonly kind: "error"; readonly text: string };

type Handler = (parser: Parser, value: string, option: string) => void;

/** No effect on anything a guest sees; `why` ends the sentence. */
const without =
  (why: string): Handler =>
  (p, value, option) =>
    p.notes.push(`${option}${value === "" ? "" : ` ${value}`} has no effect: ${why}`);

const plainDrive: Handler = (p, value, option) => p.drives.plain(option, value);

/** Options with a value. */
const WITH_VALUE: { readonly [name: string]: Handler } = {
  kernel: (p, value) => (p.kernel = value),
  append: (p, value) => (p.append = value),
  initrd: (p, value) => (p.modules = splitCommas(value).map(parseModule)),
  bios: (p, value) => (p.firmware = value),
  m: parseMemory,
  smp: parseSmp,
  machine: parseMachine,
  M: parseMachine,
  cpu: parseCpu,
  accel: parseAccel,
  icount: parseIcount,
  boot: parseBoot,
  fw_cfg: parseFwCfg,
  name: () => {},
  drive: (p, value) => p.drives.drive(value),
  blockdev: (p, value) => p.drives.blockdev(value),
  hda: plainDrive,
  hdb: plainDrive,
  hdc: plainDrive,
  hdd: plainDrive,
  cdrom: plainDrive,
  fda: plainDrive,
  fdb: plainDrive,
  serial: (p, value, option) => p.serial.push(p.backend(option, value)),
  debugcon: (p, value, option) => (p.debugcon = p.backend(option, value)),
  monitor: (p, value, option) => (p.monitor = p.backend(option, value)),
  chardev: parseChardev,
  object: parseObject,
  device: parseDevice,
  display: parseDisplay,
  vga: parseVga,
  k: without("keys are those of the editor's keyboard"),
  d: without("what happened is asked for in the monitor"),
  D: without("there is no log of QEMU's"),
  L: without("no files of QEMU's are used"),
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
  snapshot: (p) => (p.isSnapshot = true),
  "no-reboot": (p) => (p.machine.noReboot = true),
  "no-shutdown": (p) => (p.noShutdown = true),
  "no-hpet": (p) => (p.machine.hpet = false),
  "no-acpi": (p) => (p.machine.acpi = false),
  "enable-kvm": without("the processor is always emulated"),
  nodefaults: without(
    "the machine keeps its serial ports and VGA, and has no other device that was not asked for",
  ),
  "full-screen": without("the screen is in the editor's Display panel"),
  "no-user-config": () => {},
  "no-fd-bootchk": () => {},
};

/**
 * Reads the words after the program's name. `own` are options of the caller: each takes what follows "=" or else the next word, and is called with it.
 * Those in `alone` need no value, which is "" then: a word that begins with "-" is not theirs. Relative paths are left as they are.
 */
export function parseQemuOptions(
  words: readonly string[],
  own: { readonly [name: string]: (value: string) => void } = {},
  alone: ReadonlySet<string> = new Set(),
): ParsedOptions {
  const parser = new Parser();
  try {
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      if (!word.startsWith("-") || word === "-") {
        // QEMU takes a bare word for the first disk.
        parser.drives.plain("-hda", word);
        continue;
      }
      const joined = /^--([^=]+)=(.*)$/s.exec(word);
      const name = joined?.[1] ?? word.replace(/^--?/, "");
      const ownHandler = Object.hasOwn(own, name) ? own[name] : undefined;
      if (ownHandler !== undefined && joined !== null) {
        ownHandler(joined[2]!);
        continue;
      }
      if (ownHandler !== undefined && alone.has(name) && (words[i + 1] ?? "-").startsWith("-")) {
        ownHandler("");
        continue;
      }
      const flag = joined === null && Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined;
      if (flag !== undefined) {
        flag(parser, "", `-${name}`);
        continue;
      }
      const handler = joined === null && Object.hasOwn(WITH_VALUE, name) ? WITH_VALUE[name] : undefined;
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

function parseModule(text: string): ModuleOption {
  const space = text.indexOf(" ");
  return space < 0
    ? { path: text, arguments: "" }
    : { path: text.slice(0, space), arguments: text.slice(space + 1) };
}

function parseDisplay(p: Parser, text: string): void {
  const kind = splitCommas(text)[0]!;
  if (kind !== "none")
    p.notes.push(`-display ${kind} has no effect: the screen is in the editor's Display panel`);
}

function parseVga(p: Parser, text: string): void {
  if (text === "none") p.notes.push("-vga none has no effect: the machine keeps its VGA");
  else if (text !== "std") throw new Refusal(`-vga ${text} is not supported: the machine has standard VGA`);
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
