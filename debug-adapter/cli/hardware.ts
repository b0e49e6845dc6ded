/** Options about the board: memory, processors, the clock, the order in which it boots, what firmware is told. */
import { chooseCpu, type TranslatorMode } from "../../emulator/index.ts";
import type { FwCfgOption, Parser } from "./parser.ts";
import { onOff, Refusal, wholeNumber } from "./refusal.ts";
import { keyValues, parseSize } from "./words.ts";

/** Of -icount: instructions of about a microsecond, as in QEMU. */
const MAXIMUM_SHIFT = 10;
const MOST_CPUS = 255;
/** Of -accel translator=, and of the launch configuration. */
export const TRANSLATOR_MODES = ["on", "early", "off", "forced"] as const satisfies readonly TranslatorMode[];
/** Of -machine: how QEMU works inside. */
const UNSEEN =
  /^(?:accel|kernel[_-]irqchip|dump-guest-core|mem-merge|memory-encryption|graphics|suppress-vmdesc|x-.*|igd-passthru|vmport|pcspk-audiodev|confidential-guest-support)$/;

export const parseMemory = (p: Parser, text: string): void => p.memory.size(text);

export function parseSmp(p: Parser, text: string): void {
  const values = keyValues(text, "cpus");
  const number = (key: string, otherwise: number): number => {
    const given = values.get(key);
    const value = given === undefined ? otherwise : wholeNumber("-smp", given);
    if (value < 1) throw new Refusal(`-smp ${key}=${value}: must be at least 1`);
    return value;
  };
  for (const key of values.keys()) {
    if (!["cpus", "sockets", "dies", "cores", "threads", "maxcpus"].includes(key))
      throw new Refusal(`-smp ${key}= is not supported`);
  }
  const grouped = ["sockets", "dies", "cores", "threads"]
    .map((key) => number(key, 1))
    .reduce((a, b) => a * b);
  const cpus = number("cpus", number("maxcpus", grouped));
  const most = number("maxcpus", Math.max(cpus, grouped));
  if (cpus > MOST_CPUS) throw new Refusal(`-smp ${text}: the machine has at most ${MOST_CPUS} CPUs`);
  if (cpus > most) throw new Refusal(`-smp ${text}: maxcpus is less than the number of CPUs`);
  if (grouped > 1 && most % grouped !== 0)
    throw new Refusal(`-smp ${text}: sockets, cores and threads make ${grouped} CPUs, not ${most}`);
  if (most > cpus)
    p.notes.push(`-smp maxcpus=${most} has no effect: CPUs cannot be added while the guest runs`);
  if (["sockets", "dies", "threads"].some((key) => number(key, 1) > 1))
    p.notes.push(
      "-smp sockets=, dies= and threads= only count CPUs: the guest sees one package with a core for each",
    );
  p.machine.cpus = cpus;
}

/** `-cpu MODEL,+feature,-feature` */
export function parseCpu(p: Parser, text: string): void {
  const choice = chooseCpu(text);
  if (choice.kind === "error") throw new Refusal(choice.text);
  p.notes.push(...choice.warnings);
  p.machine.cpu = text;
}

/**
 * `-accel redzone,translator=on|off|forced`. Whatever accelerator a pasted line names, the processor is emulated. QEMU's own word for code that is not
 * translated in blocks, one-insn-per-tb, is about TCG.
 */
export function parseAccel(p: Parser, text: string): void {
  for (const [key, value] of keyValues(text, "accel")) {
    if (key === "translator") {
      const mode = TRANSLATOR_MODES.find((known) => known === value);
      if (mode === undefined)
        throw new Refusal(`-accel translator=${value}: must be one of ${TRANSLATOR_MODES.join(", ")}`);
      p.machine.translator = mode;
    } else if (key !== "accel")
      p.notes.push(`-accel ${key}=${value} has no effect: the guest sees none of it`);
    else if (value !== "redzone")
      p.notes.push(`-accel ${value} has no effect: the processor is always emulated`);
  }
}

export function parseMachine(p: Parser, text: string): void {
  for (const [key, value] of keyValues(text, "type")) {
    if (key === "type") {
      if (!/^(pc|pc-i440fx-[\d.]+)$/.test(value))
        throw new Refusal(`-machine ${value} is not supported: the machine is "pc"`);
    } else if (key === "max-ram-below-4g") {
      const bytes = maxRamBelow4G(p, value);
      if (bytes > 0) p.machine.maxRamBelow4G = bytes;
    } else if (key === "memory-backend") {
      p.memory.ramBackend = value;
    } else if (key === "hpet") p.machine.hpet = onOff("-machine hpet=", value);
    else if (key === "acpi") p.machine.acpi = value === "auto" || onOff("-machine acpi=", value);
    else if (key === "accel")
      p.notes.push(`-machine accel=${value} has no effect: the processor is always emulated`);
    else if (/^(?:usb|nvdimm|smm|sata|hmat)$/.test(key) && value !== "auto") {
      if (onOff(`-machine ${key}=`, value))
        throw new Refusal(`-machine ${key}=on is not supported: the machine has none`);
    } else if (UNSEEN.test(key) || /^(?:smm)$/.test(key))
      p.notes.push(`-machine ${key}=${value} has no effect: the guest sees none of it`);
    else throw new Refusal(`-machine ${key}= is not supported`);
  }
}

/** QEMU warns of what may be slow or too little for firmware, and ignores 0. */
function maxRamBelow4G(p: Parser, text: string): number {
  const bytes = parseSize(text);
  if (bytes === null) throw new Refusal("Parameter 'max-ram-below-4g' expects size");
  if (bytes > 2 ** 32)
    throw new Refusal(`Machine option 'max-ram-below-4g=${bytes}' expects size less than or equal to 4G`);
  if (bytes < 2 ** 20)
    p.notes.push(`Only ${bytes} bytes of RAM below the 4GiB boundary,BIOS may not work with less than 1MiB`);
  return bytes;
}

/** `-boot dc`, `-boot order=dc,once=d,menu=on` */
export function parseBoot(p: Parser, text: string): void {
  for (const [key, value] of keyValues(text, "order")) {
    if (key === "order" || key === "once") {
      if (!/^[acdn]+$/.test(value))
        throw new Refusal(
          `-boot ${key}=${value} is not supported: use the letters a (floppy), c (disk), d (CD), n (network)`,
        );
      if (key === "once") p.notes.push(`-boot once=${value} is order=${value}: it also holds after a reset`);
      p.machine.bootOrder = value;
    } else if (key === "menu" || key === "strict") {
      if (onOff(`-boot ${key}=`, value))
        p.notes.push(
          `-boot ${key}=on has no effect: the machine boots from the first that it can, without asking`,
        );
    } else throw new Refusal(`-boot ${key}= is not supported`);
  }
}

/** `-fw_cfg [name=]opt/…,string=…` or `,file=…` */
export function parseFwCfg(p: Parser, text: string): void {
  const values = keyValues(text, "name");
  for (const key of values.keys())
    if (!["name", "string", "file"].includes(key)) throw new Refusal(`-fw_cfg ${key}= is not supported`);
  const name = values.get("name") ?? "";
  const string = values.get("string");
  const path = values.get("file");
  if (name === "") throw new Refusal(`-fw_cfg ${text}: there is no name=`);
  if (name.length > 55) throw new Refusal(`-fw_cfg name=${name}: longer than 55 characters`);
  if ((string === undefined) === (path === undefined))
    throw new Refusal(`-fw_cfg ${text}: needs either string= or file=`);
  const content: FwCfgOption["content"] =
    string === undefined ? { kind: "file", path: path! } : { kind: "text", text: string };
  p.fwCfg.push({ name, content });
}

export function parseRtc(p: Parser, text: string): void {
  for (const [key, value] of keyValues(text, "base")) {
    if (key === "base") p.machine.rtcBase = rtcBase(value);
    else if (key === "clock" && value === "vm") continue;
    else if (key === "clock" || key === "driftfix")
      p.notes.push(`-rtc ${key}=${value} has no effect: the clock follows virtual time, so that runs repeat`);
    else throw new Refusal(`-rtc ${key}=${value} is not supported`);
  }
}

/** Time always follows the instruction count; the shift says how many nanoseconds an instruction takes. */
export function parseIcount(p: Parser, text: string): void {
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
