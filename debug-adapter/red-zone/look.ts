/**
 * A glance at a function's bytes, before the analysis, which costs a thousand times as much: nearly all functions of a kernel have nothing to do with the red zone.
 *
 * Invariant: what it says no to keeps nothing below RSP, unless it gets there by arithmetic on a pointer into its frame, which no compiler does.
 */

/** Of an operand's ModRM and SIB bytes: a displacement of 8 bits from RSP, from RBP, and from either with an index (SDM 2A tables 2-2 and 2-3). */
const MODRM = { mask: 0xc7, sib: 0x44, rbp: 0x45 } as const;
const SIB = { mask: 7, rsp: 4, rbp: 5 } as const;
const REX_W = 0x48;
/** SUB of an immediate from RSP, with 8 or 32 bits, behind its REX prefix. */
const ROOM: readonly (readonly [number, number])[] = [
  [0x83, 0xec],
  [0x81, 0xec],
];

/** MOV between RSP and another register but RBP, by its ModRM byte behind the opcode: what is then done with the copy is the analysis's affair. */
const COPY = { store: 0x89, load: 0x8b } as const;
const isCopy = (opcode: number, modrm: number): boolean =>
  (opcode === COPY.store && (modrm & 0xf8) === 0xe0 && modrm !== 0xe5) ||
  (opcode === COPY.load && (modrm & 0xc7) === 0xc4 && modrm !== 0xec);

/**
 * Whether some bytes of a function look like an access below RSP: one by RSP with a negative displacement, one by RBP where nothing makes room on the stack, or a
 * copy of RSP.
 */
export function looksBelow(code: Uint8Array | null): boolean {
  if (code === null) return false;
  let byRbp = false;
  let hasRoom = false;
  for (let n = 0; n + 2 < code.length; n++) {
    const first = code[n]!;
    const second = code[n + 1]!;
    const isNegative = code[n + 2]! >= 0x80;
    if ((first & MODRM.mask) === MODRM.sib && isNegative) {
      if ((second & SIB.mask) === SIB.rsp) return true;
      if ((second & SIB.mask) === SIB.rbp) byRbp = true;
    }
    if ((first & MODRM.mask) === MODRM.rbp && second >= 0x80) byRbp = true;
    if (isCopy(first, second)) return true;
    if (code[n - 1] === REX_W && ROOM.some(([a, b]) => first === a && second === b)) hasRoom = true;
  }
  return byRbp && !hasRoom;
}
