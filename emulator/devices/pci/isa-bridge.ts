/**
 * The PIIX3's ISA bridge (Intel 290550): the place where PCI's interrupt wires become ISA interrupts.
 *
 *     0x60 … 0x63  PIRQRC, one for each of PIRQA … PIRQD: 7 not routed, 3:0 the ISA interrupt
 *
 * Invariant: an ISA interrupt is high while a PIRQ that is routed to it is, or the ISA device that has it (`line`). Only changes are driven; a state that is loaded
 * drives nothing, since the interrupt controllers were saved at the same instant.
 * Elsewhere: the edge/level registers (`pic.ts`), reset control at port 0xcf9 (`reset-control.ts`).
 */
import type { Line, PlainData } from "../device.ts";
import { type PciEnvironment, PciFunction } from "./function.ts";

const PIRQRC = 0x60;
const NOT_ROUTED = 0x80;
const PIRQS = 4;

/** Power-on values beyond the header, as QEMU's PIIX3 has them: interrupt routing, buses' timings, the power management events that nobody uses. */
const DEFAULTS: readonly (readonly [offset: number, value: number])[] = [
  [0x4c, 0x4d], // IORT: ISA recovery timer
  [0x4e, 0x03], // XBCS
  [0x60, NOT_ROUTED],
  [0x61, NOT_ROUTED],
  [0x62, NOT_ROUTED],
  [0x63, NOT_ROUTED],
  [0x69, 0x02], // TOM
  [0x70, 0x80], // MBIRQ0
  [0x76, 0x0c], // MBDMA
  [0x77, 0x0c],
  [0x78, 0x02],
  [0xa0, 0x08], // SMICNTL
  [0xa8, 0x0f], // FTMR
];

export class IsaBridge extends PciFunction {
  readonly name = "PIIX3";
  readonly #lines: (irq: number) => Line;
  /** One bit per PIRQ that is high, and per ISA interrupt that an ISA device holds high. */
  #pirqs = 0;
  #isa = 0;
  /** What is driven, one bit per ISA interrupt. */
  #driven = 0;

  /** @param lines the line of an ISA interrupt, 0 … 15 without 2 */
  constructor(environment: PciEnvironment, lines: (irq: number) => Line) {
    super(environment, {
      vendorId: 0x8086,
      deviceId: 0x7000,
      classCode: 0x060100,
      multifunction: true,
    });
    this.#lines = lines;
    this.put(0x06, 2, 0x0200); // DEVSEL# timing: medium
    this.allowDeviceRegisters();
    for (const [offset, value] of DEFAULTS) this.put(offset, 1, value);
  }

  /** The level of PIRQA … PIRQD, 0 … 3. */
  setPirq(wire: number, level: boolean): void {
    this.#pirqs = withBit(this.#pirqs, wire, level);
    this.#update();
  }

  /** The line of an ISA device whose interrupt a PIRQ may be routed to as well. */
  line(irq: number): Line {
    return (level) => {
      this.#isa = withBit(this.#isa, irq, level);
      this.#update();
    };
  }

  /** The ISA interrupt that a wire leads to, or null. */
  irqOf(wire: number): number | null {
    const value = this.get(PIRQRC + wire, 1);
    return value < 16 ? value : null;
  }

  override reset(): void {
    super.reset();
    this.#update();
  }

  override save(): PlainData {
    return { function: super.save(), pirqs: this.#pirqs, isa: this.#isa, driven: this.#driven };
  }

  override load(state: PlainData): void {
    const saved = state as { function: PlainData; pirqs: number; isa: number; driven: number };
    this.#pirqs = saved.pirqs;
    this.#isa = saved.isa;
    this.#driven = saved.driven;
    super.load(saved.function);
  }

  protected override configChanged(): void {
    this.#update();
  }

  #update(): void {
    let levels = this.#isa;
    for (let wire = 0; wire < PIRQS; wire++) {
      const irq = this.irqOf(wire);
      if (irq !== null && this.#pirqs & (1 << wire)) levels |= 1 << irq;
    }
    const changed = levels ^ this.#driven;
    this.#driven = levels;
    for (let irq = 0; irq < 16; irq++) {
      if (changed & (1 << irq)) this.#lines(irq)((levels & (1 << irq)) !== 0);
    }
  }
}

function withBit(bits: number, bit: number, level: boolean): number {
  return level ? bits | (1 << bit) : bits & ~(1 << bit);
}
