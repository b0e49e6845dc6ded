/**
 * Memory devices in the DSDT (ACPI 6.5 §9.11): \_SB.PCI0.MHPC with the hot-plug registers, in it MP00 … for the slots, and general purpose event 3.
 *
 * Methods of a slot hand its number, which is its _UID, to the controller's, which select it and read or write the registers under a mutex: an event may
 * come while another slot's methods run. Names and meaning are those of QEMU's tables. A call inside the controller is a name of one segment: with 256
 * slots the tables must fit into 56 KiB.
 * Elsewhere: the registers (`devices/memory-hotplug.ts`).
 */
import {
  acquire, add, type Aml, arg, call, concat, createQwordField, device, eisaId, equal, field, giveBack, increment, integer, less, local, method, mutex,
  name, notify, operationRegion, or, otherwise, path, release, scope, shiftLeft, SPACE, store, string, subtract, when, whilst,
} from "./aml.ts"; // oxfmt-ignore
import { memoryWindow64, ports, template } from "./resource.ts";

const PORT = 0xa00;
const PORT_BYTES = 0x18;
const LOCK = "MLCK";
/** _STA: present, enabled, shown, functioning; of the controller not shown. */
const PRESENT = 0x0f;
const PRESENT_HIDDEN = 0x0b;
/** Values of Notify (ACPI 6.5 §5.6.6). */
const DEVICE_CHECK = 1;
const EJECT_REQUEST = 3;
/** The answer to _CRS, a QWORD descriptor: where it has its first address, its last and its length. */
const DESCRIPTOR = { name: "MR64", fields: { MINA: 14, MAXA: 22, LENA: 38 } } as const;

const slotName = (slot: number): string => `MP${slot.toString(16).toUpperCase().padStart(2, "0")}`;

/** Belongs into the root. */
export const memoryEvent = (): Aml =>
  scope("\\_GPE", method("_E03", 0, "not serialized", call("\\_SB.PCI0.MHPC.MSCN")));

/** Belongs into \_SB.PCI0. */
export function memoryDevices(slots: number): Aml {
  /** Does something with the slot whose number is the method's first argument selected. */
  const selected = (...body: readonly Aml[]): Aml =>
    concat(acquire(LOCK), store(arg(0), path("MSEL")), ...body, release(LOCK));
  return device(
    "MHPC",
    name("_HID", eisaId("PNP0A06")),
    name("_UID", string("DIMM devices")),
    name("_STA", integer(PRESENT_HIDDEN)),
    name("_CRS", template(ports(PORT, PORT_BYTES))),
    operationRegion("HPMR", SPACE.io, PORT, PORT_BYTES),
    field("HPMR", 4, "preserve", ["MRBL", 32], ["MRBH", 32], ["MRLL", 32], ["MRLH", 32], ["MPX", 32]),
    field("HPMR", 1, "zeros", [null, 0x14 * 8], ["MES", 1], ["MINS", 1], ["MRMV", 1], ["MEJ", 1]),
    field("HPMR", 4, "preserve", ["MSEL", 32], ["MOEV", 32], ["MOSC", 32]),
    mutex(LOCK),
    method("MSCN", 0, "serialized", scan(slots)),
    method(
      "MRST",
      1,
      "not serialized",
      store(integer(0), local(0)),
      selected(when(equal(path("MES"), integer(1)), store(integer(PRESENT), local(0)))),
      giveBack(local(0)),
    ),
    name(DESCRIPTOR.name, template(memoryWindow64(0, 0))),
    ...Object.entries(DESCRIPTOR.fields).map(([target, at]) =>
      createQwordField(path(DESCRIPTOR.name), integer(at), target),
    ),
    method("MCRS", 1, "not serialized", ...resources(selected)),
    method("MPXM", 1, "not serialized", selected(store(path("MPX"), local(0))), giveBack(local(0))),
    method("MOST", 3, "not serialized", selected(store(arg(1), path("MOEV")), store(arg(2), path("MOSC")))),
    method("MEJE", 1, "not serialized", selected(store(integer(1), path("MEJ")))),
    ...Array.from({ length: slots }, (_, slot) => memoryDevice(slot)),
    // Which device a number stands for, AML can only say by asking for each.
    method(
      "MTFY",
      2,
      "not serialized",
      ...Array.from({ length: slots }, (_, slot) =>
        when(equal(arg(0), integer(slot)), notify(path(slotName(slot)), arg(1))),
      ),
    ),
  );
}

/** Looks at every slot and tells of what has been plugged in or is to be removed; each is told once. */
function scan(slots: number): Aml {
  const told = (flag: string, value: number): readonly Aml[] => [
    call("MTFY", local(0), integer(value)),
    store(integer(1), path(flag)),
  ];
  return concat(
    acquire(LOCK),
    store(integer(0), local(0)),
    whilst(
      less(local(0), integer(slots)),
      store(local(0), path("MSEL")),
      when(equal(path("MINS"), integer(1)), ...told("MINS", DEVICE_CHECK)),
      otherwise(when(equal(path("MRMV"), integer(1)), ...told("MRMV", EJECT_REQUEST))),
      increment(local(0)),
    ),
    release(LOCK),
  );
}

/** A descriptor with the slot's address and length in it. */
function resources(selected: (...body: readonly Aml[]) => Aml): readonly Aml[] {
  const quad = (low: string, high: string): Aml => or(shiftLeft(path(high), integer(32)), path(low));
  return [
    selected(store(quad("MRBL", "MRBH"), path("MINA")), store(quad("MRLL", "MRLH"), path("LENA"))),
    subtract(add(path("MINA"), path("LENA")), integer(1), path("MAXA")),
    giveBack(path(DESCRIPTOR.name)),
  ];
}

function memoryDevice(slot: number): Aml {
  const own = (target: string, ...more: readonly Aml[]): Aml => call(target, path("_UID"), ...more);
  return device(
    slotName(slot),
    name("_HID", eisaId("PNP0C80")),
    name("_UID", integer(slot)),
    method("_STA", 0, "not serialized", giveBack(own("MRST"))),
    method("_CRS", 0, "not serialized", giveBack(own("MCRS"))),
    method("_PXM", 0, "not serialized", giveBack(own("MPXM"))),
    method("_OST", 3, "not serialized", own("MOST", arg(0), arg(1))),
    method("_EJ0", 1, "not serialized", own("MEJE")),
  );
}
