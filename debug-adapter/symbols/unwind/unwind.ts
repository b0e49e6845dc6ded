/**
 * Unwinding: from the registers of a frame to those of its caller.
 *
 * Call frame information decides where there is some; elsewhere the code is looked at (`heuristic.ts`). Each step says which it was.
 * Invariant: a result differs from the frame it came from, so a walk that is cut at a depth ends.
 */
import { compute, Failure } from "../dwarf/expression.ts";
import type { FrameContext } from "../model.ts";
import type { CfaRule, FrameRow, Rule } from "./cfi.ts";
import { guess } from "./heuristic.ts";
import { convention } from "./registers.ts";
import {
  type FrameState,
  lookupAddress,
  type Outermost,
  readWord,
  type UnwindSymbols,
  type Unwound,
} from "./state.ts";

export function unwind(state: FrameState, symbols: UnwindSymbols): Unwound | Outermost {
  const names = convention(state.architecture);
  const pc = state.registers.get(names.instructionPointer);
  if (pc === undefined) return { kind: "outermost", reason: "the instruction pointer is not known" };
  const found = symbols.rulesAt(lookupAddress(state, pc));
  if (found && found.row.architecture === state.architecture) return byRules(state, found.row, found.bias);
  return guess(state, symbols);
}

type StateOfFrame = Pick<FrameState, "architecture" | "registers" | "readMemory">;

/** The canonical frame address that a row gives, or why it gives none. */
export function cfaOf(rule: CfaRule, state: StateOfFrame, bias: bigint): bigint | Failure {
  const is64 = state.architecture === "x86-64";
  const wrap = (value: bigint): bigint => BigInt.asUintN(is64 ? 64 : 32, value);
  if (rule.kind === "register") {
    const base = state.registers.get(rule.register);
    return base === undefined
      ? new Failure(`register ${rule.register} is not known in this frame`)
      : wrap(base + rule.offset);
  }
  return compute(rule.expression, { unit: null, is64, bias, frame: contextOf(state) });
}

function contextOf(state: StateOfFrame): FrameContext {
  return { address: 0n, registers: state.registers, readMemory: state.readMemory };
}

function byRules(state: FrameState, row: FrameRow, bias: bigint): Unwound | Outermost {
  const { architecture, registers } = state;
  const names = convention(architecture);
  const cfa = cfaOf(row.cfa, state, bias);
  if (cfa instanceof Failure) return { kind: "outermost", reason: cfa.reason };
  const ruleOfReturn = row.rules.get(row.returnRegister);
  if (ruleOfReturn?.kind === "undefined") return { kind: "outermost", reason: "the outermost function", cfa };
  const caller = new Map<number, bigint>();
  for (const [register, value] of registers) {
    // A signal or an interrupt destroys nothing that its frame does not say.
    if (row.isSignal || names.preserved.has(register)) caller.set(register, value);
  }
  caller.set(names.stackPointer, cfa);
  for (const [register, rule] of row.rules) {
    const value = apply(register, rule, cfa, state, bias);
    if (value === undefined) caller.delete(register);
    else caller.set(register, value);
  }
  const pc = caller.get(row.returnRegister);
  if (pc === undefined) return { kind: "outermost", reason: "the return address cannot be read", cfa };
  if (row.isSignal && ruleOfReturn?.kind === "offset" && !row.rules.has(names.stackPointer)) {
    const pushed = pushedStackPointer(state, cfa + ruleOfReturn.offset);
    if (pushed !== undefined) caller.set(names.stackPointer, pushed);
  }
  if (pc === 0n) return { kind: "outermost", reason: "the return address is 0", cfa };
  if (row.returnRegister !== names.instructionPointer) caller.delete(row.returnRegister);
  caller.set(names.instructionPointer, pc);
  if (
    pc === registers.get(names.instructionPointer) &&
    caller.get(names.stackPointer) === registers.get(names.stackPointer)
  ) {
    return { kind: "outermost", reason: "the caller's frame is this frame", cfa };
  }
  return { kind: "caller", registers: caller, cfa, method: "cfi", isExact: row.isSignal };
}

/**
 * In 64-bit mode the processor always pushes SS and RSP before RFLAGS, CS and RIP (SDM vol. 3, §6.14.2): a handler's description that leaves out what it
 * can do nothing about is right about RIP, and its CFA is not the interrupted stack pointer.
 */
function pushedStackPointer(state: FrameState, returnAt: bigint): bigint | undefined {
  if (state.architecture !== "x86-64") return undefined;
  const [cs, , stackPointer, ss] = [1n, 2n, 3n, 4n].map((n) =>
    readWord(state.readMemory, returnAt + n * 8n, 8),
  );
  const isSelector = (value: bigint | undefined): boolean => value !== undefined && value < 0x1_0000n;
  return isSelector(cs) && cs !== 0n && isSelector(ss) ? stackPointer : undefined;
}

function apply(
  register: number,
  rule: Rule,
  cfa: bigint,
  state: FrameState,
  bias: bigint,
): bigint | undefined {
  const { wordBytes } = convention(state.architecture);
  const bits = wordBytes * 8;
  switch (rule.kind) {
    case "offset":
      return readWord(state.readMemory, BigInt.asUintN(bits, cfa + rule.offset), wordBytes);
    case "value-offset":
      return BigInt.asUintN(bits, cfa + rule.offset);
    case "register":
      return state.registers.get(rule.register);
    case "same":
      return state.registers.get(register);
    case "undefined":
      return undefined;
    case "expression":
    case "value-expression": {
      const result = compute(rule.expression, {
        unit: null,
        is64: wordBytes === 8,
        bias,
        frame: contextOf(state),
        initial: [cfa],
      });
      if (result instanceof Failure) return undefined;
      return rule.kind === "expression" ? readWord(state.readMemory, result, wordBytes) : result;
    }
  }
}
