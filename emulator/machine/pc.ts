/**
 * The machine: a processor, memory and a board, and the loop that runs them in virtual time.
 *
 * Invariant: a run is a function of the starting state and of the inputs, whatever slices it is run in. Virtual time is the instant plus the idle time skipped, a
 * nanosecond each (`nanosecondsPerInstant`); the processor is given exactly the instants up to the next thing that is due, and time is skipped only while it is halted.
 * Elsewhere: who is wired to whom (`board.ts`), what firmware leaves behind (`platform.ts`), what a debugger asked for (`watches.ts`).
 */
import { assert } from "../assert.ts";
import { Pending } from "../block/image.ts";
import { ACTIVITY, type Core, type CoreEnvironment } from "../cpu/core.ts";
import { LinearRegisters } from "../cpu/mmu/open-registers.ts";
import { FRAMES, SEG, STATE, STATE_BYTES } from "../cpu/layout.ts";
import type { Processor } from "../cpu/processor.ts";
import type { Device, PlainData } from "../devices/device.ts";
import { APIC_BASE } from "../devices/local-apic.ts";
import { createPcMemory, Memory, type PcMemory, type PortBus } from "../memory/index.ts";
import { type Instant, type Nanoseconds, WASM_PAGE_BYTES } from "../numbers.ts";
import { chooseCpu } from "../cpu/system/model.ts";
import { Board } from "./board.ts";
import type { Display, Picture, TextScreen } from "./display.ts";
import { MemoryDevices } from "./memory-devices.ts";
import { setMemoryTypes } from "./memory-types.ts";
import { firmwareBytes, handOver, loadFirmware } from "./platform.ts";
import { RandomSource } from "./random.ts";
import type { Statistics } from "./statistics.ts";
import type { StopReason } from "./stop.ts";
import { Turns, type Signal } from "./turns.ts";
import type {
  Input,
  LoggedInput,
  Machine,
  MachineConfig,
  MachineHost,
  MachineState,
  RunLimit,
} from "./types.ts";
import { Watches } from "./watches.ts";

/** Version of MachineState; a change of any device's state bumps it. */
export const MACHINE_STATE_VERSION = 6;

const MAXIMUM_WASM_PAGES = 65_536;
/**
 * Guest memory that linear memory has room for from the beginning; more is added as the guest uses it. Room that nobody touches takes none of the host's memory,
 * and each time that it is added, V8 collects garbage.
 */
const ROOM_BYTES = 128 * 2 ** 20;
/** What is beside RAM: ROMs, and the memory of devices. */
const BESIDE_RAM_BYTES = 2 ** 20;
/** ACPI sleep types of a PIIX4: 0 is soft-off, 2 suspend to disk, which is soft-off for the hardware. */
const SOFT_OFF: readonly number[] = [0, 2];
const SUSPEND_TO_RAM = 1;
/** Name among the devices of what the machine itself has pending. */
const PENDING = "pending";
const NO_IMAGES: MachineHost = { images: new Map() };

/** Something that a device wants done to the machine as a whole, after the instruction under way. Plain data: a state may be saved before it happens. */
type Request =
  | { readonly kind: "reset"; readonly cause: string }
  | { readonly kind: "debug-exit"; readonly code: number }
  | { readonly kind: "power-off" }
  | { readonly kind: "unimplemented"; readonly name: string };

export type MakeProcessor = (
  memory: WebAssembly.Memory,
  guest: Memory,
  ports: PortBus,
  environment: CoreEnvironment,
  cpus: number,
) => Processor;

export class Pc implements Machine {
  readonly config: MachineConfig;
  readonly cpus: readonly Core[];
  readonly memory: Memory;
  readonly addressSpaces: Machine["addressSpaces"];
  readonly debug: Watches;
  readonly board: Board;
  /** Memory backends and DIMMs. */
  readonly memoryDevices: MemoryDevices;
  onReset: () => void = () => {};
  onOutput: Machine["onOutput"] = () => {};

  readonly #processor: Processor;
  readonly #pcMemory: PcMemory;
  readonly #random: RandomSource;
  readonly #turns: Turns;
  readonly #inputs: LoggedInput[] = [];
  /** Nanoseconds an instant takes. */
  readonly #pace: number;
  /** Instants before the processor's current run, and idle time skipped so far. */
  #instant = 0;
  #idle = 0;
  #running = false;
  /** Virtual time up to which the processor may run without asking. */
  #runUntil = 0;
  /** What a device asked for and has not got yet. */
  #request: Request | null = null;
  /** A triple fault was reported; the reset it causes happens when the machine is run again. */
  #tripleFaulted = false;

  constructor(config: MachineConfig, makeProcessor: MakeProcessor, host: MachineHost = NO_IMAGES) {
    assert(
      config.ramBytes > 0 && config.ramBytes % 4096 === 0,
      "RAM is a multiple of 4096 bytes",
      config.ramBytes,
    );
    const cpus = config.cpus ?? 1;
    assert(Number.isInteger(cpus) && cpus >= 1 && cpus <= 255, "1 to 255 processors", cpus);
    const chosen = chooseCpu(config.cpu, cpus);
    assert(chosen.kind === "model", "a processor that there is", config.cpu);
    const { model } = chosen;
    this.config = config;
    this.#pace = config.nanosecondsPerInstant ?? 1;
    assert(this.#pace >= 1 && Number.isInteger(this.#pace), "nanoseconds per instant", this.#pace);
    const wasm = new WebAssembly.Memory({
      initial: Math.ceil(
        (FRAMES + Math.min(config.ramBytes, ROOM_BYTES) + BESIDE_RAM_BYTES) / WASM_PAGE_BYTES,
      ),
      maximum: MAXIMUM_WASM_PAGES,
    });
    this.memory = new Memory(wasm);
    const openRegisters = new LinearRegisters(wasm);
    this.#random = new RandomSource(config.seed ?? 0);
    this.board = new Board(config, {
      now: () => this.now,
      model,
      currentCpu: () => this.#turns.current,
      core: (cpu) => {
        const core = this.cpus[cpu];
        assert(core !== undefined, "CPU", cpu);
        return core;
      },
      openRegisters,
      processors: {
        intr: (cpu, level) => this.#interruptLine(cpu, level),
        nmi: (cpu) => this.#raiseNmi(cpu),
        init: (cpu) => this.#signal(cpu, "init"),
        startUp: (cpu, vector) => this.#signal(cpu, vector),
        apicMode: (cpu, mode) => this.cpus[cpu]?.setQuad(STATE.apicBase, BigInt(APIC_BASE + mode)),
        taskPriority: (cpu, value) => {
          const core = this.cpus[cpu];
          if (core !== undefined) core.cr8 = value;
        },
        timestampOffset: (cpu) => this.cpus[cpu]?.quad(STATE.tscOffset) ?? 0n,
      },
      rescheduled: (deadline) => this.#rescheduled(deadline),
      reset: (cause) => this.#ask({ kind: "reset", cause }),
      sleep: (type) => this.#sleep(type),
      exit: (code) => this.#ask({ kind: "debug-exit", code }),
      output: (channel, byte) => this.onOutput(channel, byte),
    });
    this.memoryDevices = new MemoryDevices(this.memory, config, this.board.power);
    const { ram } = this.memoryDevices;
    this.#pcMemory = createPcMemory(this.memory, {
      ramBytes: config.ramBytes,
      vgaLowmem: this.board.vgaLowmem,
      ...(ram === null ? {} : { ram }),
      ...(config.maxRamBelow4G === undefined ? {} : { maxRamBelow4G: config.maxRamBelow4G }),
      ...(config.firmware === undefined ? {} : { biosBytes: firmwareBytes(config.firmware) }),
    });
    this.board.attach(this.memory, this.#pcMemory, host);
    this.memoryDevices.attach();
    this.board.attachMemoryHotplug(this.memory, this.memoryDevices.hotplug);
    this.addressSpaces = { memory: this.memory.addressSpace, io: this.memory.ioSpace };
    this.#processor = makeProcessor(
      wasm,
      this.memory,
      this.memory.ports,
      {
        timestamp: () => BigInt(this.now),
        nanosecondsPerInstant: this.#pace,
        random: () => this.#random.next(),
        model,
        ...(model.features.has("apic") ? { apic: (cpu: number) => this.board.apicMsrs(cpu) } : {}),
        pause: () => this.#pause(),
        translator: config.translator ?? "on",
        ...(host.stopwatch === undefined ? {} : { stopwatch: host.stopwatch }),
        ...(host.workshop === undefined ? {} : { workshop: host.workshop }),
      },
      cpus,
    );
    this.#processor.acknowledge = (cpu) => this.board.interrupts.acknowledge(cpu);
    const placeRegisters = (): void => openRegisters.place(this.board.hpetPage(this.memory));
    placeRegisters();
    this.memory.onFramesChanged = (which, page) => {
      // So the memory model says that the address space has changed, too.
      if (which === "all" && page === undefined) placeRegisters();
      for (const core of this.cpus) core.dropFrames(which, page);
    };
    this.cpus = this.#processor.cores;
    this.#turns = new Turns(this.cpus);
    this.debug = new Watches(this.#processor, this.memory, () => this.instant);
    this.board.reset();
    this.#firmware();
  }

  get instant(): Instant {
    return (this.#instant + (this.#running ? this.#processor.executed : 0)) as Instant;
  }

  get idle(): Nanoseconds {
    return this.#idle as Nanoseconds;
  }

  /** Virtual time, exact also in the middle of a run. */
  get now(): Nanoseconds {
    return (this.instant * this.#pace + this.#idle) as Nanoseconds;
  }

  get inputs(): readonly LoggedInput[] {
    return this.#inputs;
  }

  /** Host memory the machine uses, in bytes: frames of guest memory, their tables, and the emulator's own linear memory. */
  get memoryBytes(): number {
    const { frames, tables } = this.memory.hostBytes;
    return FRAMES + frames + tables;
  }

  statistics(): Statistics {
    return {
      instants: this.instant,
      nanoseconds: this.now,
      idleNanoseconds: this.idle,
      memoryBytes: this.memoryBytes,
      processor: this.#processor.statistics(),
    };
  }

  get devices(): readonly Device[] {
    return this.board.devices;
  }

  get displayVersion(): number {
    return this.board.vga.version;
  }

  run(limit: RunLimit): StopReason {
    if (this.#tripleFaulted) {
      this.#tripleFaulted = false;
      this.#ask({ kind: "reset", cause: "triple fault" });
    }
    this.memory.relieve();
    const end = this.#instant + limit.instants;
    // Virtual time is whole nanoseconds; a host's clock may have parts of them. Rounded up, so that whoever runs until `now` is there gets there.
    const until = Math.ceil(limit.untilNanoseconds ?? Infinity);
    const idleUntil = Math.ceil(limit.idleUntilNanoseconds ?? Infinity);
    let cpuLeft = limit.cpu === undefined ? Infinity : (limit.cpuInstants ?? 1);
    const resuming = new Set<number>();
    if (limit.resume === true) resuming.add(this.#turns.current).add(limit.cpu ?? this.#turns.current);
    for (;;) {
      const asked = this.#answer();
      if (asked !== null) return asked;
      const waiting = this.#tick();
      if (waiting !== null) return waiting;
      if (this.#instant >= end || this.now >= until || cpuLeft <= 0) return { kind: "limit" };
      const cpu = this.#turns.next();
      if (cpu === null) {
        if (this.now >= idleUntil && !this.#turns.isDead) return { kind: "limit" };
        const stop = this.#skip(Math.min(until, idleUntil));
        if (stop !== null) return stop;
        continue;
      }
      const left = Math.ceil((until - this.now) / this.#pace);
      const most = Math.min(end - this.#instant, left, cpu === limit.cpu ? cpuLeft : Infinity);
      const before = this.#instant;
      const stop = this.#execute(cpu, most, resuming.has(cpu));
      const executed = this.#instant - before;
      if (executed > 0) resuming.delete(cpu);
      if (cpu === limit.cpu) cpuLeft -= executed;
      if (stop !== null) return stop;
    }
  }

  /** Brings devices that are due to now. A disk whose bytes the host has not delivered makes the machine wait. */
  #tick(): StopReason | null {
    try {
      this.board.tick(this.now);
      return null;
    } catch (thrown) {
      if (thrown instanceof Pending) return { kind: "waiting", ready: thrown.ready };
      throw thrown;
    }
  }

  input(input: Input): void {
    assert(!this.#running, "an input comes between two instants");
    this.#inputs.push({ instant: this.instant, idle: this.idle, input });
    const { now, board } = this;
    switch (input.kind) {
      case "serial": {
        const uart = board.serial[input.port];
        assert(uart !== undefined, "serial port", input.port);
        uart.tick(now);
        uart.receive(input.bytes);
        return;
      }
      case "key":
        board.keyboardController.tick(now);
        board.keyboard.press(input.scancodes);
        return;
      case "mouse":
        board.keyboardController.tick(now);
        board.mouse.move(input.dx, input.dy, input.dz, input.buttons);
        return;
      case "console": {
        const { consoles } = board.slots;
        assert(consoles !== null, "virtio consoles");
        consoles.receive(input.port, input.bytes);
        return;
      }
      case "nmi":
        this.#raiseNmi(0);
        return;
      case "power-button":
        board.power.tick(now);
        board.power.pressButton();
        return;
      case "backend-add":
        this.memoryDevices.addBackend(input.backend);
        return;
      case "backend-remove":
        this.memoryDevices.removeBackend(input.id);
        return;
      case "dimm-plug":
        board.power.tick(now);
        this.memoryDevices.plug(input.dimm);
        return;
      case "dimm-unplug":
        board.power.tick(now);
        this.memoryDevices.requestUnplug(input.id);
        return;
    }
  }

  reset(): void {
    for (const device of this.board.devices) bringTo(device, this.now);
    this.#processor.seat(0);
    this.#processor.reset();
    this.#turns.reset();
    this.#tripleFaulted = false;
    this.#request = null;
    this.debug.forget();
    this.board.reset();
    this.#firmware();
    this.onReset();
  }

  /** A firmware image finds the devices as power-on leaves them; without one they are as firmware would leave them. */
  #firmware(): void {
    const { board, memory, config } = this;
    if (config.firmware === undefined) {
      handOver(board, memory, this.#pcMemory, config);
      for (const core of this.cpus) setMemoryTypes(core, this.#pcMemory.split.below4G);
    } else loadFirmware(board, memory, this.#pcMemory, config, config.firmware);
  }

  screen(): TextScreen {
    return this.board.vga.screen();
  }

  display(): Display {
    return this.board.vga.display();
  }

  picture(): Picture {
    return this.board.vga.picture();
  }

  save(): MachineState {
    assert(!this.#running, "a state is saved between two instants");
    const cpus = this.cpus.map(saveCore);
    const devices: { [name: string]: PlainData } = {};
    for (const device of this.board.devices) {
      bringTo(device, this.now);
      devices[device.name] = device.save();
    }
    devices[this.#random.name] = this.#random.save();
    devices[this.memoryDevices.name] = this.memoryDevices.save();
    const tripleFaulted = this.#tripleFaulted;
    const nmi = this.cpus.map((core) => core.nmiPending);
    devices[PENDING] = { nmi, request: this.#request, tripleFaulted, turns: this.#turns.save() };
    return {
      version: MACHINE_STATE_VERSION,
      config: this.config,
      instant: this.instant,
      idle: this.idle,
      cpus,
      devices,
      memory: this.memory.save(),
    };
  }

  load(state: MachineState): void {
    assert(state.version === MACHINE_STATE_VERSION, "version of the state", state.version);
    assert(state.cpus.length === this.cpus.length, "processors in the state", state.cpus.length);
    this.#instant = state.instant;
    this.#idle = state.idle;
    this.memoryDevices.load(this.#saved(state, this.memoryDevices.name), state.memory);
    this.memory.load(state.memory);
    for (const [n, core] of this.cpus.entries()) loadCore(core, state.cpus[n]!);
    this.#processor.flushTraces();
    for (const device of this.board.devices) device.load(this.#saved(state, device.name));
    this.#random.load(this.#saved(state, this.#random.name));
    const pending = this.#saved(state, PENDING) as {
      nmi: boolean[];
      request: Request | null;
      tripleFaulted: boolean;
      turns: PlainData;
    };
    for (const [n, core] of this.cpus.entries()) core.nmiPending = pending.nmi[n]!;
    this.#turns.load(pending.turns);
    this.#request = pending.request;
    this.#tripleFaulted = pending.tripleFaulted;
    // Inputs that came later than the state belong to a future that may not happen.
    while (this.#inputs.length > 0 && isLater(this.#inputs.at(-1)!, state)) this.#inputs.pop();
    this.debug.forget();
  }

  #saved(state: MachineState, name: string): PlainData {
    const saved = state.devices[name];
    assert(saved !== undefined, "state of a device", name);
    return saved;
  }

  /** Runs a CPU up to the next deadline or the end of its turn, for at most `instants`. */
  #execute(cpu: number, instants: number, resume: boolean): StopReason | null {
    const processor = this.#processor;
    processor.seat(cpu);
    const deadline = this.board.deadline;
    const due = Math.ceil((deadline - this.now) / this.#pace);
    const budget = Math.min(instants, due, this.#turns.left);
    assert(budget > 0, "a device is due and did not tick", deadline, this.now);
    this.#runUntil = deadline;
    this.debug.settle();
    this.#running = true;
    const exit = processor.run(Math.min(budget, 2 ** 30), resume);
    this.#instant += processor.executed;
    this.#running = false;
    this.#turns.used(processor.executed);

    // What happened on the way comes before where the processor stands now.
    const watched = this.debug.takeStop();
    if (watched !== null) return watched;
    switch (exit.kind) {
      case "halted":
        assert(
          processor.executed > 0 || processor.core.activity !== ACTIVITY.running,
          "a CPU that can run runs",
        );
        return null;
      case "budget":
      case "exception":
        return null;
      case "breakpoint":
        // If a device asked for something, that comes first; the breakpoint is met again after it.
        return this.#request === null ? this.debug.breakpoint(cpu) : null;
      case "triple-fault":
        this.#tripleFaulted = true;
        return { kind: "triple-fault", cpu, chain: exit.chain };
      case "unimplemented":
        return { ...exit, cpu };
      case "out-of-memory":
        return exit;
    }
  }

  /** Skips time up to the next thing that can end a HLT, or to `until`. */
  #skip(until: number): StopReason | null {
    if (this.#turns.isDead) return { kind: "dead", cpu: this.#turns.current };
    const wake = this.board.wakeDeadline;
    const target = Math.min(wake, until);
    if (target !== Infinity) this.#idle += Math.max(target - this.now, 0);
    return wake === Infinity ? { kind: "idle" } : null;
  }

  #interruptLine(cpu: number, level: boolean): void {
    const core = this.cpus[cpu];
    if (core === undefined) return;
    core.interruptLine = level;
    if (level && this.#running && cpu === this.#turns.current) this.#processor.requestExit();
  }

  #raiseNmi(cpu: number): void {
    this.cpus[cpu]!.nmiPending = true;
    if (this.#running && cpu === this.#turns.current) this.#processor.requestExit();
  }

  /** INIT or a start-up message for a CPU: it happens after the instruction under way. */
  #signal(cpu: number, signal: Signal): void {
    this.#turns.signal(cpu, signal);
    if (this.#running) this.#processor.requestExit();
  }
  #deliverSignals(): void {
    for (const { cpu, signal } of this.#turns.takeSignals()) {
      const core = this.cpus[cpu]!;
      if (signal === "init") {
        core.reset("init");
        core.nmiPending = false;
        this.board.interrupts.apics[cpu]!.init();
        // The boot processor starts again at the reset vector, the others wait to be told where (SDM 3A 9.4).
        if (cpu !== 0) core.activity = ACTIVITY.waitForSipi;
      } else if (core.activity === ACTIVITY.waitForSipi) {
        core.setSegment(SEG.cs, {
          ...core.segment(SEG.cs),
          selector: signal << 8,
          base: BigInt(signal << 12),
        });
        core.rip = 0n;
        core.activity = ACTIVITY.running;
      }
    }
  }

  #pause(): void {
    if (this.#running && this.#turns.yield()) this.#processor.requestExit();
  }

  #rescheduled(deadline: number): void {
    if (this.#running && deadline < this.#runUntil) this.#processor.requestExit();
  }

  /** The first of several requests counts. */
  #ask(request: Request): void {
    this.#request ??= request;
    if (this.#running) this.#processor.requestExit();
  }

  /** Does what a device asked for, or stops with it. */
  #answer(): StopReason | null {
    this.#deliverSignals();
    const request = this.#request;
    this.#request = null;
    if (request === null) return null;
    if (request.kind === "unimplemented") {
      return {
        ...request,
        cpu: this.#turns.current,
        rip: this.#processor.core.rip,
        bytes: new Uint8Array(0),
      };
    }
    if (request.kind !== "reset" || this.config.noReboot === true) return request;
    this.reset();
    return null;
  }

  #sleep(type: number): void {
    if (SOFT_OFF.includes(type)) this.#ask({ kind: "power-off" });
    else
      this.#ask({
        kind: "unimplemented",
        name: `ACPI sleep type ${type}${type === SUSPEND_TO_RAM ? " (suspend to RAM)" : ""}`,
      });
  }
}

/** STATE with the lazy flags made canonical, then the canonical TLBs. */
function saveCore(core: Core): Uint8Array {
  const flags = core.eflags;
  core.eflags = flags;
  const tlb = core.saveTlb();
  const bytes = new Uint8Array(STATE_BYTES + tlb.length);
  bytes.set(core.u8.subarray(0, STATE_BYTES));
  bytes.set(tlb, STATE_BYTES);
  return bytes;
}

function loadCore(core: Core, bytes: Uint8Array): void {
  core.u8.set(bytes.subarray(0, STATE_BYTES));
  core.loadTlb(bytes.slice(STATE_BYTES));
  core.updateMode();
}

/** Brings a device to now. One that waits for the host's bytes stays as it was before them: its tick is made again. */
function bringTo(device: Device, now: Nanoseconds): void {
  try {
    device.tick(now);
  } catch (thrown) {
    if (!(thrown instanceof Pending)) throw thrown;
  }
}

function isLater(input: LoggedInput, state: MachineState): boolean {
  return input.instant > state.instant || (input.instant === state.instant && input.idle > state.idle);
}
