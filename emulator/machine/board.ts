/**
 * The board of a PC: its devices, the interrupt lines between them, and the ports and addresses they answer. Wiring only.
 *
 * Invariant: a device that keeps time is brought to now before each access, and after each the machine is told when it
 * is due next (`rescheduled`). Names of regions are those of QEMU's `info mtree`.
 * Elsewhere: RAM and ROM (`memory/pc.ts`), what firmware leaves in the devices (`platform.ts`), when they tick (`pc.ts`).
 */
import { Drive } from "../block/index.ts";
import { memoryMap } from "../boot/memory-map.ts";
import { debugConsole, debugExit, postCode } from "../devices/debug-port.ts";
import type { ApicRegisters, Core } from "../cpu/core.ts";
import type { CpuModel } from "../cpu/system/model.ts";
import type { Device, Line, Now, OpenRegisters, RegionOps } from "../devices/device.ts";
import { Hpet } from "../devices/hpet.ts";
import { IO_APIC_BASE } from "../devices/io-apic.ts";
import { APIC_BASE } from "../devices/local-apic.ts";
import { KeyboardController } from "../devices/keyboard-controller.ts";
import { Keyboard } from "../devices/keyboard.ts";
import { type MemoryHotplug, MEMORY_HOTPLUG_BYTES, MEMORY_HOTPLUG_PORT } from "../devices/memory-hotplug.ts";
import { Mouse } from "../devices/mouse.ts";
import { FwCfg } from "../devices/fw-cfg.ts";
import { fillFwCfg } from "../devices/fw-cfg-pc.ts";
import type { Pic } from "../devices/pic.ts";
import { Pit } from "../devices/pit.ts";
import { Power } from "../devices/power.ts";
import { Port92, ResetControl } from "../devices/reset-control.ts";
import { Rtc } from "../devices/rtc.ts";
import { Speaker } from "../devices/speaker.ts";
import { Uart } from "../devices/uart.ts";
import { Vga, VGA_PORTS } from "../devices/vga.ts";
import { assert } from "../assert.ts";
import { type FirmwareTables, firmwareTables, offerTables } from "../firmware/install.ts";
import { Bios, SERVICE_PORT } from "../firmware/bios/index.ts";
import {
  deviceMemory,
  type Memory,
  memoryEnd,
  MemoryRegion,
  type PcMemory,
  type RegionAccess,
} from "../memory/index.ts";
import { PAGE_BYTES } from "../numbers.ts";
import { Interrupts, type ProcessorPins } from "./interrupts.ts";
import { Slots } from "./slots.ts";
import type { MachineConfig, MachineHost, OutputChannel } from "./types.ts";

/** 2026-01-01T00:00:00Z in milliseconds since 1970: the RTC's start unless another is given, so that runs repeat. */
const RTC_BASE = 1_767_225_600_000;

export const IRQ = { pit: 0, keyboard: 1, serial1: 3, serial0: 4, rtc: 8, sci: 9, mouse: 12 } as const;

/** On the ISA bus wider accesses become several of a byte; in memory they are taken apart by the region. */
const BYTES: RegionAccess = { valid: { max: 1 } };
/** The DISPI ports take words, the data port at an odd address, too. */
const DISPI_WORDS: RegionAccess = { valid: { min: 2, max: 2, unaligned: true } };

const HPET_BASE = 0xfed00000;
const HPET_BYTES = 0x400;
const HPET_WORDS: RegionAccess = { valid: { min: 4, max: 4 } };

/** What the board asks of the machine. */
export interface BoardEnvironment {
  readonly now: Now;
  readonly processors: ProcessorPins;
  readonly model: CpuModel;
  /** The CPU whose access is under way. */
  readonly currentCpu: () => number;
  readonly core: (cpu: number) => Core;
  /** The HPET's. */
  readonly openRegisters: OpenRegisters;
  /** A device was accessed, and this is when it is due next. */
  readonly rescheduled: (deadline: number) => void;
  readonly reset: (cause: string) => void;
  readonly sleep: (type: number) => void;
  readonly exit: (code: number) => void;
  readonly output: (channel: OutputChannel, byte: number) => void;
}

export class Board {
  /** What the processors are. */
  readonly model: CpuModel;
  readonly interrupts: Interrupts;
  readonly pic: Pic;
  readonly pit: Pit;
  readonly rtc: Rtc;
  readonly keyboard = new Keyboard();
  readonly mouse = new Mouse();
  readonly keyboardController: KeyboardController;
  readonly serial: readonly [Uart, Uart];
  readonly vga = new Vga();
  readonly port92: Port92;
  readonly power: Power;
  /** The window at 0xa0000, for the memory tree. */
  readonly vgaLowmem: MemoryRegion;
  /** All devices, in the order in which they are reset, ticked and loaded: the interrupt controller first, since the others drive its lines. */
  readonly devices: Device[];
  /** Those that can have a deadline, with the global system interrupts they may raise then; "message": interrupts that no mask here holds back. */
  readonly #timed: { readonly device: Device; readonly gsis: readonly number[] | "message" }[];

  constructor(config: MachineConfig, environment: BoardEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.model = environment.model;
    const hasApic = environment.model.features.has("apic");
    const { reset, output } = environment;
    const interrupts = new Interrupts(config.cpus ?? 1, environment.processors, hasApic);
    const { pic } = interrupts;
    const hpet =
      config.hpet === false ? null : new Hpet((route) => this.#hpetLine(route), environment.openRegisters);
    const pit = new Pit(hpet?.pit ?? interrupts.gsi(IRQ.pit));
    const rtc = new Rtc(hpet?.rtc ?? interrupts.gsi(IRQ.rtc), config.rtcBase ?? RTC_BASE);
    const speaker = new Speaker(pit);
    const { keyboard, mouse } = this;
    const keyboardController = new KeyboardController(
      interrupts.gsi(IRQ.keyboard),
      interrupts.gsi(IRQ.mouse),
      keyboard,
      mouse,
      () => reset("keyboard controller"),
    );
    const serial0 = new Uart("isa-serial.0", interrupts.gsi(IRQ.serial0), (byte) => output("serial0", byte));
    const serial1 = new Uart("isa-serial.1", interrupts.gsi(IRQ.serial1), (byte) => output("serial1", byte));
    const port92 = new Port92(() => reset("port 0x92"));
    const resetControl = new ResetControl(() => reset("port 0xCF9"));
    // A PIRQ may be routed to the SCI's interrupt: the ISA bridge has them share it.
    const power = new Power((level) => this.slots.isaBridge.line(IRQ.sci)(level), environment.sleep);
    this.interrupts = interrupts;
    this.pic = pic;
    this.pit = pit;
    this.rtc = rtc;
    this.keyboardController = keyboardController;
    this.serial = [serial0, serial1];
    this.port92 = port92;
    this.power = power;
    this.devices = [
      pic,
      interrupts.ioApic,
      ...interrupts.apics,
      ...(hpet === null ? [] : [hpet]), // before the chips whose lines go through it
      pit,
      speaker,
      rtc,
      keyboard,
      mouse,
      keyboardController,
      serial0,
      serial1,
      this.vga,
      port92,
      resetControl,
      power,
    ];
    this.#timed = [
      { device: pit, gsis: [IRQ.pit] },
      { device: rtc, gsis: [IRQ.rtc] },
      { device: keyboardController, gsis: [IRQ.keyboard, IRQ.mouse] },
      { device: serial0, gsis: [IRQ.serial0] },
      { device: serial1, gsis: [IRQ.serial1] },
      { device: power, gsis: [IRQ.sci] },
      ...(hpet === null ? [] : [{ device: hpet, gsis: [IRQ.pit, IRQ.rtc] }]),
      ...interrupts.apics.map((device) => ({ device, gsis: "message" }) as const),
    ];

    const timed = this.#timedOps;
    this.vgaLowmem = this.vga.window;
    const [apic, ...otherApics] = interrupts.apics.map((device) => timed(device, device.registers));
    const apicOps: RegionOps = {
      read: (address, size) => current().read(address, size),
      // Beyond the registers, a write is what a device's message would be.
      write: (address, size, value) =>
        address < 0x1000
          ? current().write(address, size, value)
          : interrupts.message(APIC_BASE + address, value),
    };
    const apics = [apic!, ...otherApics];
    const current = (): RegionOps => apics[environment.currentCpu()] ?? apic!;
    this.#windows = (system) => {
      if (hpet !== null) {
        this.#hpetRegion = MemoryRegion.io("hpet", HPET_BYTES, timed(hpet, hpet), { access: HPET_WORDS });
        system.add(this.#hpetRegion, HPET_BASE);
      }
      if (hasApic) system.add(MemoryRegion.io("apic-msi", 0x100000, apicOps), APIC_BASE, 4096);
      system.add(MemoryRegion.io("ioapic", 0x1000, interrupts.ioApic.registers), IO_APIC_BASE);
    };
    this.#ports = (io) => {
      const add = (
        name: string,
        port: number,
        size: number,
        ops: RegionOps,
        access: RegionAccess = BYTES,
        priority = 0,
      ): void => io.add(MemoryRegion.io(name, size, ops, { access }), port, priority);
      add("pic", 0x20, 2, pic.ports(0));
      add("pit", 0x40, 4, timed(pit, pit));
      add("i8042-data", 0x60, 1, timed(keyboardController, keyboardController.dataPort));
      add("pcspk", 0x61, 1, timed(speaker, speaker));
      add("i8042-cmd", 0x64, 1, timed(keyboardController, keyboardController.commandPort));
      const clock = MemoryRegion.io("rtc", 2, timed(rtc, rtc), { access: BYTES });
      clock.add(MemoryRegion.io("rtc-index", 1, timed(rtc, rtc), { access: BYTES }), 0);
      io.add(clock, 0x70);
      add("ioport80", 0x80, 1, postCode);
      add("port92", 0x92, 1, port92);
      add("pic", 0xa0, 2, pic.ports(1));
      add("apm-io", 0xb2, 2, timed(power, power.smiCommand));
      add(
        "isa-debugcon",
        0xe9,
        1,
        debugConsole((byte) => output("debugcon", byte)),
      );
      add("serial", 0x2f8, 8, timed(serial1, serial1));
      for (const [port, size] of VGA_PORTS) add("vga", port, size, timed(this.vga, this.vga.ports(port)));
      add("vbe", 0x1ce, 4, this.vga.dispi, DISPI_WORDS);
      add("serial", 0x3f8, 8, timed(serial0, serial0));
      add(
        "isa-debugcon",
        0x402,
        1,
        debugConsole((byte) => output("seabios", byte)),
      );
      add("elcr", 0x4d0, 1, pic.elcr(0));
      add("elcr", 0x4d1, 1, pic.elcr(1));
      if (config.debugExit !== undefined) {
        add(
          "isa-debug-exit",
          config.debugExit.iobase,
          config.debugExit.iosize,
          debugExit(environment.exit),
          {},
        );
      }
      add("piix3-reset-control", 0xcf9, 1, resetControl, BYTES, 1);
    };
  }

  /** By `DriveConfig.id`: those that have a medium. Their controllers and the BIOS read and write the same image. */
  readonly drives = new Map<string, Drive>();
  readonly #config: MachineConfig;
  readonly #environment: BoardEnvironment;
  /** Brings a device to now before an access, and reports its deadline after it. */
  readonly #timedOps = (device: Device, ops: RegionOps): RegionOps => {
    const before = (): void => device.tick(this.#environment.now());
    const after = (): void => this.#environment.rescheduled(device.deadline);
    return {
      read: (address, size) => {
        before();
        const value = ops.read(address, size);
        after();
        return value;
      },
      write: (address, size, value) => {
        before();
        ops.write(address, size, value);
        after();
      },
    };
  };
  #hpetRegion: MemoryRegion | null = null;
  readonly #ports: (io: MemoryRegion) => void;
  readonly #windows: (system: MemoryRegion) => void;

  /** Interrupts 0 and 8 are ISA's; 2 is the I/O APIC's pin, which on the ISA bus is no interrupt. */
  #hpetLine(route: number): Line {
    return route === 2 ? this.interrupts.ioApic.line(route) : this.interrupts.gsi(route);
  }

  /** Puts the devices' ports into the I/O space and their registers into memory, and plugs in what is on the PCI bus. */
  attach(memory: Memory, pcMemory: PcMemory, host: MachineHost): void {
    this.#openDrives(host);
    memory.transaction(() => {
      this.#ports(memory.io);
      this.#windows(memory.system);
    });
    this.vga.attach(memory);
    const { now, rescheduled } = this.#environment;
    const slots = new Slots({
      config: this.#config,
      memory,
      pcMemory,
      now,
      rescheduled,
      line: (irq) => this.interrupts.gsi(irq),
      message: (address, data) => this.interrupts.message(address, data),
      power: this.power,
      vga: this.vga,
      drives: this.drives,
      output: this.#environment.output,
      timed: this.#timedOps,
    });
    this.#slots = slots;
    const { functions } = slots;
    this.devices.push(slots.bus, ...functions, slots.smbus);
    for (const device of functions) this.#timed.push({ device, gsis: "message" });
    this.#attachFwCfg(memory, pcMemory);
    this.#tables = firmwareTables(this.#config, this.model, pcMemory.split, this.devices);
    offerTables(this.fwCfg, this.#tables);
    if (this.#config.firmware === undefined) this.#attachBios(memory, pcMemory);
  }

  /** The registers of the memory slots, if there are any. */
  attachMemoryHotplug(memory: Memory, hotplug: MemoryHotplug | null): void {
    if (hotplug === null) return;
    this.devices.push(hotplug);
    memory.io.add(
      MemoryRegion.io("acpi-mem-hotplug", MEMORY_HOTPLUG_BYTES, hotplug.registers),
      MEMORY_HOTPLUG_PORT,
    );
  }

  /** A drive whose image the host does not have is an empty tray. */
  #openDrives({ images }: MachineHost): void {
    for (const { id, readOnly, writeThrough } of this.#config.drives ?? []) {
      const image = images.get(id);
      if (image === undefined) continue;
      const drive = new Drive(id, image, { readOnly, writeThrough: writeThrough === true });
      this.drives.set(id, drive);
      this.devices.push(drive);
    }
  }

  /** The built-in BIOS, where no firmware was given. */
  #attachBios(memory: Memory, { split }: PcMemory): void {
    const { now, rescheduled, currentCpu, core, output } = this.#environment;
    const ram = [
      { start: 0, length: split.below4G },
      { start: 2 ** 32, length: split.above4G },
    ];
    const bios = new Bios({
      now,
      rescheduled,
      currentCpu,
      core,
      drives: (this.#config.drives ?? []).map((config) => ({
        config,
        image: this.drives.get(config.id)?.image ?? null,
      })),
      bootOrder: this.#config.bootOrder ?? "cad",
      memoryMap: () => memoryMap(ram),
      log: (line) => {
        for (const character of `${line}\n`) output("seabios", character.charCodeAt(0));
      },
    });
    this.devices.push(bios);
    this.#timed.push({ device: bios, gsis: [] });
    memory.io.add(MemoryRegion.io("bios-services", 1, bios.port, { access: BYTES }), SERVICE_PORT);
  }

  #attachFwCfg(memory: Memory, pcMemory: PcMemory): void {
    const config = this.#config;
    const fwCfg = new FwCfg(memory);
    fillFwCfg(fwCfg, {
      ramBytes: config.ramBytes,
      ramBelow4G: pcMemory.split.below4G,
      cpus: config.cpus ?? 1,
      bootOrder: config.bootOrder ?? "cad",
      slots: config.slots ?? 0,
      memoryEnd: deviceMemory(config) === null ? null : memoryEnd(config),
      files: config.fwCfg ?? [],
    });
    this.#fwCfg = fwCfg;
    this.devices.push(fwCfg);
    memory.transaction(() => {
      memory.io.add(MemoryRegion.io("fwcfg", 2, fwCfg.ports), 0x510);
      memory.io.add(MemoryRegion.io("fwcfg.dma", 8, fwCfg.dma), 0x514);
    });
  }

  #slots: Slots | null = null;
  #fwCfg: FwCfg | null = null;
  #tables: FirmwareTables | null = null;
  /** The PCI bus and what is plugged in, once `attach` has been called. */
  get slots(): Slots {
    assert(this.#slots !== null, "the board is attached");
    return this.#slots;
  }
  get fwCfg(): FwCfg {
    assert(this.#fwCfg !== null, "the board is attached");
    return this.#fwCfg;
  }
  get tables(): FirmwareTables {
    assert(this.#tables !== null, "the board is attached");
    return this.#tables;
  }

  /** Guest-physical page that the HPET's registers begin with, if all of them are seen there; else null. */
  hpetPage({ addressSpace }: Memory): number | null {
    const range = addressSpace.find(HPET_BASE);
    const isWhole = range?.region === this.#hpetRegion && range.size === HPET_BYTES;
    return range !== null && isWhole ? HPET_BASE / PAGE_BYTES : null;
  }

  reset(): void {
    for (const device of this.devices) device.reset();
  }

  /** The local APIC of a CPU as its processor reaches it: brought to now before each access. */
  apicMsrs(cpu: number): ApicRegisters {
    const apic = this.interrupts.apics[cpu]!;
    const now = (): void => apic.tick(this.#environment.now());
    const done = <Result>(result: Result): Result => {
      this.#environment.rescheduled(apic.deadline);
      return result;
    };
    return {
      readMsr: (index) => {
        now();
        return done(apic.readMsr(index));
      },
      writeMsr: (index, value) => {
        now();
        return done(apic.writeMsr(index, value));
      },
      setTaskPriority: (value) => apic.setTaskPriority(value),
    };
  }

  /** Virtual time at which something is due; Infinity if nothing ever is. */
  get deadline(): number {
    let deadline = Infinity;
    for (const { device } of this.#timed) deadline = Math.min(deadline, device.deadline);
    return deadline;
  }

  /** Virtual time of the next thing that can interrupt a halted processor: nothing that waits behind a mask or an interrupt in service counts. */
  get wakeDeadline(): number {
    let deadline = Infinity;
    for (const { device, gsis } of this.#timed) {
      if (gsis === "message" || gsis.some((gsi) => this.interrupts.admits(gsi)))
        deadline = Math.min(deadline, device.deadline);
    }
    return deadline;
  }

  /** Brings every device that is due to `now`. */
  tick(now: ReturnType<Now>): void {
    for (const { device } of this.#timed) if (device.deadline <= now) device.tick(now);
  }
}
