/**
 * MXCSR, and what one SSE instruction needs of it (SDM 1 §10.2.3, figure 10-3).
 *
 *     15 FTZ   14:13 rounding   12:7 masks (PM UM OM ZM DM IM)   6 DAZ   5:0 flags (PE UE OE ZE DE IE), which only software clears
 *
 * Invariant: an instruction raises its exceptions here, lane by lane, and settles once, before it changes any register. Conditions found
 * before computing (invalid, denormal, divide by zero) go first: if one of any lane is unmasked, those found after it are not reported
 * (SDM 1 §11.5.2, §11.5.4).
 * Elsewhere: flags and masks have the x87's order, so its `Context` and rounding serve here too (`../x87/rounding.ts`).
 */
import { type Core, CR4 } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import { type Context, EXCEPTION, ROUND } from "../x87/rounding.ts";

export const MXCSR = { denormalsAreZero: 0x40, flushToZero: 0x8000, reset: 0x1f80, flags: 0x3f } as const;
/** Bits of MXCSR that exist: what FXSAVE stores as MXCSR_MASK. */
export const MXCSR_MASK = 0xffff;
/** The flag of an inexact result and its mask. */
const PRECISION = EXCEPTION.precision;
const EARLY = EXCEPTION.invalid | EXCEPTION.denormal | EXCEPTION.zeroDivide;

const MASKS_SHIFT = 7;
const ROUNDING_SHIFT = 13;

export class Environment implements Context {
  rounding: number = ROUND.nearest;
  masks = 0;
  raised = 0;
  roundedUp = false;
  daz = false;
  ftz = false;
  /** Rounding is to nearest, which is how the host's own arithmetic rounds. */
  nearest = true;
  /** Whether a result is inexact matters: PE is not set yet, or it is unmasked. */
  asksPrecision = true;
  /** Not asked of a context here: each format has one precision. */
  readonly precision = 64;
  readonly tellsPrecision = true;

  /** Takes MXCSR as it is at the start of an instruction. */
  begin(core: Core): void {
    const { mxcsr } = core;
    this.rounding = (mxcsr >>> ROUNDING_SHIFT) & 3;
    this.masks = (mxcsr >>> MASKS_SHIFT) & MXCSR.flags;
    this.raised = 0;
    this.daz = (mxcsr & MXCSR.denormalsAreZero) !== 0;
    this.ftz = (mxcsr & MXCSR.flushToZero) !== 0;
    this.nearest = this.rounding === ROUND.nearest;
    this.asksPrecision = (mxcsr & this.masks & PRECISION) === 0;
  }

  /** Whether conditions found before computing keep the instruction from computing at all. */
  get stopped(): boolean {
    return (this.raised & ~this.masks & EARLY) !== 0;
  }

  /** Puts the flags into MXCSR. Throws #XM for an unmasked one, or #UD if the system does not handle #XM. */
  settle(core: Core): void {
    if (this.raised === 0) return;
    const reported = this.stopped ? this.raised & EARLY : this.raised;
    core.mxcsr |= reported;
    if ((reported & ~this.masks) === 0) return;
    if ((core.cr4 & CR4.OSXMMEXCPT) === 0)
      throw new Fault(VECTOR.UD, null, "an unmasked SIMD exception while CR4.OSXMMEXCPT is clear");
    throw new Fault(VECTOR.XM, null, `SIMD floating-point exception: ${names(reported & ~this.masks)}`);
  }
}

function names(exceptions: number): string {
  const known = Object.entries(EXCEPTION).filter(([, bit]) => (exceptions & bit) !== 0);
  return known.map(([name]) => name).join(", ");
}
