/**
 * The DSDT's definition block: what an operating system cannot find out by itself about this PC. Devices and resources are those of QEMU's machine `pc`.
 *
 * Interrupts of PCI: pin p (0 = INTA#) of slot s is wired to PIRQ (s + p − 1) mod 4, and each PIRQ goes through a link device, LNKA … LNKD, to the ISA
 * interrupt that the ISA bridge's register 60h + n names; the same number is the I/O APIC's pin. Slot 1's pin A is the power management's, always on 9.
 *
 * Deliberately absent: _S1 … _S4 (only S5 is implemented), hot-plug of anything but memory (`memory.ts`).
 */
import {
  type Aml, and, arg, call, concat, createDwordField, device, eisaId, either, equal, field, giveBack, greater, integer, less, local, method,
  name, operationRegion, or, pack, path, scope, shiftRight, SPACE, store, string, when,
} from "./aml.ts"; // oxfmt-ignore
import { memoryDevices, memoryEvent } from "./memory.ts";
import {
  busWindow, dma, interrupt, irq, memory32, memoryWindow, memoryWindow64, portWindow, ports, template,
} from "./resource.ts"; // oxfmt-ignore

export interface DsdtConfig {
  readonly cpus: number;
  readonly hpet: boolean;
  /** RAM ends here, below and above 4 GiB; `above4G` is a size. */
  readonly below4G: number;
  readonly above4G: number;
  /** Memory slots, and where what is in them lies; absent: none. */
  readonly slots?: number;
  readonly deviceMemory?: { readonly base: number; readonly sizeBytes: number };
}

const GIB = 2 ** 30;
export const HPET_BASE = 0xfed00000;
const HPET_BYTES = 0x400;
/** PCI devices' memory ends where the I/O APIC's window begins. */
const PCI_END = 0xfec00000;
/** QEMU's pci-hole64-size for `pc`. */
const HOLE_64_BYTES = 2 * GIB;
const SLOTS = 32;
const LINKS = ["LNKA", "LNKB", "LNKC", "LNKD"] as const;
const SCI = 9;
const LINK_INTERRUPTS = [5, 10, 11] as const;
/** _STA: present, enabled, shown, functioning; the resources of such a device are not for anyone else. */
const PRESENT = 0x0f;
const PRESENT_HIDDEN = 0x0b;
const PRESENT_DISABLED = 0x09;

export function definitionBlock(config: DsdtConfig): Aml {
  const { slots = 0 } = config;
  return concat(
    scope("\\_SB", pciRoot(config), ...links(), ...(config.hpet ? [hpet()] : []), processors(config.cpus)),
    ...(slots > 0 ? [memoryEvent()] : []),
    // Sleep type 0 of the PM1a control register is soft-off on a PIIX4.
    name("\\_S5", pack(integer(0), integer(0), integer(0), integer(0))),
  );
}

function pciRoot(config: DsdtConfig): Aml {
  const { slots = 0 } = config;
  return device(
    "PCI0",
    name("_HID", eisaId("PNP0A03")),
    name("_UID", integer(0)),
    name("_BBN", integer(0)),
    name("_CRS", windows(config)),
    name("_PRT", routing()),
    isaBridge(),
    device(
      "GPE0",
      name("_HID", eisaId("PNP0A06")),
      name("_UID", string("GPE0 resources")),
      name("_STA", integer(PRESENT_HIDDEN)),
      name("_CRS", template(ports(0xafe0, 4))),
    ),
    device(
      "FWCF",
      name("_HID", string("QEMU0002")),
      name("_STA", integer(PRESENT_HIDDEN)),
      name("_CRS", template(ports(0x510, 12))),
    ),
    ...(slots > 0 ? [memoryDevices(slots)] : []),
  );
}

function windows({ below4G, above4G, deviceMemory }: DsdtConfig): Aml {
  const end = deviceMemory === undefined ? 4 * GIB + above4G : deviceMemory.base + deviceMemory.sizeBytes;
  const high = Math.ceil(end / GIB) * GIB;
  return template(
    busWindow(0, 0xff),
    ports(0xcf8, 8),
    portWindow(0, 0xcf7),
    portWindow(0xd00, 0xffff),
    memoryWindow(0xa0000, 0xbffff, true),
    // With max-ram-below-4g=4G RAM may leave no room.
    ...(below4G < PCI_END ? [memoryWindow(below4G, PCI_END - 1, false)] : []),
    memoryWindow64(high, high + HOLE_64_BYTES - 1),
  );
}

/** _PRT: slot and "any function", pin, link, index of its interrupt. */
function routing(): Aml {
  const rows: Aml[] = [];
  for (let slot = 0; slot < SLOTS; slot++)
    for (let pin = 0; pin < 4; pin++) {
      const link = slot === 1 && pin === 0 ? "LNKS" : LINKS[(slot + pin + 3) % 4]!;
      rows.push(pack(integer(slot * 0x10000 + 0xffff), integer(pin), path(link), integer(0)));
    }
  return pack(...rows);
}

function isaBridge(): Aml {
  const isa = (target: string, hid: string, ...resources: readonly Uint8Array[]): Aml =>
    device(target, name("_HID", eisaId(hid)), name("_CRS", template(...resources)));
  const serial = (target: string, uid: number, base: number, line: number): Aml =>
    device(
      target,
      name("_HID", eisaId("PNP0501")),
      name("_UID", integer(uid)),
      name("_STA", integer(PRESENT)),
      name("_CRS", template(ports(base, 8), irq(line))),
    );
  return device(
    "ISA",
    name("_ADR", integer(0x10000)),
    operationRegion("PIRQ", SPACE.pciConfig, 0x60, 4),
    field("PIRQ", 1, "preserve", ["PRQ0", 8], ["PRQ1", 8], ["PRQ2", 8], ["PRQ3", 8]),
    isa("PIC", "PNP0000", ports(0x20, 2), ports(0xa0, 2), ports(0x4d0, 2), irq(2)),
    isa("TIMR", "PNP0100", ports(0x40, 4), irq(0)),
    isa("RTC", "PNP0B00", ports(0x70, 8), irq(8)),
    isa("SPKR", "PNP0800", ports(0x61, 1)),
    isa("DMAC", "PNP0200", ports(0x00, 0x10), ports(0x81, 0x0f), ports(0xc0, 0x20), dma(4)),
    isa("FPU", "PNP0C04", ports(0xf0, 0x10), irq(13)),
    isa("KBD", "PNP0303", ports(0x60, 1), ports(0x64, 1), irq(1)),
    isa("MOU", "PNP0F13", irq(12)),
    serial("COM1", 1, 0x3f8, 4),
    serial("COM2", 2, 0x2f8, 3),
  );
}

/** LNKA … LNKD and the fixed LNKS, with what they share: a link's state and its current interrupt as functions of a routing register's value. */
function links(): readonly Aml[] {
  const status = method(
    "IQST",
    1,
    "not serialized",
    when(and(integer(0x80), arg(0)), giveBack(integer(PRESENT_DISABLED))),
    giveBack(integer(PRESENT_HIDDEN)),
  );
  const answer = concat(
    name("PRR0", template(interrupt(0))),
    createDwordField(path("PRR0"), integer(5), "PRRI"),
  );
  const current = method(
    "IQCR",
    1,
    "serialized",
    store(integer(0), path("PRRI")),
    when(less(arg(0), integer(0x80)), store(arg(0), path("PRRI"))),
    giveBack(path("PRR0")),
  );
  const link = (target: string, uid: number): Aml => {
    const register = path(`\\_SB.PCI0.ISA.PRQ${uid}`);
    return device(
      target,
      name("_HID", eisaId("PNP0C0F")),
      name("_UID", integer(uid)),
      name("_PRS", template(interrupt(...LINK_INTERRUPTS))),
      method("_STA", 0, "not serialized", giveBack(call("IQST", register))),
      method("_DIS", 0, "not serialized", or(register, integer(0x80), register)),
      method("_CRS", 0, "not serialized", giveBack(call("IQCR", register))),
      method(
        "_SRS",
        1,
        "serialized",
        createDwordField(arg(0), integer(5), "WISH"),
        store(path("WISH"), register),
      ),
    );
  };
  const fixed = device(
    "LNKS",
    name("_HID", eisaId("PNP0C0F")),
    name("_UID", integer(LINKS.length)),
    name("_PRS", template(interrupt(SCI))),
    method("_STA", 0, "not serialized", giveBack(integer(PRESENT_HIDDEN))),
    method("_DIS", 0, "not serialized"),
    method("_CRS", 0, "not serialized", giveBack(path("_PRS"))),
    method("_SRS", 1, "not serialized"),
  );
  return [status, answer, current, ...LINKS.map(link), fixed];
}

/** Present if its registers say so: a vendor, and a period of at most 100 ns. */
function hpet(): Aml {
  return device(
    "HPET",
    name("_HID", eisaId("PNP0103")),
    name("_UID", integer(0)),
    operationRegion("HPTM", SPACE.memory, HPET_BASE, HPET_BYTES),
    field("HPTM", 4, "preserve", ["VEND", 32], ["PRD", 32]),
    method(
      "_STA",
      0,
      "not serialized",
      shiftRight(path("VEND"), integer(16), local(0)),
      store(path("PRD"), local(1)),
      when(either(equal(local(0), integer(0)), equal(local(0), integer(0xffff))), giveBack(integer(0))),
      when(
        either(equal(local(1), integer(0)), greater(local(1), integer(100_000_000))),
        giveBack(integer(0)),
      ),
      giveBack(integer(PRESENT)),
    ),
    name("_CRS", template(memory32(HPET_BASE, HPET_BYTES))),
  );
}

/** One device per processor; _UID is what the MADT calls the processor. */
function processors(count: number): Aml {
  const one = (n: number): Aml =>
    device(
      `C${n.toString(16).toUpperCase().padStart(3, "0")}`,
      name("_HID", string("ACPI0007")),
      name("_UID", integer(n)),
    );
  return device(
    "CPUS",
    name("_HID", string("ACPI0010")),
    name("_CID", eisaId("PNP0A05")),
    ...Array.from({ length: count }, (_, n) => one(n)),
  );
}
