/**
 * What the red-zone detector says and is told: events that left the stack where it was, and the bytes below RSP that they overwrote.
 *
 * The red zone is the 128 bytes *below* RSP, which a function may use without moving RSP (System V ABI AMD64, 3.2.2). An event that does not change stacks
 * is pushed right there (SDM 3A 6.14.2), before its handler's first instruction.
 * Elsewhere: the detector (`machine/red-zone.ts`), what it costs the processor (`system/tlb.ts` for watched pages, `system/interrupt.ts` and `system/return.ts`
 * for the calls).
 */
import type { Instant } from "../numbers.ts";
import type { Core } from "./core.ts";
import type { DeliveryKind } from "./event.ts";

export const RED_ZONE_BYTES = 128;

/**
 * An exception, an interrupt or INT n that was delivered to 64-bit code at the same privilege, or on a stack of the interrupt-stack table; or a PUSH or CALL of the
 * function's own, which has no vector, gate and handler (all 0): `rip` is its address then, and `rsp` what RSP is before it.
 */
export interface StackEvent {
  readonly cpu: number;
  readonly vector: number;
  readonly kind: DeliveryKind | OwnPush["kind"];
  /** As pushed; null if this event pushes none. */
  readonly errorCode: number | null;
  /** Linear address of the gate in the IDT. */
  readonly gate: bigint;
  /** The gate's IST: 1 … 7, or 0 for none. */
  readonly ist: number;
  /** Of the interrupted code: where it goes on, and its stack pointer. */
  readonly rip: bigint;
  readonly rsp: bigint;
  /** The lowest byte that the processor pushed. SS, RSP, RFLAGS, CS, RIP and the error code lie below `rsp` rounded down to 16, in this order downwards. */
  readonly frame: bigint;
  readonly handler: bigint;
  /** When it had been delivered. */
  readonly instant: Instant;
}

/** An instruction of a function that stores over what the function itself keeps below RSP, and reads again. Offsets are from RSP before it. */
export interface OwnPush {
  readonly address: bigint;
  readonly kind: "push" | "call";
  readonly from: number;
  readonly to: number;
}

/** Which of the 128 bytes below RSP may be read before they are written again. Byte n of `mask` (0 or 1) is for the address RSP − 128 + n. */
export interface LiveBytes {
  readonly count: number;
  readonly mask: Uint8Array;
}

/** The instruction that read what was overwritten, or the one after which that was noticed. */
export interface ClobberRead {
  readonly rip: bigint;
  readonly address: bigint;
  readonly size: number;
}

/** A stack's bytes were overwritten while somebody still needed them. Byte n of the arrays is for the address `event.rsp` − 128 + n. */
export interface Clobber {
  /**
   * "latent": bytes that the interrupted function may still read were changed. "confirmed": it has read one. "ist": an event came on a stack of the
   * interrupt-stack table that an earlier event (`first`) was still using, over whose frame its own was pushed.
   */
  readonly kind: "latent" | "confirmed" | "ist";
  readonly event: StackEvent;
  readonly first: StackEvent | null;
  /**
   * Before the event, and after it: at its IRET if `isOver`, else when its frame had been pushed; but the same while a push of the function's own is only about to
   * happen. Empty for "ist".
   */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** Null if nothing is known of the interrupted function. */
  readonly live: LiveBytes | null;
  /** The handler has returned: what it wrote is in `after`, too. */
  readonly isOver: boolean;
  readonly read: ClobberRead | null;
}

/** What the processor tells of its stacks. Absent (`Core.stackHook` is null), nothing of it costs anything. */
export interface StackHook {
  /** A frame is about to be pushed, onto the stack in use or (`ist` 1 … 7) one of the IST: nothing has changed yet. */
  interrupting(core: Core, ist: number): void;
  /** It has been, and the handler is next. */
  interrupted(core: Core, vector: number, errorCode: number | null, kind: DeliveryKind, ist: number): void;
  /** An IRET is done that took its frame from `frame`. Told while `Core.awaitsReturn`. */
  returned(core: Core, frame: bigint): void;
  /** `size` bytes of a page of `Core.watchStack` are about to be accessed. */
  accessed(core: Core, low: number, high: number, size: number, kind: "read" | "write" | "modify"): void;
}
