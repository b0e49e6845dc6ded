/** `info pci` in QEMU's form. */
import type { Pc } from "../../emulator/index.ts";
import { badMonitorCommand } from "../errors.ts";

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

/** By class and subclass, as QEMU words them. */
const CLASSES: ReadonlyMap<number, string> = new Map([
  [0x0001, "VGA controller"],
  [0x0100, "SCSI controller"],
  [0x0101, "IDE controller"],
  [0x0200, "Ethernet controller"],
  [0x0300, "VGA controller"],
  [0x0500, "RAM controller"],
  [0x0600, "Host bridge"],
  [0x0601, "ISA bridge"],
  [0x0604, "PCI bridge"],
  [0x0680, "Bridge"],
  [0x0c03, "USB controller"],
  [0x0c05, "SMBus"],
]);

export function infoPci(machine: Pc | null): string {
  if (machine === null) throw badMonitorCommand("this machine has no PCI bus");
  const lines: string[] = [];
  for (const { device, function: number, pci } of machine.board.slots.bus.slots) {
    const { config } = pci;
    const word = (offset: number): number => config[offset]! | (config[offset + 1]! << 8);
    const kind = word(0x0a);
    const pin = config[0x3d]!;
    lines.push(
      `  Bus  0, device ${String(device).padStart(3)}, function ${number}:`,
      `    ${CLASSES.get(kind) ?? `Class ${String(kind).padStart(4, "0")}`}: PCI device ${hex(word(0), 4)}:${hex(word(2), 4)}`,
      `      PCI subsystem ${hex(word(0x2c), 4)}:${hex(word(0x2e), 4)}`,
    );
    if (pin !== 0) lines.push(`      IRQ ${config[0x3c]}, pin ${String.fromCharCode(0x40 + pin)}`);
    for (const bar of pci.bars) lines.push(`      BAR${bar.index}: ${range(bar)}.`);
    lines.push('      id ""');
  }
  return lines.map((line) => `${line}\n`).join("");
}

type Bar = Pc["board"]["slots"]["functions"][number]["bars"][number];

function range({ kind, address, sizeBytes, prefetchable }: Bar): string {
  // As QEMU: what is not enabled is at −1.
  const nowhere = address === null;
  if (kind === "io") {
    return `I/O at 0x${nowhere ? "ffffffffffffffff" : hex(address, 4)} [0x${nowhere ? hex((sizeBytes - 2) >>> 0, 4) : hex(address + sizeBytes - 1, 4)}]`;
  }
  const from = nowhere ? "ffffffffffffffff" : hex(address, 8);
  const to = nowhere ? hex(sizeBytes - 2, 8) : hex(address + sizeBytes - 1, 8);
  return `${kind === "memory64" ? 64 : 32} bit${prefetchable ? " prefetchable" : ""} memory at 0x${from} [0x${to}]`;
}
