/** `info pic` in QEMU's form. */
import type { Pc } from "../../emulator/index.ts";
import { badMonitorCommand } from "../errors.ts";

const hex = (value: number): string => value.toString(16).padStart(2, "0");

/** The two chips, the second first as QEMU has them; the machine has no I/O APIC. */
export function infoPic(machine: Pc | null): string {
  if (machine === null) throw badMonitorCommand("this machine has no interrupt controller");
  const [first, second] = machine.board.pic.chips;
  return (
    [
      ["pic1", second],
      ["pic0", first],
    ] as const
  )
    .map(
      ([name, chip]) =>
        `${name}: irr=${hex(chip.irr)} imr=${hex(chip.imr)} isr=${hex(chip.isr)} hprio=${chip.hprio} irq_base=${hex(chip.irqBase)} ` +
        `rr_sel=${chip.readIsr ? 1 : 0} elcr=${hex(chip.elcr)} fnm=${chip.fnm ? 1 : 0}\n`,
    )
    .join("");
}
