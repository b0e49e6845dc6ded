/**
 * A processor that executes a script instead of instructions: each step of a generator is one instant. It keeps the contract of
 * `Processor` (exact budgets, interrupts before the next step, HLT), so that the machine can be tested without a CPU.
 */
import { ACTIVITY, Core, FLAG } from "../../emulator/cpu/core.ts";
import { STATE } from "../../emulator/cpu/layout.ts";
import type { Processor, ProcessorExit } from "../../emulator/cpu/processor.ts";
import { Pc } from "../../emulator/machine/pc.ts";
import type { MachineConfig } from "../../emulator/machine/types.ts";
import type { PortBus } from "../../emulator/memory/index.ts";

/** What a step ends with: nothing, HLT, STI, CLI, or an exit of the processor. */
export type Step = void | "hlt" | "sti" | "cli" | ProcessorExit;
export type Script = (io: PortBus, processor: ScriptedProcessor) => Generator<Step, void, void>;

export class ScriptedProcessor implements Processor {
  readonly core: Core;
  readonly cores: readonly Core[];
  executed = 0;
  get interruptLine(): boolean {
    return this.core.interruptLine;
  }
  get nmiPending(): boolean {
    return this.core.nmiPending;
  }
  set nmiPending(pending: boolean) {
    this.core.nmiPending = pending;
  }
  seat(): void {}
  acknowledge: (cpu: number) => number = () => 0;
  isBreakpoint: Processor["isBreakpoint"] = () => false;
  /** Vectors taken, with their instants. */
  readonly taken: { readonly vector: number; readonly now: number }[] = [];
  /** What an interrupt handler does; EOI to both controllers unless replaced. It takes no time. */
  onInterrupt: (vector: number) => void;
  resets = 0;
  readonly #script: Script;
  readonly #ports: PortBus;
  readonly #now: () => bigint;
  #steps: Generator<Step, void, void>;
  #exitRequested = false;

  constructor(core: Core, ports: PortBus, now: () => bigint, script: Script) {
    this.core = core;
    this.cores = [core];
    this.#ports = ports;
    this.#now = now;
    this.#script = script;
    this.onInterrupt = (vector) => {
      if (vector >= 0x70) ports.writePort(0xa0, 1, 0x20);
      ports.writePort(0x20, 1, 0x20);
    };
    this.#steps = script(ports, this);
  }

  run(budget: number): ProcessorExit {
    this.executed = 0;
    this.#exitRequested = false;
    while (this.executed < budget && !this.#exitRequested) {
      if (this.nmiPending && this.core.word(STATE.nmiBlocked) === 0) {
        this.nmiPending = false;
        this.#take(2);
        continue;
      }
      if (this.interruptLine && this.core.systemFlag(FLAG.IF)) {
        this.#take(this.acknowledge(0));
        continue;
      }
      if (this.core.activity === ACTIVITY.halted) return { kind: "halted" };
      const { done, value } = this.#steps.next();
      if (done === true) this.core.activity = ACTIVITY.halted;
      if (typeof value === "object") return value;
      this.executed++;
      if (value === "hlt") this.core.activity = ACTIVITY.halted;
      if (value === "sti") this.core.setSystemFlag(FLAG.IF, true);
      if (value === "cli") this.core.setSystemFlag(FLAG.IF, false);
    }
    return { kind: "budget" };
  }

  #take(vector: number): void {
    this.core.activity = ACTIVITY.running;
    this.taken.push({ vector, now: Number(this.#now()) });
    this.executed++;
    if (vector !== 2) this.onInterrupt(vector);
  }

  get instructionRip(): bigint {
    return this.core.rip;
  }
  requestExit(): void {
    this.#exitRequested = true;
  }
  setBreakpoints(): void {}
  setWatchedPages(): void {}
  flushTraces(): void {}
  statistics(): ReturnType<Processor["statistics"]> {
    const traces = { kept: 0, decoded: 0, dropped: 0, flushes: 0 };
    return { traces, translator: null, callOuts: {}, exits: {}, events: {}, memory: {} };
  }
  reset(): void {
    this.resets++;
    this.core.reset();
    this.core.nmiPending = false;
    this.#steps = this.#script(this.#ports, this);
  }
}

/** A `pc` whose processor runs the script. */
export function scriptedPc(
  script: Script,
  config: Partial<MachineConfig> = {},
): { pc: Pc; processor: ScriptedProcessor } {
  let processor: ScriptedProcessor | undefined;
  const pc = new Pc({ ramBytes: 16 * 2 ** 20, ...config }, (memory, guest, ports, environment) => {
    processor = new ScriptedProcessor(
      new Core(memory, guest, ports, environment),
      ports,
      () => environment.timestamp(),
      script,
    );
    return processor;
  });
  return { pc, processor: processor! };
}
