/**
 * What PC firmware does to the PCI bus before it hands over: every function gets its addresses and its interrupt, and the chipset is set up. It walks the bus
 * through configuration space as firmware does, in SeaBIOS's order (src/fw/pciinit.c describes it), so that a guest finds everything where QEMU has it.
 *
 * Ports count up from 0xc000. Memory fills the space below the I/O APIC from above: of prefetchable and other memory the kind with the larger alignment lies
 * lower. In each the larger come first. 64-bit registers get addresses below 4 GiB, too.
 * Elsewhere: the rest of the state at hand-over (`machine/platform.ts`).
 */
import { assert } from "../../assert.ts";
import { pirqOf, type PciBus, type PciSlot } from "./bus.ts";
import { COMMAND, PCI, type PciFunction } from "./function.ts";

const PORTS_BASE = 0xc000;
const PORTS_END = 0x10000;
/** Memory ends where the I/O APIC begins, and begins where RAM may end. */
const MEMORY_END = 0xfec00000;
const MEMORY_START = 0xc0000000;
const PAGE = 0x1000;

/** ISA interrupts of PIRQA … PIRQD. */
export const PIRQ_ROUTES = [10, 10, 11, 11] as const;
const SCI = 9;

type Setting = readonly [offset: number, size: 1 | 2 | 4, value: number];

/** Registers that firmware sets in the chipset, by vendor and device. */
const CHIPSET: ReadonlyMap<number, readonly Setting[]> = new Map<number, readonly Setting[]>([
  // i440FX: below 1 MiB reads come from RAM; 0xe8000 … 0xeffff can be written, too.
  [
    0x80861237,
    [
      [0x59, 1, 0x10],
      [0x5a, 4, 0x11111111],
      [0x5e, 2, 0x3311],
    ],
  ],
  // PIIX3 ISA bridge: interrupt routing
  [0x80867000, PIRQ_ROUTES.map((irq, wire): Setting => [0x60 + wire, 1, irq])],
  // PIIX3 IDE: both channels decode their ports
  [
    0x80867010,
    [
      [0x40, 2, 0x8000],
      [0x42, 2, 0x8000],
    ],
  ],
  // PIIX4 power management: ACPI registers at 0x600, SMBus at 0x700
  [
    0x80867113,
    [
      [PCI.interruptLine, 1, SCI],
      [0x40, 4, 0x601],
      [0x80, 1, 1],
      [0x90, 4, 0x701],
      [0xd2, 1, 9],
    ],
  ],
]);

type Kind = "ports" | "memory" | "prefetchable";

interface Request {
  readonly pci: PciFunction;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly is64: boolean;
}

/** Assigns and enables everything on the bus. */
export function assignResources(bus: PciBus): void {
  const requests: Record<Kind, Request[]> = { ports: [], memory: [], prefetchable: [] };
  for (const { pci } of bus.slots) collect(pci, requests);
  for (const list of Object.values(requests)) list.sort((a, b) => b.sizeBytes - a.sizeBytes);

  const ports = place(requests.ports, PORTS_BASE);
  assert(ports <= PORTS_END, "PCI ports fit", ports);
  const [upper, lower] =
    alignment(requests.prefetchable) < alignment(requests.memory)
      ? [requests.prefetchable, requests.memory]
      : [requests.memory, requests.prefetchable];
  const upperBase = below(MEMORY_END, upper);
  const lowerBase = below(upperBase, lower);
  assert(lowerBase >= MEMORY_START, "PCI memory fits below 4 GiB", lowerBase);
  place(upper, upperBase);
  place(lower, lowerBase);

  for (const slot of bus.slots) setUp(slot);
}

/** Finds the size of each base address register by writing ones. */
function collect(pci: PciFunction, requests: Record<Kind, Request[]>): void {
  const offsets = [0, 1, 2, 3, 4, 5].map((index) => PCI.bar + 4 * index);
  let isUpperHalf = false;
  for (const offset of [...offsets, PCI.romAddress]) {
    if (isUpperHalf) {
      isUpperHalf = false;
      continue;
    }
    const isRom = offset === PCI.romAddress;
    const before = pci.readConfig(offset, 4);
    pci.writeConfig(offset, 4, isRom ? 0xfffff800 : 0xffffffff);
    const ones = pci.readConfig(offset, 4);
    pci.writeConfig(offset, 4, before);
    const isPorts = !isRom && (before & 1) !== 0;
    const address = ones & (isPorts ? ~3 : isRom ? ~0x7ff : ~0xf);
    if (address === 0) continue;
    const is64 = !isRom && !isPorts && (before & 6) === 4;
    isUpperHalf = is64;
    const bytes = -address >>> 0;
    const sizeBytes = isPorts ? bytes & 0xffff : Math.max(bytes, PAGE);
    const isPrefetchable = !isRom && (before & 8) !== 0;
    requests[isPorts ? "ports" : isPrefetchable ? "prefetchable" : "memory"].push({
      pci,
      offset,
      sizeBytes,
      is64,
    });
  }
}

/** Requests are sorted by falling size, and a size is an alignment. */
const alignment = (list: readonly Request[]): number => list[0]?.sizeBytes ?? 1;

/** Where a list has to begin so that it ends at or before `end`. */
function below(end: number, list: readonly Request[]): number {
  const bytes = list.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return Math.floor((end - bytes) / alignment(list)) * alignment(list);
}

function place(list: readonly Request[], base: number): number {
  let address = base;
  for (const { pci, offset, sizeBytes, is64 } of list) {
    pci.writeConfig(offset, 4, address);
    if (is64) pci.writeConfig(offset + 4, 4, 0);
    address += sizeBytes;
  }
  return address;
}

function setUp({ device, pci }: PciSlot): void {
  const pin = pci.readConfig(PCI.interruptPin, 1);
  if (pin !== 0) pci.writeConfig(PCI.interruptLine, 1, PIRQ_ROUTES[pirqOf(device, pin)]!);
  const identity = pci.readConfig(PCI.vendorId, 2) * 0x10000 + pci.readConfig(PCI.deviceId, 2);
  for (const [offset, size, value] of CHIPSET.get(identity) ?? []) pci.writeConfig(offset, size, value);
  const command = pci.readConfig(PCI.command, 2);
  pci.writeConfig(PCI.command, 2, command | COMMAND.io | COMMAND.memory | COMMAND.serr);
}
