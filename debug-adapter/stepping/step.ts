/**
 * Steps: over, into and out of calls, by instruction, by line, by statement.
 *
 * A step runs single instructions while they stay where it began, and lets called code run to a temporary breakpoint at its return address, which counts only
 * with the stack pointer back where it was, so recursion does not confuse it. Hardware interrupts that arrive meanwhile are such calls, too: a step
 * never ends in a handler just because a timer ticked. Other CPUs take their turns meanwhile; a breakpoint that one of them meets ends the step, too. An exception is one for a step over; a step into goes into its handler.
 * Invariant: the guest runs exactly as without a debugger; every stop that is somebody else's (a breakpoint, a triple fault) ends the step.
 */
import { linear, SEG, WATCH, type Core, type StopReason } from "../../emulator/index.ts";
import type { Control, Stop } from "../debuggee.ts";
import { decodeAt, type Decoded } from "../disassembly/index.ts";
import { cannotStepOut } from "../errors.ts";
import { GuestSpace } from "../memory/space.ts";
import { codeBits, programCounter, stackPointer } from "../registers/index.ts";
import { framesOf, type Frame } from "../stack/frame.ts";
import type { AddressRange, SymbolTable } from "../symbols/index.ts";
import type { Machine } from "../../emulator/index.ts";

export type Granularity = "statement" | "line" | "instruction";

/** What a step needs of the session. */
export interface StepContext {
  readonly machine: Machine;
  readonly core: Core;
  readonly symbols: SymbolTable;
  /** Whether a stop is one of the user's. */
  readonly accepts: (stop: StopReason) => boolean;
}

/** The step is complete, or a CPU has come to where it was to run (run-to.ts). */
export type StepEnd = Stop | { readonly kind: "step" } | { readonly kind: "arrived"; readonly cpu: number };
const DONE: StepEnd = { kind: "step" };

// Machine ids of a step; one step at a time.
const RETURN_ID = -1;
const INTERRUPT_ID = -2;
const OTHER_RETURN_ID = -3;

export class Step {
  readonly #context: StepContext;
  readonly #control: Control;
  readonly #core: Core;

  constructor(context: StepContext, control: Control) {
    this.#context = context;
    this.#control = control;
    this.#core = context.core;
  }

  /** Runs `body` with hardware interrupts observed. */
  static async run(
    context: StepContext,
    control: Control,
    body: (step: Step) => Promise<StepEnd>,
  ): Promise<StepEnd> {
    const { debug } = context.machine;
    const step = new Step(context, control);
    step.#watchInterrupts();
    try {
      return await body(step);
    } finally {
      debug.remove(RETURN_ID);
      debug.remove(INTERRUPT_ID);
    }
  }

  /** Hardware interrupts that this CPU takes. */
  #watchInterrupts(): void {
    this.#context.machine.debug.addEvent(
      INTERRUPT_ID,
      WATCH.interrupt,
      (event, core) => core === this.#core && event.kind === "interrupt" && !event.software,
    );
  }

  async byInstruction(isOver: boolean): Promise<StepEnd> {
    return (await this.#advance(isOver)) ?? DONE;
  }

  /** Over or into, until another line begins. */
  async byLine(isOver: boolean, granularity: "statement" | "line"): Promise<StepEnd> {
    const { symbols } = this.#context;
    const start = symbols.lineAt(this.#pc);
    const fun = symbols.functionAt(this.#pc);
    // Without line information: leave the function, as there is nothing finer to show, or go by instructions where there is not even one.
    if (start === null || start.line === 0)
      return fun === null ? this.byInstruction(isOver) : this.#untilLines(isOver);
    let range: AddressRange = symbols.statementRange(this.#pc) ?? start;
    const from = this.#place();
    for (;;) {
      const before = this.#pc;
      const stop = await this.#advance(isOver, true);
      if (stop !== null) return stop;
      const pc = this.#pc;
      const isJumpBack = pc <= before;
      // A jump back to the start of a row is the next round of a loop that is all on this line.
      const isNextRound = granularity === "statement" && isJumpBack && symbols.lineAt(pc)?.low === pc;
      if (this.#isInside(range) && !isNextRound) continue;
      const arrived = this.#arrival(from, start, granularity, isJumpBack);
      if (arrived === "done") return DONE;
      if (arrived === "leave") {
        const left = await this.#leave(isOver);
        if (left !== null) return left;
        if (this.#isInside(range)) continue;
        return DONE;
      }
      if (arrived === "body") return this.#toBody();
      range = symbols.statementRange(pc) ?? range;
    }
  }

  /** What to do at an instruction outside the line: stop, go on, leave code without lines, or run to a function's body. */
  #arrival(
    from: Place,
    start: { file: string; line: number },
    granularity: Granularity,
    isJumpBack: boolean,
  ): "done" | "go on" | "leave" | "body" {
    const { symbols } = this.#context;
    const pc = this.#pc;
    const here = this.#place();
    const entry = symbols.lineAt(pc);
    const isEntered = here.function !== from.function && this.#sp < from.sp && here.start === pc;
    if (entry === null) return isEntered ? "leave" : here.function === from.function ? "go on" : "done";
    if (isEntered) return "body";
    if (entry.line === 0) return "go on";
    // Back in a caller, in the middle of the line with the call.
    if (here.function !== from.function) return "done";
    if (pc !== entry.low || !entry.isStatement) return "go on";
    const isSameLine = entry.line === start.line && entry.file === start.file;
    if (!isSameLine) return "done";
    return granularity === "statement" && isJumpBack ? "done" : "go on";
  }

  /** Out of the function: to its return address, or for an inlined one until it is left. */
  async out(frame: Frame): Promise<StepEnd> {
    if (frame.symbols?.isInlined === true) {
      const { ranges } = frame.symbols.function;
      for (;;) {
        const stop = await this.#advance(true);
        if (stop !== null) return stop;
        if (!ranges.some((range) => this.#isInside(range))) return DONE;
      }
    }
    const frames = framesOf(this.#core, this.#context.symbols);
    let caller: Frame | null = null;
    let isBehind = false;
    for (const candidate of frames) {
      if (isBehind && candidate.physical.pc !== frame.physical.pc) {
        caller = candidate;
        break;
      }
      if (candidate.index === frame.index) isBehind = true;
    }
    const cfa = frame.physical.context.cfa;
    if (caller === null) throw cannotStepOut();
    return (
      (await this.#runTo(caller.pc, (sp) => (cfa === undefined ? sp > this.#spOf(frame) : sp >= cfa))) ?? DONE
    );
  }

  /** Into the call at `address` of the current line, passing the ones before it. */
  async intoTarget(address: bigint): Promise<StepEnd> {
    const sp = this.#sp;
    if (this.#pc !== address) {
      const stop = await this.#runTo(address, (here) => here <= sp + 4096n);
      if (stop !== null) return stop;
    }
    const stop = await this.#advance(false);
    return stop ?? this.#toBody();
  }

  /** At a function's first instruction: past its prologue. */
  async #toBody(): Promise<StepEnd> {
    const fun = this.#context.symbols.functionAt(this.#pc);
    if (fun === null || fun.low !== this.#pc || fun.body === fun.low) return DONE;
    const sp = this.#sp;
    return (await this.#runTo(fun.body, (here) => here <= sp)) ?? DONE;
  }

  /** In a function without lines: until there are lines, returning from what is called on the way. */
  async #untilLines(isOver: boolean): Promise<StepEnd> {
    const { symbols } = this.#context;
    for (;;) {
      const stop = await this.#advance(isOver, true);
      if (stop !== null) return stop;
      const entry = symbols.lineAt(this.#pc);
      if (entry !== null && entry.line > 0) return DONE;
      if (symbols.functionAt(this.#pc) === null) return DONE;
    }
  }

  /** Out of a called function that has no lines. */
  async #leave(isOver: boolean): Promise<StepEnd | null> {
    const [top] = framesOf(this.#core, this.#context.symbols);
    if (top === undefined) return DONE;
    const sp = this.#sp;
    const word = codeBits(this.#core) === 64 ? 8 : 4;
    const { bytes } = new GuestSpace(this.#core).readUpTo({ space: "linear", offset: sp }, word);
    if (bytes.length < word) return isOver ? DONE : null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, word);
    const returnAddress = word === 8 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
    return this.#runTo(returnAddress, (here) => here > sp);
  }

  /**
   * One instruction, and everything that it calls if `isOver`. With `isSkipping`, repeated string instructions are done in one go. Null: go on.
   */
  async #advance(isOver: boolean, isSkipping = isOver): Promise<StepEnd | null> {
    const pc = this.#pc;
    const sp = this.#sp;
    const instruction = this.#decode(pc);
    const next = instruction === null ? pc : pc + BigInt(instruction.bytes.length);
    if (instruction?.isRepeated === true && isSkipping) {
      const stop = await this.#runTo(next, (here) => here === sp);
      return stop;
    }
    const isInterrupt = (reason: StepEnd | { kind: "stepped" }): boolean =>
      reason.kind === "event" && reason.id === INTERRUPT_ID;
    const stop = await this.#control.single(
      this.#core,
      (reason) => isInterrupt(reason) || this.#context.accepts(reason),
    );
    if (isInterrupt(stop)) {
      const returned = await this.#runTo(pc, (here) => here === sp);
      return returned ?? this.#advance(isOver, isSkipping);
    }
    if (stop.kind !== "stepped") return stop;
    const isCall =
      instruction !== null &&
      (instruction.flow === "call" ||
        instruction.flow === "indirect-call" ||
        instruction.flow === "interrupt");
    // A handler returns to the instruction or behind it, or never.
    if (isOver && hasFaulted(instruction, next, this.#pc))
      return this.#runTo(pc, (here) => here === sp, next);
    if (isOver && isCall && this.#pc !== next) {
      return this.#runTo(next, (here) => here >= sp);
    }
    return null;
  }

  /** Runs until one of the addresses is reached with a stack pointer that `isThere` takes. Null: arrived. */
  async #runTo(
    address: bigint,
    isThere: (sp: bigint) => boolean,
    other: bigint = address,
  ): Promise<StepEnd | null> {
    const { debug } = this.#context.machine;
    const isArrived = (): boolean => (this.#pc === address || this.#pc === other) && isThere(this.#sp);
    if (isArrived()) return null;
    debug.addBreakpoint(RETURN_ID, linear(address), "linear");
    if (other !== address) debug.addBreakpoint(OTHER_RETURN_ID, linear(other), "linear");
    debug.remove(INTERRUPT_ID);
    try {
      let hasArrived = false;
      let isUsers = false;
      const stop = await this.#control.run({
        resume: true,
        accepts: (reason) => {
          // Asked also when arrived: a user's breakpoint at this place is to be reported as one.
          isUsers = this.#context.accepts(reason);
          hasArrived = reason.kind === "breakpoint" && reason.cpu === this.#core.index && isArrived();
          return isUsers || hasArrived;
        },
      });
      return hasArrived && !isUsers ? null : stop;
    } finally {
      debug.remove(RETURN_ID);
      debug.remove(OTHER_RETURN_ID);
      this.#watchInterrupts();
    }
  }

  get #pc(): bigint {
    return programCounter(this.#core);
  }
  get #sp(): bigint {
    return stackPointer(this.#core);
  }
  #spOf(frame: Frame): bigint {
    return frame.physical.context.registers.get(frame.architecture === "x86-64" ? 7 : 4) ?? this.#sp;
  }
  #isInside(range: AddressRange): boolean {
    return this.#pc >= range.low && this.#pc < range.high;
  }

  #place(): Place {
    const fun = this.#context.symbols.functionAt(this.#pc);
    return { function: fun?.low ?? null, start: fun?.low ?? null, sp: this.#sp };
  }

  #decode(address: bigint): Decoded | null {
    const bits = codeBits(this.#core);
    const base = bits === 64 ? 0n : this.#core.segmentBase(SEG.cs);
    return decodeAt(new GuestSpace(this.#core), address, bits, "att", base);
  }
}

/** Whether control went where this instruction cannot have sent it: to an exception's handler. */
function hasFaulted(instruction: Decoded | null, next: bigint, now: bigint): boolean {
  if (instruction === null) return true;
  switch (instruction.flow) {
    case "exception":
      return true;
    case "next":
      return now !== next && now !== instruction.address;
    case "branch":
    case "conditional":
    case "call":
      return instruction.target !== null && now !== next && now !== instruction.target;
    case "indirect-branch":
    case "indirect-call":
    case "return":
    case "interrupt":
      return false;
  }
}

interface Place {
  readonly function: bigint | null;
  readonly start: bigint | null;
  readonly sp: bigint;
}
