/**
 * The way of an interrupt: from a device's wire or message to the processors. A wire (a "global system interrupt", as ACPI counts them) is connected to
 * the 8259 pair and to the I/O APIC at once; which of the two is listened to is software's choice, by masks.
 *
 * Invariant: knows who is connected to whom and nothing about when. Destinations are looked for in the order of CPU numbers, so delivery repeats.
 */
import type { Line } from "../devices/device.ts";
import { IoApic } from "../devices/io-apic.ts";
import { type ApicMessage, DELIVERY, LocalApic, type Shorthand } from "../devices/local-apic.ts";
import { Pic } from "../devices/pic.ts";

/** What the interrupt hardware asks of processor `cpu`. */
export interface ProcessorPins {
  readonly intr: (cpu: number, level: boolean) => void;
  readonly nmi: (cpu: number) => void;
  readonly init: (cpu: number) => void;
  readonly startUp: (cpu: number, vector: number) => void;
  /** IA32_APIC_BASE changed: its low 12 bits, of which CPUID shows whether the APIC is enabled. */
  readonly apicMode: (cpu: number, mode: number) => void;
  readonly taskPriority: (cpu: number, value: number) => void;
  /** How far the CPU's time-stamp counter is ahead of virtual time, in nanoseconds. */
  readonly timestampOffset: (cpu: number) => bigint;
}

/** ISA's timer interrupt arrives at pin 2 of the I/O APIC, as the override in the MADT says. */
const pinOf = (gsi: number): number => (gsi === 0 ? 2 : gsi);

export class Interrupts {
  readonly pic: Pic;
  readonly ioApic: IoApic;
  readonly apics: readonly LocalApic[];

  constructor(cpus: number, pins: ProcessorPins, hasApic: boolean) {
    this.pic = new Pic((level) => {
      for (const apic of this.apics) apic.externalChanged(level);
    });
    this.ioApic = new IoApic(
      (message) => this.#route(message),
      () => this.pic.acknowledge(),
    );
    this.apics = Array.from(
      { length: cpus },
      (_, cpu) =>
        new LocalApic(
          cpu,
          {
            intr: (level) => pins.intr(cpu, level),
            nmi: () => pins.nmi(cpu),
            init: () => pins.init(cpu),
            startUp: (vector) => pins.startUp(cpu, vector),
            mode: (value) => pins.apicMode(cpu, value),
            taskPriority: (value) => pins.taskPriority(cpu, value),
            send: (message, shorthand) => this.#send(cpu, message, shorthand),
            endOfInterrupt: (vector) => this.ioApic.endOfInterrupt(vector),
            external: () => this.pic.output,
            timestampOffset: () => pins.timestampOffset(cpu),
          },
          hasApic,
        ),
    );
  }

  /** The wire of a global system interrupt: 0 … 15 are ISA's, 16 … 23 reach the I/O APIC only. */
  gsi(number: number): Line {
    const pin = this.ioApic.line(pinOf(number));
    if (number >= 16) return pin;
    const line = this.pic.line(number);
    return (level) => {
      line(level);
      pin(level);
    };
  }

  /** Whether a request on this wire would reach some processor as things stand. */
  admits(gsi: number): boolean {
    if (this.ioApic.admits(pinOf(gsi))) return true;
    return gsi < 16 && this.pic.admits(gsi) && this.apics.some((apic) => apic.admitsExternal);
  }

  /** Processor `cpu` takes an interrupt: its vector. */
  acknowledge(cpu: number): number {
    return this.apics[cpu]!.acknowledge() ?? this.pic.acknowledge();
  }

  /** A message-signalled interrupt (SDM 3A 11.11): a write of `data` to 0xFEExxxxx. */
  message(address: number, data: number): void {
    if (address >>> 20 !== 0xfee) return;
    this.#route({
      vector: data & 0xff,
      delivery: (data >>> 8) & 7,
      destination: (address >>> 12) & 0xff,
      logical: (address & 4) !== 0,
      level: (data & 0x8000) !== 0,
    });
  }

  #route(message: ApicMessage): void {
    const { vector, delivery, level } = message;
    const targets = this.apics.filter((apic) => apic.matches(message.destination, message.logical));
    if (delivery !== DELIVERY.lowest) {
      for (const apic of targets) apic.accept(vector, delivery, level);
      return;
    }
    let lowest: LocalApic | undefined;
    for (const apic of targets) if (lowest === undefined || apic.priority < lowest.priority) lowest = apic;
    lowest?.accept(vector, DELIVERY.fixed, level);
  }

  #send(source: number, message: ApicMessage, shorthand: Shorthand): void {
    const { vector, delivery, level } = message;
    if (shorthand === "none") return this.#route(message);
    for (const apic of this.apics) {
      const isSource = apic.id === source;
      if (shorthand === "self" ? isSource : shorthand === "all" || !isSource)
        if (apic.isEnabled) apic.accept(vector, delivery, level);
    }
  }
}
