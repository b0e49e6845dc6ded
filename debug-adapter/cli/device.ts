/** `-device`, and what devices are connected to: `-chardev`, `-object`. */
import { isMemoryBackend } from "./dimm.ts";
import type { Parser } from "./parser.ts";
import { Refusal, wholeNumber } from "./refusal.ts";
import { keyValues } from "./words.ts";

export function parseChardev(p: Parser, text: string): void {
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

/** Memory backends, and sources of random numbers: what these give a guest comes from the machine's seed. */
export function parseObject(p: Parser, text: string): void {
  const values = keyValues(text, "qom-type");
  const type = values.get("qom-type");
  if (type === undefined) throw new Refusal(`-object ${text}: Parameter 'qom-type' is missing`);
  if (isMemoryBackend(type)) {
    p.memory.object(type, text, values, p.objects);
    return;
  }
  const id = values.get("id");
  if (!/^rng-(?:random|builtin)$/.test(type)) throw new Refusal(`-object ${type} is not supported`);
  if (id === undefined) throw new Refusal(`-object ${text}: there is no id=`);
  p.objects.add(id);
  p.notes.push(`-object ${type} gives bytes that follow from --seed, so that runs repeat`);
}

type Values = Map<string, string>;

interface Driver {
  /** Properties it has besides `id`. */
  readonly properties: readonly string[];
  readonly add: (p: Parser, values: Values, driver: string) => void;
}

/** What QEMU lets one say of a PCI device, and which no guest here sees. */
const PCI = [
  "bus",
  "addr",
  "max-bytes",
  "period",
  "disable-legacy",
  "disable-modern",
  "event_idx",
  "indirect_desc",
  "iothread",
  "ioeventfd",
];

const debugExit: Driver = {
  properties: ["iobase", "iosize"],
  add(p, values, driver) {
    const iobase = numberOf(values, driver, "iobase", 0x501);
    const iosize = numberOf(values, driver, "iosize", 2);
    if (iobase > 0xffff || iosize < 1 || iobase + iosize > 0x10000)
      throw new Refusal(
        `-device ${driver},iobase=${values.get("iobase") ?? ""}: the ports are not within 0 to 0xffff`,
      );
    p.machine.debugExit = { iobase, iosize };
  },
};

const debugConsole: Driver = {
  properties: ["iobase", "chardev", "readback"],
  add(p, values, driver) {
    const iobase = numberOf(values, driver, "iobase", 0xe9);
    const backend = p.chardev(`-device ${driver}`, values.get("chardev") ?? "");
    if (iobase === 0xe9) p.debugcon = backend;
    else if (iobase === 0x402) p.seabios = backend;
    else
      throw new Refusal(
        `-device isa-debugcon,iobase=${values.get("iobase")} is not supported: the ports are 0xe9 and 0x402`,
      );
  },
};

const serialPort: Driver = {
  properties: ["chardev", "index"],
  add(p, values, driver) {
    if (p.serial.length === 2) throw new Refusal(`-device ${driver}: the machine has two serial ports`);
    p.serial.push(p.chardev(`-device ${driver}`, values.get("chardev") ?? ""));
  },
};

const virtioRng: Driver = {
  properties: ["rng", ...PCI],
  add(p, values, driver) {
    const source = values.get("rng");
    if (source !== undefined && !p.objects.has(source))
      throw new Refusal(`-device ${driver}: there is no -object with the id "${source}" before it`);
    if (p.machine.virtioRng === true) throw new Refusal(`-device ${driver} is there twice`);
    p.machine.virtioRng = true;
  },
};

const virtioSerial: Driver = {
  properties: ["max_ports", "vectors", ...PCI],
  add(p, _values, driver) {
    if (p.hasVirtioSerial) throw new Refusal(`-device ${driver} is there twice`);
    p.hasVirtioSerial = true;
  },
};

const virtioConsole: Driver = {
  properties: ["chardev", "name", "bus", "nr"],
  add(p, values, driver) {
    if (!p.hasVirtioSerial)
      throw new Refusal(`-device ${driver}: there is no -device virtio-serial-pci before it`);
    p.consoles.push(p.chardev(`-device ${driver}`, values.get("chardev") ?? ""));
  },
};

/** The machine has one anyway. */
const vga: Driver = {
  properties: [...PCI, "vgamem_mb", "edid", "xres", "yres", "romfile"],
  add(p, values) {
    p.vgaRom = values.get("romfile") ?? null;
  },
};

const DRIVERS: { readonly [name: string]: Driver } = {
  "isa-debug-exit": debugExit,
  "isa-debugcon": debugConsole,
  "isa-serial": serialPort,
  "virtio-rng-pci": virtioRng,
  "virtio-rng": virtioRng,
  "virtio-serial-pci": virtioSerial,
  "virtio-serial": virtioSerial,
  virtconsole: virtioConsole,
  VGA: vga,
};

export function parseDevice(p: Parser, text: string): void {
  const values = keyValues(text, "driver");
  const name = values.get("driver") ?? "";
  if (name === "pc-dimm") {
    p.memory.device(text, values);
    return;
  }
  if (p.drives.knows(name)) {
    p.drives.device(name, values);
    return;
  }
  const driver = Object.hasOwn(DRIVERS, name) ? DRIVERS[name] : undefined;
  if (driver === undefined) throw new Refusal(`-device ${name} is not supported`);
  for (const [key, value] of values) {
    if (key === "driver" || key === "id") continue;
    if (!driver.properties.includes(key)) throw new Refusal(`-device ${name},${key}= is not supported`);
    if (PCI.includes(key))
      p.notes.push(
        `-device ${name},${key}=${value} has no effect: devices are on the one bus, in the order of the options`,
      );
  }
  driver.add(p, values, name);
}

const numberOf = (values: Values, driver: string, key: string, otherwise: number): number => {
  const given = values.get(key);
  return given === undefined ? otherwise : wholeNumber(`-device ${driver},${key}=`, given);
};
