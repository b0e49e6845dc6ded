/**
 * Clocks of a fixed frequency derived from virtual time. Tick number n of a clock happens at the first nanosecond at which `ticksAt` is n.
 *
 * Invariant: exact integers. Whole seconds are split off first, so products stay below 2^53 for clocks of up to 9 MHz.
 */
import type { Nanoseconds } from "../numbers.ts";

const SECOND = 1_000_000_000;

/** The crystal of the i8254: a third of NTSC's colour burst. */
export const PIT_HERTZ = 1_193_182;
/** The ACPI power-management timer (ACPI 6.5 §4.8.2.1). */
export const PM_TIMER_HERTZ = 3_579_545;
/** The crystal of the MC146818. */
export const RTC_HERTZ = 32_768;

/** Ticks of a clock of `hertz` since virtual time 0. */
export function ticksAt(now: Nanoseconds | number, hertz: number): number {
  const seconds = Math.floor(now / SECOND);
  return seconds * hertz + Math.floor(((now - seconds * SECOND) * hertz) / SECOND);
}

/** The first nanosecond at which a clock of `hertz` has made `tick` ticks. */
export function timeOf(tick: number, hertz: number): number {
  const seconds = Math.floor(tick / hertz);
  return seconds * SECOND + Math.ceil(((tick - seconds * hertz) * SECOND) / hertz);
}
