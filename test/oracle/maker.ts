/**
 * What the makers of processors do differently. The emulator's processor is Intel's; on a host of AMD's the cases here are no evidence, and are left out or
 * compared less. All else is compared on every host.
 */
import { readFileSync } from "node:fs";
import type { Result } from "./case.ts";
import { STRING } from "./forms.ts";
import type { IntegerCase } from "./generator.ts";

export const isIntel =
  process.platform === "linux" && readFileSync("/proc/cpuinfo", "utf8").includes("GenuineIntel");

const NEAR_BRANCH = /^(j(?!mp_far)[a-z]+|jmp|call|ret|loop(n?e)?)$/;
const FAR_RETURN = /^(ret_far|iret)$/;
const UNALIGNED = /^(lddqu|movup[sd]|movdqu|pcmp[ei]str[im])$/;
const FAR_POINTER = /^(jmp_far|call_far|l[fgs]s)$/;
const MMX_STORE = /^(movntq|movd|movq)$/;
const RCX = 1;
const PAGE_FAULT = 14;
const GENERAL_PROTECTION = 13;
const ALIGNMENT_CHECK = 17;
const RF = 0x1_0000;

const isAddressFault = ({ vector }: Result): boolean =>
  vector === GENERAL_PROTECTION || vector === PAGE_FAULT;

interface Prefixes {
  readonly operandSize: boolean;
  readonly repeat: boolean;
  readonly lock: boolean;
  readonly rex: number;
  /** Behind the first byte of the opcode. */
  readonly rest: Uint8Array;
}

function prefixesOf({ code, mode }: IntegerCase): Prefixes {
  let operandSize = false;
  let repeat = false;
  let lock = false;
  let rex = 0;
  let at = 0;
  for (; at < code.length; at++) {
    const byte = code[at]!;
    if (mode.bits === 64 && (byte & 0xf0) === 0x40) rex = byte;
    else if (![0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x64, 0x65, 0x26, 0x2e, 0x36, 0x3e].includes(byte)) break;
    else {
      rex = 0;
      operandSize ||= byte === 0x66;
      repeat ||= byte === 0xf2 || byte === 0xf3;
      lock ||= byte === 0xf0;
    }
  }
  return { operandSize, repeat, lock, rex, rest: code.subarray(at + 1) };
}

/** Whether the makers' processors part at this case, so that the host's answer says nothing about ours. */
export function isMakersOwn(item: IntegerCase, ours: Result, host: Result): boolean {
  if (isIntel) return false;
  const { name, mode } = item;
  const long = mode.bits === 64;
  const prefixes = prefixesOf(item);
  // Near branches: in 64-bit mode 66h makes the instruction pointer 16 bits wide; Intel's ignore it.
  if (long && prefixes.operandSize && NEAR_BRANCH.test(name)) return true;
  // Far pointers in memory have 32 bits of offset at most; Intel's have 64 with REX.W.
  if (FAR_POINTER.test(name)) return long && (prefixes.rex & 8) !== 0;
  // An operand that goes round the end of 4 GiB is beyond its segment's limit.
  if (!long && host.vector === GENERAL_PROTECTION && ours.vector === PAGE_FAULT) return true;
  // What a far return finds wrong first.
  if (FAR_RETURN.test(name)) return isAddressFault(host) && isAddressFault(ours);
  // These are checked for alignment at times.
  if (UNALIGNED.test(name)) return host.vector === ALIGNMENT_CHECK;
  switch (name) {
    // The return address has not been written when the target turns out not to be canonical.
    case "call":
      return host.vector === GENERAL_PROTECTION && ours.vector === GENERAL_PROTECTION;
    // SYSRET is known outside 64-bit mode, too.
    case "sysret":
      return !long;
    // Linux sees another instruction pointer behind INT1.
    case "int1":
      return true;
    // F3 90 with REX.B exchanges R8 and rAX; Intel's take it for PAUSE.
    case "pause":
      return (prefixes.rex & 1) !== 0;
    // Invalid with a register.
    case "prefetchw":
      return prefixes.rest[1]! >= 0xc0;
    // Undefined: 16 bits shifted by more.
    case "shld":
    case "shrd": {
      const isNarrow = (mode.bits === 16) !== prefixes.operandSize && (prefixes.rex & 8) === 0;
      const isImmediate = (prefixes.rest[0]! & 1) === 0;
      const count = isImmediate ? item.code.at(-1)! : Number(item.gpr[RCX]! & 0xffn);
      return isNarrow && (count & 31) > 16;
    }
    // REP makes them LOOP.
    case "loope":
    case "loopne":
      return prefixes.repeat;
    // LOCK means CR8.
    case "mov_cr_r":
    case "mov_r_cr":
      return prefixes.lock;
    // LOCK is ignored.
    case "verw":
      return prefixes.lock;
    // With 66h it reads 32 bits all the same.
    case "movsxd":
      return prefixes.operandSize;
    default:
      return false;
  }
}

/** RFLAGS bits that the maker decides about: RF in the frame of an exception in the middle of a string instruction. */
export const makersFlags = ({ name }: IntegerCase): number => (!isIntel && STRING.test(name) ? RF : 0);

/** Whether a store that faults has made the x87 registers MMX registers before; Intel's have. */
export const keepsX87 = ({ name }: IntegerCase, host: Result): boolean =>
  !isIntel && MMX_STORE.test(name) && host.vector !== 3 && host.vector !== 1;

/**
 * Whether CR2 is the same: a masked store's is the first byte that is stored, where AMD's give the operand's beginning; CMPS reads the operand at rSI first, AMD's the
 * other one.
 */
export const sharesFaultAddress = ({ name }: IntegerCase): boolean =>
  isIntel || (name !== "maskmov" && name !== "cmps");
