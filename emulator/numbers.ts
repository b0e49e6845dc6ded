/**
 * Branded numbers: addresses and instants that have one shape and must not be mixed up.
 *
 * A linear address or a register needs 64 bits, so it is a bigint (always the unsigned value). Physical addresses (52 bits),
 * `ram_addr_t` offsets and instants are numbers below 2^53.
 */
declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** An address after segmentation, before paging: 0 … 2^64-1. */
export type LinearAddress = Branded<bigint, "LinearAddress">;
/** A guest-physical address: 0 … 2^52-1. */
export type PhysicalAddress = Branded<number, "PhysicalAddress">;
/** An offset in QEMU's `ram_addr_t` space, in which RAMBlocks lie. */
export type RamAddress = Branded<number, "RamAddress">;
/** Retired instructions plus delivered events since the machine was created. */
export type Instant = Branded<number, "Instant">;
/** Virtual time in nanoseconds since the machine was created: the instant plus the idle time that was skipped. */
export type Nanoseconds = Branded<number, "Nanoseconds">;

export const linear = (value: bigint): LinearAddress => BigInt.asUintN(64, value) as LinearAddress;
export const physical = (value: number): PhysicalAddress => value as PhysicalAddress;
export const ramAddress = (value: number): RamAddress => value as RamAddress;

/** Bytes in a page; guest pages, frames and dirty tracking all use 4 KiB. */
export const PAGE_BYTES = 4096;
/** By which a WebAssembly memory grows. */
export const WASM_PAGE_BYTES = 65_536;
