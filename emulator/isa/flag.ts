/** Flag instructions (SDM 2A/2B: CLC CLD CMC LAHF SAHF STC STD). CLI, STI, PUSHF and POPF depend on privilege: `control.ts`. */
import { i32 } from "../wasm/index.ts";
import { family } from "./family.ts";

const DF = 0x400;
const AH = 4;

export const flags = [
  family("clc", "", (v) => v.flagsCarry(i32(0)), ["f8"]),
  family("stc", "", (v) => v.flagsCarry(i32(1)), ["f9"]),
  family("cmc", "", (v) => v.flagsCarry(v.let(v.isZero(v.cf()))), ["f5"]),
  family("cld", "", (v) => v.setSystemFlags(v.and(v.systemFlags(), i32(~DF))), ["fc"]),
  family("std", "", (v) => v.setSystemFlags(v.or(v.systemFlags(), i32(DF))), ["fd"]),
  // Bit 1 always reads as 1; OF is not part of AH.
  family("lahf", "", (v) => v.setRegister(AH, 8, v.or(v.flagsToImage(), i32(2))), ["9f ; w8"]),
  family(
    "sahf",
    "",
    (v) => {
      const of = v.let(v.shl(v.of(), i32(11)));
      v.flagsImage(v.or(v.and(v.register(AH, 8), i32(0xd5)), of));
    },
    ["9e ; w8"],
  ),
  family("salc", "", (v) => v.setRegister(0, 8, v.sub(i32(0), v.cf())), ["d6 ; i64 w8"]),
];
