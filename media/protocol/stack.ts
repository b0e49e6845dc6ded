/**
 * Stacks: the one a CPU runs on as frames of labelled bytes, the window below the stack pointer, and every other stack of the machine.
 *
 * Invariant: addresses are linear, "0x…"; `low` is the first byte of a range and `high` the first behind it. `bytes` are hexadecimal, lowest
 * address first. What is not known is null or absent, never a guess without a word for it.
 */

/** Request `redzone/stack`: frames `start` … `start + count` of a CPU's call stack, and what lies below its stack pointer. */
export interface StackArguments {
  /** Absent: the CPU that is looked at. */
  readonly cpu?: number;
  /** In frames from the innermost; absent: 0. */
  readonly start?: number;
  /** Absent: 32. */
  readonly count?: number;
  /** How many of them, from the first, come with their slots; absent: 8. */
  readonly detailed?: number;
  /** A frame of DAP's stackTrace, to be told which of these it is. */
  readonly frameId?: number;
}

export interface StackBody {
  readonly cpu: number;
  readonly bits: 16 | 32 | 64;
  readonly wordBytes: 2 | 4 | 8;
  /** As StatusBody.instant: two answers of one instant show one stop. */
  readonly instant: number;
  /** The stack pointer as a linear address. */
  readonly pointer: string;
  /** "RSP", "ESP", "SP" */
  readonly pointerName: string;
  /** The stack pointer cannot be read there: which byte, and why. */
  readonly unreadable: { readonly address: string; readonly why: string } | null;
  /** The id of the stack that the pointer is in, as `redzone/stacks` lists it. */
  readonly stack: string;
  readonly start: number;
  readonly frames: readonly StackFrame[];
  /** The frame that `frameId` stands for; null if none was given, or it is further out. */
  readonly chosen: number | null;
  /** There are frames behind the last one given. */
  readonly hasMore: boolean;
  /** Why there is none behind the last, once that is known. */
  readonly end: string | null;
  /** Below the stack pointer, and below those of interrupted frames whose handler runs on the same stack. 64-bit code only. */
  readonly windows: readonly RedZoneWindow[];
  readonly warnings: readonly StackWarning[];
}

export interface StackWarning {
  readonly severity: "error" | "warning" | "note";
  readonly text: string;
  /** What it is about. */
  readonly address: string | null;
}

export interface StackFrame {
  /** From 0, innermost first. Inlined functions have no frame of their own. */
  readonly index: number;
  /** What runs in it: the innermost inlined function first, the function that was called last. */
  readonly functions: readonly StackFunction[];
  /** Where it stands, or will go on. */
  readonly pc: string;
  /** "tick+0x4", or the address. */
  readonly label: string;
  /** Its stack pointer. */
  readonly low: string;
  /** Its canonical frame address: the caller's stack pointer before the call. Null if nobody knows. */
  readonly high: string | null;
  /** Interrupted here, and not at a call. */
  readonly isInterrupted: boolean;
  /** How it was found; "guess": by a word that points behind a call. */
  readonly method: "top" | "rules" | "frame pointer" | "prologue" | "guess" | "interrupt";
  /** It is on another stack than the frame before it; the id of its own. */
  readonly switchedTo: string | null;
  /** Skipped by the processor between the frame before and this one, to align the stack pointer to 16. */
  readonly alignmentBytes: number;
  /** Variables that are not on the stack. */
  readonly registers: readonly StackVariable[];
  /** Lowest address first, without holes from `low` to `high`. Absent: ask for it with `redzone/stackSlots`. */
  readonly slots?: readonly StackSlot[];
}

export interface StackFunction {
  readonly name: string;
  readonly file: string | null;
  readonly line: number;
}

export interface StackVariable {
  readonly name: string;
  readonly type: string;
  readonly value: string;
  /** "rax", "optimized out", "not in one place" */
  readonly where: string;
}

export type StackSlotKind =
  | "local"
  | "parameter"
  /** A parameter of the frame below that was passed on the stack. */
  | "argument"
  | "saved"
  | "return"
  /** Pushed by the processor when it delivered an interrupt or exception. */
  | "interrupt"
  | "canary"
  /** Belongs to a structure that a variable of another frame points to. */
  | "pointed"
  /** Less than a word between named things. */
  | "padding"
  /** Nothing is known of it: temporaries of the compiler, room for calls, padding. */
  | "unnamed";

export interface StackSlot {
  readonly address: string;
  readonly sizeBytes: number;
  readonly kind: StackSlotKind;
  /** "numbers", "rbx", "return address"; empty if it has no name. */
  readonly name: string;
  /** Null if it has none. */
  readonly type: string | null;
  readonly value: string;
  /** At most 64 of them. */
  readonly bytes: string;
  /** What the value points to. */
  readonly target: StackTarget | null;
  /** What it was at the last stop; null if it is the same, or nobody looked then. */
  readonly before: string | null;
  /** A sentence, where there is something to say. */
  readonly note: string | null;
  /** Members, elements or words of a slot of more than one word; at most 256. */
  readonly parts?: readonly StackPart[];
}

export interface StackPart {
  readonly address: string;
  readonly sizeBytes: number;
  readonly name: string;
  readonly value: string;
  readonly target: StackTarget | null;
  readonly isChanged: boolean;
}

export interface StackTarget {
  readonly kind: "code" | "data" | "stack" | "memory";
  readonly address: string;
  /** "kernel_main+0x1c", "the frame of tick", ""; what there is to say of the address. */
  readonly text: string;
}

/** The 128 bytes below a stack pointer: the red zone of the System V ABI, which no interrupt handler on the same stack respects. */
export interface RedZoneWindow {
  /** Of the frame whose window it is. */
  readonly frame: number;
  readonly functionName: string;
  readonly low: string;
  /** The stack pointer. */
  readonly high: string;
  /** All of them; empty where they cannot be read. */
  readonly bytes: string;
  /** Highest address first, without holes. */
  readonly runs: readonly RedZoneRun[];
  /** Of the function, by static analysis; null if it was not analysed. 0: it has none. */
  readonly usedBytes: number | null;
  /** What that means, in a sentence or two. */
  readonly text: string;
}

export interface RedZoneRun {
  /** Of its lowest byte from the stack pointer: -8 … -128. */
  readonly offset: number;
  readonly sizeBytes: number;
  /**
   * live: the function may still read it; dead: nothing will be read again before it is written; overwritten: live when the handler came, and something else
   * now; unknown: the function was not analysed.
   */
  readonly state: "live" | "dead" | "overwritten" | "unknown";
  /** The variable that is kept there, or what lies there now; empty if nothing is known. */
  readonly name: string;
  /** Who wrote what is there now; null if nobody knows. */
  readonly by: string | null;
  readonly isChanged: boolean;
}

/** Request `redzone/stackSlots`: the slots of one frame of a CPU's call stack. */
export interface StackSlotsArguments {
  readonly cpu?: number;
  readonly frame: number;
}
export interface StackSlotsBody {
  readonly slots: readonly StackSlot[];
}

/** Request `redzone/stacks`: every stack that the machine is known to have. */
export interface StacksBody {
  readonly instant: number;
  readonly stacks: readonly StackSummary[];
  /** Since when "mark" counts: the instant of the last `redzone/stackMark`; null if there was none. */
  readonly markedAt: number | null;
}

export interface StackSummary {
  /** The same at every stop. */
  readonly id: string;
  /** "kernel stack", "IST 1 (#DF)" */
  readonly name: string;
  /** What it is for: "CPU 0 runs on it", "IST 1 of CPU 0, for #DF" … */
  readonly roles: readonly string[];
  /** Null where its ends are not known. */
  readonly low: string | null;
  /** Where it starts: a push goes below. */
  readonly high: string;
  /** How its ends are known: "symbol stack_bottom", "unmapped pages around it" … */
  readonly extent: string;
  /** The stack pointer of whoever uses it now; null if nobody does. */
  readonly pointer: string | null;
  /** The CPU that uses it. */
  readonly cpu: number | null;
  /** The lowest byte that was ever used, or used since the mark. */
  readonly highWater: StackHighWater | null;
  readonly guard: StackGuard;
  readonly warnings: readonly StackWarning[];
}

export interface StackHighWater {
  readonly address: string;
  /** From `high` down to it. */
  readonly bytes: number;
  /**
   * content: the lowest byte that is not zero; pattern: the lowest that is not what the kernel filled the stack with; mark: the lowest that has changed
   * since the mark; pointer: the lowest stack pointer seen at a stop.
   */
  readonly method: "content" | "pattern" | "mark" | "pointer";
  /** The method and its limits, in a sentence. */
  readonly text: string;
}

export interface StackGuard {
  /** What the first byte below the stack is. */
  readonly kind: "unmapped" | "read-only" | "mapped" | "unknown";
  /** "the page below is not present", "an overflow overwrites page_directories" */
  readonly text: string;
}

/** Request `redzone/stackWords`: words of any stack by address, without frames. `high` downwards. */
export interface StackWordsArguments {
  readonly cpu?: number;
  /** Its end; "0x…". */
  readonly high: string;
  /** At most 4096. */
  readonly count: number;
}
export interface StackWordsBody {
  readonly wordBytes: 2 | 4 | 8;
  /** Highest address first; ends before the first that cannot be read. */
  readonly words: readonly StackSlot[];
  readonly unreadable: { readonly address: string; readonly why: string } | null;
}

/** Request `redzone/stackMark`: from now on the high-water marks of all stacks count from here. Changes nothing for the guest. */
export interface StackMarkBody {
  readonly markedAt: number;
}

export interface StackRequests {
  "redzone/stack": { readonly arguments: StackArguments; readonly body: StackBody };
  "redzone/stackSlots": { readonly arguments: StackSlotsArguments; readonly body: StackSlotsBody };
  "redzone/stacks": { readonly arguments: undefined; readonly body: StacksBody };
  "redzone/stackWords": { readonly arguments: StackWordsArguments; readonly body: StackWordsBody };
  "redzone/stackMark": { readonly arguments: undefined; readonly body: StackMarkBody };
}
