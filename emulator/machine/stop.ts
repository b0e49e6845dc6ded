/** Why a machine stopped running: a value for every cause, exhaustive. */
import type { CpuEvent, FaultRecord, WatchedAccess } from "../cpu/event.ts";

export type StopReason =
  /** The limit given to `run` was reached. */
  | { readonly kind: "limit" }
  /** `run` was asked to wait for input: every CPU is halted with interrupts on and no timer is pending. */
  | { readonly kind: "idle" }
  /** The host has not delivered the bytes of a disk request that is due: run again when `ready` has settled. The guest notices nothing. */
  | { readonly kind: "waiting"; readonly ready: Promise<void> }
  /** The next instruction of `cpu` has a breakpoint; `ids` are those of `Machine.debug`. It has not been executed. */
  | { readonly kind: "breakpoint"; readonly cpu: number; readonly ids: readonly number[] }
  /** The instruction just executed touched watched memory. */
  | {
      readonly kind: "watchpoint";
      readonly cpu: number;
      readonly id: number;
      readonly access: WatchedAccess;
      readonly rip: bigint;
    }
  /** A watched event. `rip` is that of the instruction that caused it. */
  | {
      readonly kind: "event";
      readonly cpu: number;
      readonly id: number;
      readonly event: CpuEvent;
      readonly rip: bigint;
    }
  /** Every CPU is halted with interrupts off: nothing can ever happen again. */
  | { readonly kind: "dead"; readonly cpu: number }
  | { readonly kind: "triple-fault"; readonly cpu: number; readonly chain: readonly FaultRecord[] }
  /** The guest reset the machine (`cause`: "keyboard controller", "port 0xCF9", "port 0x92", "triple fault") and `noReboot` is set. */
  | { readonly kind: "reset"; readonly cause: string }
  /** isa-debug-exit; `code` is QEMU's exit code, (value << 1) | 1. */
  | { readonly kind: "debug-exit"; readonly code: number }
  | { readonly kind: "power-off" }
  | {
      readonly kind: "unimplemented";
      readonly cpu: number;
      readonly name: string;
      readonly rip: bigint;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "out-of-memory"; readonly text: string };
