/**
 * The pair of i8259A interrupt controllers of a PC with its edge/level registers (Intel 8259A data sheet, 231468).
 *
 *     port 0x20/0xA0  w: ICW1 (bit 4), OCW2, OCW3 (bit 3)    r: IRR, ISR or the answer to a poll
 *     port 0x21/0xA1  w: ICW2…4 after ICW1, else the mask    r: the mask
 *     port 0x4D0/1    ELCR: one bit per line, set = level-triggered
 *
 * The second chip's output is line 2 of the first. Invariant: the output to the processor is a function of IRR, ISR, the masks and priorities, and is
 * worked out again after every change. A line that falls before it is acknowledged takes its request with it, as on the chip (QEMU keeps it); what
 * the processor then finds is the spurious interrupt 7. ICW1.LTIM and the buffered and MCS-80/85 modes do not exist on a PC and are not modelled.
 */
import type { Device, Line, PlainData, RegionOps } from "./device.ts";
import { copyOf } from "./state.ts";

/** One chip, in the words of QEMU's `info pic`. */
export type PicChip = {
  /** Requests, mask, in service: one bit per line. */
  irr: number;
  imr: number;
  isr: number;
  /** Levels of the input lines. */
  lines: number;
  /** The line with the highest priority. */
  hprio: number;
  /** Vector of line 0. */
  irqBase: number;
  /** The next read of the command port gives ISR instead of IRR. */
  readIsr: boolean;
  /** A poll command waits for its read. */
  poll: boolean;
  specialMask: boolean;
  /** Which initialisation word is next: 0 none, 2 … 4. */
  initStep: number;
  needsIcw4: boolean;
  single: boolean;
  autoEoi: boolean;
  rotateOnAutoEoi: boolean;
  /** Special fully nested mode. */
  fnm: boolean;
  elcr: number;
  elcrMask: number;
};

type State = { chips: [PicChip, PicChip] };

export class Pic implements Device {
  readonly name = "isa-i8259";
  readonly deadline = Infinity;
  readonly #intr: Line;
  #state: State = { chips: [powerOn(0xf8), powerOn(0xde)] };

  /** @param intr the line to the processor's INTR pin */
  constructor(intr: Line) {
    this.#intr = intr;
  }

  /** The two chips, first and second, for `info pic`. Not to be changed. */
  get chips(): readonly [Readonly<PicChip>, Readonly<PicChip>] {
    return this.#state.chips;
  }

  /** Level of the output to the processor. */
  get output(): boolean {
    return pending(this.#state.chips[0], true) >= 0;
  }

  /** The line of an ISA interrupt, 0 … 15 without 2. */
  line(irq: number): Line {
    return (level) => this.setLine(irq, level);
  }

  /** Whether a request on this line would reach the processor as things stand: not masked, and nothing of its priority or higher in service. */
  admits(irq: number): boolean {
    const [first, second] = this.#state.chips;
    const bit = 1 << (irq & 7);
    if (irq < 8) return pending({ ...first, irr: first.irr | bit }, true) >= 0;
    return (
      pending({ ...second, irr: second.irr | bit }, false) >= 0 &&
      pending({ ...first, irr: first.irr | 4 }, true) >= 0
    );
  }

  setLine(irq: number, level: boolean): void {
    const chip = this.#state.chips[irq >> 3 ? 1 : 0];
    const line = irq & 7;
    // Devices tell their lines' levels with every access. A line that is low, asks for nothing and stays low changes nothing.
    if (!level && ((chip.lines | chip.irr) & (1 << line)) === 0) return;
    setInput(chip, line, level);
    this.#update();
  }

  /** The processor's interrupt acknowledge cycles: gives the vector and puts its line in service. */
  acknowledge(): number {
    const [first, second] = this.#state.chips;
    let line = pending(first, true);
    if (line < 0) line = 7;
    else serve(first, line);
    let vector = first.irqBase + line;
    if (line === 2 && !first.single) {
      let slave = pending(second, false);
      if (slave < 0) slave = 7;
      else serve(second, slave);
      vector = second.irqBase + slave;
    }
    this.#update();
    return vector;
  }

  /** Ports of chip 0 or 1: command at 0, data at 1. */
  ports(index: 0 | 1): RegionOps {
    return {
      read: (address) => this.#read(index, address & 1),
      write: (address, _size, value) => this.#write(index, address & 1, value & 0xff),
    };
  }

  /** The edge/level register of chip 0 or 1. Lines 0, 1, 2, 8 and 13 are always edge-triggered. */
  elcr(index: 0 | 1): RegionOps {
    return {
      read: () => this.#state.chips[index].elcr,
      write: (_address, _size, value) => {
        const chip = this.#state.chips[index];
        chip.elcr = value & chip.elcrMask;
      },
    };
  }

  reset(): void {
    for (const chip of this.#state.chips) Object.assign(chip, powerOn(chip.elcrMask), { lines: chip.lines });
    this.#update();
  }

  tick(): void {}

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(state: PlainData): void {
    this.#state = copyOf(state as State);
    this.#update();
  }

  #update(): void {
    const [first, second] = this.#state.chips;
    setInput(first, 2, pending(second, false) >= 0);
    this.#intr(pending(first, true) >= 0);
  }

  #read(index: 0 | 1, address: number): number {
    const chip = this.#state.chips[index];
    if (chip.poll) {
      chip.poll = false;
      const line = pending(chip, index === 0);
      if (line < 0) return 0;
      serve(chip, line);
      this.#update();
      return 0x80 | line;
    }
    if (address === 1) return chip.imr;
    return chip.readIsr ? chip.isr : chip.irr;
  }

  #write(index: 0 | 1, address: number, value: number): void {
    const chip = this.#state.chips[index];
    if (address === 0) {
      if (value & 0x10) initialise(chip, value);
      else if (value & 0x08) operate3(chip, value);
      else operate2(chip, value);
    } else writeData(chip, value);
    this.#update();
  }
}

function powerOn(elcrMask: number): PicChip {
  return {
    irr: 0,
    imr: 0,
    isr: 0,
    lines: 0,
    hprio: 0,
    irqBase: 0,
    readIsr: false,
    poll: false,
    specialMask: false,
    initStep: 0,
    needsIcw4: false,
    single: false,
    autoEoi: false,
    rotateOnAutoEoi: false,
    fnm: false,
    elcr: 0,
    elcrMask,
  };
}

function setInput(chip: PicChip, line: number, level: boolean): void {
  const bit = 1 << line;
  if (!level) chip.irr &= ~bit;
  else if (chip.elcr & bit || (chip.lines & bit) === 0) chip.irr |= bit;
  chip.lines = level ? chip.lines | bit : chip.lines & ~bit;
}

/** 0 (first served) … 7, or 8 for an empty set. */
function priority(chip: PicChip, set: number): number {
  for (let rank = 0; rank < 8; rank++) if (set & (1 << ((chip.hprio + rank) & 7))) return rank;
  return 8;
}

/** The line that asks for the processor now, or −1. */
function pending(chip: PicChip, first: boolean): number {
  const rank = priority(chip, chip.irr & ~chip.imr);
  if (rank === 8) return -1;
  let blocking = chip.isr;
  if (chip.specialMask) blocking &= ~chip.imr;
  const line = (chip.hprio + rank) & 7;
  const blockingRank = priority(chip, blocking);
  // In special fully nested mode the second chip may ask again while line 2 is in service.
  const nested = first && chip.fnm && line === 2 && rank === blockingRank;
  return rank < blockingRank || nested ? line : -1;
}

function serve(chip: PicChip, line: number): void {
  const bit = 1 << line;
  if (chip.autoEoi) {
    if (chip.rotateOnAutoEoi) chip.hprio = (line + 1) & 7;
  } else chip.isr |= bit;
  if ((chip.elcr & bit) === 0) chip.irr &= ~bit;
}

function initialise(chip: PicChip, icw1: number): void {
  Object.assign(chip, powerOn(chip.elcrMask), { lines: chip.lines, elcr: chip.elcr, irqBase: chip.irqBase });
  // Edges are forgotten; a level that is still up asks again.
  chip.irr = chip.lines & chip.elcr;
  chip.initStep = 2;
  chip.needsIcw4 = (icw1 & 1) !== 0;
  chip.single = (icw1 & 2) !== 0;
}

function writeData(chip: PicChip, value: number): void {
  switch (chip.initStep) {
    case 2:
      chip.irqBase = value & 0xf8;
      chip.initStep = chip.single ? (chip.needsIcw4 ? 4 : 0) : 3;
      return;
    case 3: // where the other chip is connected: fixed on a PC
      chip.initStep = chip.needsIcw4 ? 4 : 0;
      return;
    case 4:
      chip.fnm = (value & 0x10) !== 0;
      chip.autoEoi = (value & 2) !== 0;
      chip.initStep = 0;
      return;
    default:
      chip.imr = value;
  }
}

/** OCW2: end of interrupt and rotation. */
function operate2(chip: PicChip, value: number): void {
  const line = value & 7;
  const command = value >> 5;
  switch (command) {
    case 0:
    case 4:
      chip.rotateOnAutoEoi = command === 4;
      return;
    case 1:
    case 5: {
      // In special mask mode a masked line is not ended by an unspecific EOI.
      const rank = priority(chip, chip.specialMask ? chip.isr & ~chip.imr : chip.isr);
      if (rank === 8) return;
      const served = (chip.hprio + rank) & 7;
      chip.isr &= ~(1 << served);
      if (command === 5) chip.hprio = (served + 1) & 7;
      return;
    }
    case 3:
    case 7:
      chip.isr &= ~(1 << line);
      if (command === 7) chip.hprio = (line + 1) & 7;
      return;
    case 6:
      chip.hprio = (line + 1) & 7;
  }
}

/** OCW3: poll, what to read, special mask. */
function operate3(chip: PicChip, value: number): void {
  if (value & 4) chip.poll = true;
  if (value & 2) chip.readIsr = (value & 1) !== 0;
  if (value & 0x40) chip.specialMask = (value & 0x20) !== 0;
}
