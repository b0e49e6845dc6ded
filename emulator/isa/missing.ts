/**
 * Instructions that exist and are not implemented yet: what the machine says when it stops at one. Anything that is neither here nor in a
 * family is an invalid opcode.
 */

/** Ranges of opcodes, first and last, and what lives there: in the map 0F, in 0F 38 and in 0F 3A. */
const maps: Readonly<Record<1 | 2 | 3, readonly (readonly [number, number, string])[]>> = {
  1: [
    [0x0e, 0x0f, "3DNow!"],
    [0xae, 0xae, "XSAVE or XRSTOR"],
    [0xc7, 0xc7, "XRSTORS, XSAVEC or XSAVES"],
  ],
  2: [
    [0xc8, 0xcd, "SHA"],
    [0xcf, 0xcf, "GFNI"],
    [0xd8, 0xd8, "Key Locker"],
    [0xf5, 0xf6, "shadow-stack"],
    [0xf8, 0xf9, "direct-store"],
  ],
  3: [
    [0xcc, 0xcc, "SHA"],
    [0xce, 0xcf, "GFNI"],
  ],
};

const MAP_BYTES = { 1: "0f", 2: "0f 38", 3: "0f 3a" } as const;

/** Name for a stop, or null if the encoding is not an instruction of any x86-64 processor this emulator will be. */
export function missingName(
  map: 0 | 1 | 2 | 3,
  opcode: number,
  vector: "" | "VEX" | "EVEX",
  modrm: number,
): string | null {
  const digit = (modrm >> 3) & 7;
  const isRegister = modrm >= 0xc0;
  // Of these two groups only the memory forms are instructions to come.
  if (map === 1 && opcode === 0xc7 && (isRegister || digit < 3 || digit > 5)) return null;
  if (map === 1 && opcode === 0xae && isRegister) return null;
  if (vector !== "") return `${vector}-encoded instruction`;
  if (map === 0) return null;
  const range = maps[map].find(([first, last]) => opcode >= first && opcode <= last);
  return range === undefined
    ? null
    : `${range[2]} instruction ${MAP_BYTES[map]} ${opcode.toString(16).padStart(2, "0")}`;
}
