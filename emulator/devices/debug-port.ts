/**
 * The ports a kernel can be watched through before it has a driver for anything.
 *
 *     0xe9, 0x402  a byte written appears on the host; a read gives 0xe9, by which software finds the port (as isa-debugcon)
 *     0x80         POST codes: writes are taken, a read gives all ones as in QEMU
 *     isa-debug-exit  a value written ends the machine with exit code (value << 1) | 1; a read gives 0
 *
 * None of them has state.
 */
import type { RegionOps } from "./device.ts";

const FOUND = 0xe9;

export const debugConsole = (send: (byte: number) => void): RegionOps => ({
  read: () => FOUND,
  write: (_address, _size, value) => send(value & 0xff),
});

export const postCode: RegionOps = {
  read: (_address, size) => (size === 4 ? 0xffffffff : 0xffff >>> (size === 1 ? 8 : 0)),
  write: () => {},
};

/** @param exit receives the exit code */
export const debugExit = (exit: (code: number) => void): RegionOps => ({
  read: () => 0,
  // QEMU calls exit(), of whose argument the host keeps eight bits; all of it is passed on here.
  write: (_address, _size, value) => exit(((value << 1) | 1) >>> 0),
});
