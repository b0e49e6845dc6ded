/**
 * What registers hold where code goes straight on: the number that was moved to AH before an `int`, the port in DX, the MSR in ECX.
 *
 * Invariant: an instruction that may have changed the register and is not understood makes it unknown.
 */
import { wholeRegister } from "../../effect.ts";
import { dialectOf } from "../../knowledge/instructions.ts";
import { givenOperands, type Given } from "../../knowledge/operand.ts";
import type { Span } from "../../syntax.ts";
import { ahead, behind, evaluatorOf, type Site, type Step } from "./site.ts";

/** They write their first operand (Intel's order) and nothing else but flags and memory. */
const plain =
  /^(?:movz?x?|movs[bwl][wlq]|movz[bw][lq]?|movs[xl][dq]?|movabsq?|lea|xor|or|and|add|sub|adc|sbb|inc|dec|neg|not|sh[lr]|sa[lr]|ro[lr]|rc[lr]|bts|btr|btc|in|pop|set[a-z]+|cmov[a-z]+|mov[bwlq])[bwlq]?$/;
/** They write no register but the stack pointer. */
const harmless =
  /^(?:cmp|test|bt|push|out|nop|pause|cl[dic]|st[dic]|cmc|wrmsr|l[gi]dt|invlpg|[lms]fence|push[af][lqd]?)[bwlq]?$/;

/** Registers that others write, whatever their operands are. */
const clobbers: Readonly<Record<string, readonly string[]>> = {
  rdmsr: ["rax", "rdx"],
  rdtsc: ["rax", "rdx"],
  xgetbv: ["rax", "rdx"],
  cpuid: ["rax", "rbx", "rcx", "rdx"],
  lodsb: ["rax", "rsi"],
  stosb: ["rdi"],
  stosw: ["rdi"],
};

export function operandsOf({ site, statement }: Step): readonly Given[] {
  return givenOperands(
    statement.mnemonic.text.toLowerCase(),
    statement.operands,
    dialectOf(site.file, site.line),
    evaluatorOf(site),
  );
}

/** Bits of the 64 that a register's name means: lowest and how many. */
function extentOf(name: string): readonly [low: number, count: number] {
  if (/^[abcd]h$/.test(name)) {
    return [8, 8];
  }
  if (/^[abcd]l$|^(?:si|di|bp|sp)l$|^r\d+[bl]$/.test(name)) {
    return [0, 8];
  }
  if (/^(?:[abcd]x|si|di|bp|sp|r\d+w)$/.test(name)) {
    return [0, 16];
  }
  return /^e|^r\d+d$/.test(name) ? [0, 32] : [0, 64];
}

/** "no": what the register holds stays. "yes": something is written to these bits. "unknown": perhaps. */
function writes(step: Step, name: string): "yes" | "no" | "unknown" {
  const mnemonic = step.statement.mnemonic.text.toLowerCase();
  if (harmless.test(mnemonic)) {
    return "no";
  }
  const clobbered = clobbers[mnemonic];
  if (clobbered) {
    return clobbered.includes(wholeRegister(name)) ? "unknown" : "no";
  }
  if (!plain.test(mnemonic) || step.statement.prefixes.length > 0) {
    return "unknown";
  }
  const [target] = operandsOf(step);
  if (target?.kind === "memory") {
    return "no";
  }
  if (target?.kind !== "register") {
    return "unknown";
  }
  if (wholeRegister(target.name) !== wholeRegister(name)) {
    return "no";
  }
  const [low, count] = extentOf(name);
  const [otherLow, otherCount] = extentOf(target.name);
  return otherLow < low + count && low < otherLow + otherCount ? "yes" : "no";
}

/** What a part of a register holds before a statement; undefined where it is not certain. */
export function valueBefore(site: Site, span: Span, name: string): bigint | undefined {
  for (const step of behind(site, span)) {
    const written = writes(step, name);
    if (written === "unknown") {
      return undefined;
    }
    if (written === "yes") {
      return loaded(step, name);
    }
  }
  return undefined;
}

function loaded(step: Step, name: string): bigint | undefined {
  const mnemonic = step.statement.mnemonic.text.toLowerCase();
  const [target, source] = operandsOf(step);
  if (target?.kind !== "register" || !source) {
    return undefined;
  }
  const isZeroed =
    /^(?:xor|sub)[bwlq]?$/.test(mnemonic) && source.kind === "register" && source.name === target.name;
  const isMove = /^mov(?:abs)?[bwlq]?$/.test(mnemonic) && source.kind === "immediate";
  const value = isZeroed ? 0n : isMove ? source.value : undefined;
  const [low, count] = extentOf(name);
  const [otherLow, otherCount] = extentOf(target.name);
  const isCovered = otherLow <= low && otherLow + otherCount >= low + count;
  return value === undefined || !isCovered
    ? undefined
    : (BigInt.asUintN(64, value) >> BigInt(low - otherLow)) & ((1n << BigInt(count)) - 1n);
}

/** The last instruction that wrote the register before a statement. */
export function writerBefore(site: Site, span: Span, name: string): Step | undefined {
  for (const step of behind(site, span)) {
    const written = writes(step, name);
    if (written !== "no") {
      return written === "yes" ? step : undefined;
    }
  }
  return undefined;
}

/** The first instruction that a test finds while the register still holds what it holds after the statement. */
export function firstUse(
  site: Site,
  span: Span,
  name: string,
  isUse: (step: Step) => boolean,
): Step | undefined {
  for (const step of ahead(site, span)) {
    if (isUse(step)) {
      return step;
    }
    if (writes(step, name) !== "no") {
      return undefined;
    }
  }
  return undefined;
}
