/**
 * Instructions that exist and are not implemented yet: what the machine says when it stops at one. Anything that is neither here nor in a
 * family is an invalid opcode.
 */

/** Ranges of opcodes in the two-byte map (0F xx), first and last, and what lives there. */
const twoByte: readonly (readonly [number, number, string])[] = [
  [0x0e, 0x0f, "3DNow!"],
  [0x10, 0x17, "SSE move"],
  [0x28, 0x2f, "SSE move, convert or compare"],
  [0x50, 0x5f, "SSE arithmetic"],
  [0x60, 0x76, "MMX or SSE2 integer"],
  [0x77, 0x77, "EMMS"],
  [0x7c, 0x7d, "SSE3 horizontal arithmetic"],
  [0x7e, 0x7f, "MMX or SSE2 move"],
  [0xae, 0xae, "LDMXCSR, STMXCSR, XSAVE or XRSTOR"],
  [0xc2, 0xc2, "SSE compare"],
  [0xc3, 0xc3, "MOVNTI"],
  [0xc4, 0xc6, "SSE insert, extract or shuffle"],
  [0xc7, 0xc7, "XRSTORS, XSAVEC or XSAVES"],
  [0xd0, 0xfe, "MMX or SSE2 integer"],
];

/** Name for a stop, or null if the encoding is not an instruction of any x86-64 processor this emulator will be. */
export function missingName(
  map: 0 | 1 | 2 | 3,
  opcode: number,
  vector: "" | "VEX" | "EVEX",
  modrm: number,
): string | null {
  const digit = (modrm >> 3) & 7;
  const isRegister = modrm >= 0xc0;
  // Of these two groups only the memory forms are instructions to come; MOVBE has no register form.
  if (map === 1 && opcode === 0xc7 && (isRegister || digit < 3 || digit > 5)) return null;
  if (map === 1 && opcode === 0xae && isRegister) return null;
  if (map === 2 && (opcode === 0xf0 || opcode === 0xf1) && isRegister) return null;
  const hex = opcode.toString(16).padStart(2, "0");
  if (vector !== "") return `${vector}-encoded instruction`;
  if (map === 2)
    return opcode <= 0xdf || opcode >= 0xf0 ? `SSSE3, SSE4, AES or SHA instruction 0f 38 ${hex}` : null;
  if (map === 3) return `SSE4, AES or CLMUL instruction 0f 3a ${hex}`;
  if (map === 1) {
    const range = twoByte.find(([first, last]) => opcode >= first && opcode <= last);
    return range === undefined ? null : `${range[2]} instruction 0f ${hex}`;
  }
  return null;
}
