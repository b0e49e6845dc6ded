/** PCI BIOS (INT 1Ah AH=B1h, "PCI BIOS Specification" 2.1), over configuration mechanism 1. The 32-bit entry (BIOS32) does not exist. */
import { SEG } from "../../cpu/layout.ts";
import type { Call } from "./call.ts";

const OK = 0x00;
const UNSUPPORTED = 0x81;
const BAD_VENDOR = 0x83;
const NOT_FOUND = 0x86;
const BAD_REGISTER = 0x87;
const BUFFER_TOO_SMALL = 0x89;

const NOBODY = 0xffffffff;
const PCI_SIGNATURE = 0x20494350; // "PCI "
const FUNCTIONS = 256;

export function pciBios(call: Call): void {
  const done = (status: number): void => {
    call.ah = status;
    call.carry = status !== OK;
  };
  // 81h … 8fh are the same services for 32-bit callers.
  const fn = call.al & 0x7f;
  switch (fn) {
    case 0x01:
      call.edx = PCI_SIGNATURE;
      call.al = 0x01; // mechanism 1, no special cycles
      call.bx = 0x0210;
      call.cl = 0; // number of the last bus
      return done(OK);
    case 0x02:
      return done(
        call.dx === 0xffff
          ? BAD_VENDOR
          : find(call, (at) => read(call, at, 0, 4) === ((call.cx << 16) | call.dx) >>> 0),
      );
    case 0x03:
      return done(find(call, (at) => read(call, at, 8, 4) >>> 8 === (call.ecx & 0xffffff)));
    case 0x08:
    case 0x09:
    case 0x0a: {
      const size = (1 << (fn - 8)) as 1 | 2 | 4;
      if (!isRegister(call.di, size)) return done(BAD_REGISTER);
      const value = read(call, call.bx, call.di, size);
      if (size === 1) call.cl = value;
      else if (size === 2) call.cx = value;
      else call.ecx = value;
      return done(OK);
    }
    case 0x0b:
    case 0x0c:
    case 0x0d: {
      const size = (1 << (fn - 0x0b)) as 1 | 2 | 4;
      if (!isRegister(call.di, size)) return done(BAD_REGISTER);
      select(call, call.bx, call.di);
      call.ports.writePort(
        0xcfc + (call.di & 3),
        size,
        size === 1 ? call.cl : size === 2 ? call.cx : call.ecx,
      );
      return done(OK);
    }
    case 0x0e:
      return done(routing(call));
    default:
      return done(UNSUPPORTED);
  }
}

const isRegister = (register: number, size: number): boolean => register < 256 && register % size === 0;

/** @param at bus in bits 15:8, device in 7:3, function in 2:0 */
function select(call: Call, at: number, register: number): void {
  call.ports.writePort(0xcf8, 4, (0x80000000 | (at << 8) | (register & 0xfc)) >>> 0);
}
export function read(call: Call, at: number, register: number, size: 1 | 2 | 4): number {
  select(call, at, register);
  return call.ports.readPort(0xcfc + (register & 3), size) >>> 0;
}

/** The SI-th function on bus 0 that matches: its place to BX. */
function find(call: Call, matches: (at: number) => boolean): number {
  let left = call.si;
  for (const at of functions(call)) {
    if (!matches(at) || left-- > 0) continue;
    call.bx = at;
    return OK;
  }
  return NOT_FOUND;
}

export function* functions(call: Call): Generator<number> {
  for (let at = 0; at < FUNCTIONS; at++) {
    if (read(call, at, 0, 4) === NOBODY) {
      if ((at & 7) === 0) at += 7;
      continue;
    }
    yield at;
    if ((at & 7) === 0 && (read(call, at, 0x0e, 1) & 0x80) === 0) at += 7;
  }
}

/**
 * AL=0Eh: the interrupt routing table, 16 bytes a device, into the buffer that the structure at ES:DI describes (length, far pointer). Pin p of device d is
 * wired to PIRQ (p + d − 1) mod 4, of which the links are called 60h … 63h (PIIX3).
 */
function routing(call: Call): number {
  const at = call.linear(SEG.es, call.di);
  const devices = new Set([...functions(call)].filter((fn) => fn >> 3 !== 0).map((fn) => fn >> 3));
  const needed = devices.size * 16;
  const room = call.read(at, 2);
  const far = call.read(at + 2, 4);
  call.write(at, 2, needed);
  call.bx = (1 << 10) | (1 << 11);
  if (room < needed) return BUFFER_TOO_SMALL;
  const bytes = new Uint8Array(needed);
  for (const [n, device] of [...devices].entries()) {
    bytes[n * 16 + 1] = device << 3;
    for (let pin = 0; pin < 4; pin++) {
      bytes[n * 16 + 2 + pin * 3] = 0x60 + ((pin + device + 3) & 3);
      bytes[n * 16 + 3 + pin * 3] = 0x20;
      bytes[n * 16 + 4 + pin * 3] = 0x0c;
    }
  }
  call.writeBytes(((far >>> 16) * 16 + (far & 0xffff)) >>> 0, bytes);
  return OK;
}
