/** What an expression asks of the place where it is evaluated; implemented for frames (`stack/names.ts`) and for bare CPUs (`monitor/names.ts`). */
import type { GuestSpace } from "../memory/space.ts";
import type { Register } from "../registers/index.ts";
import type { Type } from "../symbols/index.ts";
import type { Value } from "./value.ts";

/** What names mean where an expression is evaluated. */
export interface Names {
  readonly space: GuestSpace;
  /** Bytes of a pointer in the code of the frame. */
  readonly addressBytes: 4 | 8;
  /** A variable of the frame or a global one; throws `optimisedOut` if it has no place here. */
  variable(name: string): Value | null;
  /** Whether `variable` would find one, whether or not it has a place. */
  isVariable(name: string): boolean;
  /** A function or another symbol of an image. */
  symbol(name: string): { readonly address: bigint; readonly type: Type | null } | null;
  type(words: string): Type | null;
  /** A register with its value in the frame; `writable` is false in frames where it is not in the machine's register. */
  register(
    name: string,
  ): { readonly register: Register; readonly value: bigint; readonly writable: boolean } | null;
  /** "kmain+4" */
  describe(address: bigint): string | null;
  /** `$name` of the debugger: `$vector` in a condition of an exception filter. */
  readonly convenience?: ReadonlyMap<string, Value>;
}
