/**
 * MMX, SSE and SSE4 moves and integer instructions as the oracle's generator sees them, in the rows of `forms.ts`. Written from the manual and independent of
 * `emulator/isa`, which it tests. `vec`: vector registers take part, and memory operands are often aligned to 16 bytes; `di`: rDI is an implicit address; `lengths`: rAX and
 * rDX are lengths of strings.
 */
import { type Form, parse } from "./forms.ts";

const LIST = / +|\n */;

/** Names of the instructions with MMX and XMM forms, with their opcodes in the map 0F. */
const both =
  `punpcklbw 60 punpcklwd 61 punpckldq 62 packsswb 63 pcmpgtb 64 pcmpgtw 65 pcmpgtd 66 packuswb 67 punpckhbw 68 punpckhwd 69 punpckhdq 6a packssdw 6b
  pcmpeqb 74 pcmpeqw 75 pcmpeqd 76 psrlw d1 psrld d2 psrlq d3 paddq d4 pmullw d5 psubusb d8 psubusw d9 pminub da pand db paddusb dc paddusw dd pmaxub de pandn df
  pavgb e0 psraw e1 psrad e2 pavgw e3 pmulhuw e4 pmulhw e5 psubsb e8 psubsw e9 pminsw ea por eb paddsb ec paddsw ed pmaxsw ee pxor ef psllw f1 pslld f2 psllq f3
  pmuludq f4 pmaddwd f5 psadbw f6 psubb f8 psubw f9 psubd fa psubq fb paddb fc paddw fd paddd fe`.split(LIST);
/** The same in the map 0F 38. */
const ssse3 =
  `pshufb 00 phaddw 01 phaddd 02 phaddsw 03 pmaddubsw 04 phsubw 05 phsubd 06 phsubsw 07 psignb 08 psignw 09 psignd 0a pmulhrsw 0b
  pabsb 1c pabsw 1d pabsd 1e`.split(LIST);
/** XMM only, prefix 66. */
const sse4 =
  `pblendvb 10 blendvps 14 blendvpd 15 ptest 17 pmovsxbw 20 pmovsxbd 21 pmovsxbq 22 pmovsxwd 23 pmovsxwq 24 pmovsxdq 25 pmuldq 28 pcmpeqq 29 movntdqa 2a
  packusdw 2b pmovzxbw 30 pmovzxbd 31 pmovzxbq 32 pmovzxwd 33 pmovzxwq 34 pmovzxdq 35 pcmpgtq 37 pminsb 38 pminsd 39 pminuw 3a pminud 3b pmaxsb 3c pmaxsd 3d
  pmaxuw 3e pmaxud 3f pmulld 40 phminposuw 41 aesimc db aesenc dc aesenclast dd aesdec de aesdeclast df`.split(
    LIST,
  );
const withImmediate =
  `blendps 0c blendpd 0d pblendw 0e pextrb 14 pextrw 15 pextrd 16 extractps 17 pinsrb 20 insertps 21 pinsrd 22 mpsadbw 42 pclmulqdq 44
  pcmpestrm 60 pcmpestri 61 pcmpistrm 62 pcmpistri 63 aeskeygenassist df`.split(LIST);
/** Shifts by an immediate: opcode and digit. */
const shifts =
  "psrlw 71/2 psraw 71/4 psllw 71/6 psrld 72/2 psrad 72/4 pslld 72/6 psrlq 73/2 psllq 73/6".split(LIST);

const pairs = (list: readonly string[]): (readonly [string, string])[] =>
  Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i]!, list[2 * i + 1]!] as const);

const rows: string[] = [
  ...pairs(both).flatMap(([name, opcode]) => [
    `${name} : 0f ${opcode} /r ;`,
    `${name} : 66 0f ${opcode} /r ;`,
  ]),
  ...pairs(ssse3).flatMap(([name, opcode]) => [
    `${name} : 0f 38 ${opcode} /r ;`,
    `${name} : 66 0f 38 ${opcode} /r ;`,
  ]),
  ...pairs(sse4).map(
    ([name, opcode]) => `${name} : 66 0f 38 ${opcode} /r ; ${name === "movntdqa" ? "mem" : ""}`,
  ),
  ...pairs(withImmediate).map(
    ([name, opcode]) => `${name} : 66 0f 3a ${opcode} /r ib ; ${name.startsWith("pcmp") ? "lengths" : ""}`,
  ),
  ...pairs(shifts).flatMap(([name, encoding]) => {
    const [opcode, digit] = encoding.split("/");
    return [`${name} : 0f ${opcode} /${digit} ib ; reg`, `${name} : 66 0f ${opcode} /${digit} ib ; reg`];
  }),
  "psrldq : 66 0f 73 /3 ib ; reg",
  "pslldq : 66 0f 73 /7 ib ; reg",
  "palignr : 0f 3a 0f /r ib ;",
  "palignr : 66 0f 3a 0f /r ib ;",
  ...["0f", "66 0f"].flatMap((prefix) => [
    `movaps : ${prefix} 28 /r ;`,
    `movaps : ${prefix} 29 /r ;`,
    `movups : ${prefix} 10 /r ;`,
    `movups : ${prefix} 11 /r ;`,
    `movntps : ${prefix} 2b /r ; mem`,
    `movlps : ${prefix} 12 /r ;`,
    `movlps : ${prefix} 13 /r ; mem`,
    `movhps : ${prefix} 16 /r ;`,
    `movhps : ${prefix} 17 /r ; mem`,
    `unpcklps : ${prefix} 14 /r ;`,
    `unpckhps : ${prefix} 15 /r ;`,
    `andps : ${prefix} 54 /r ;`,
    `andnps : ${prefix} 55 /r ;`,
    `orps : ${prefix} 56 /r ;`,
    `xorps : ${prefix} 57 /r ;`,
    `shufps : ${prefix} c6 /r ib ;`,
    `movmskps : ${prefix} 50 /r ; reg`,
    `pmovmskb : ${prefix} d7 /r ; reg`,
    `pinsrw : ${prefix} c4 /r ib ;`,
    `pextrw : ${prefix} c5 /r ib ; reg`,
    `movd : ${prefix} 6e /r ;`,
    `movd : ${prefix} 7e /r ;`,
    `movq : ${prefix} 6f /r ;`,
    `movq : ${prefix} 7f /r ;`,
    `movntq : ${prefix} e7 /r ; mem`,
    `maskmov : ${prefix} f7 /r ; reg maskmov`,
  ]),
  "punpcklqdq : 66 0f 6c /r ;",
  "punpckhqdq : 66 0f 6d /r ;",
  "movss : f3 0f 10 /r ;",
  "movss : f3 0f 11 /r ;",
  "movsd : f2 0f 10 /r ;",
  "movsd : f2 0f 11 /r ;",
  "movddup : f2 0f 12 /r ;",
  "movsldup : f3 0f 12 /r ;",
  "movshdup : f3 0f 16 /r ;",
  "movdqu : f3 0f 6f /r ;",
  "movdqu : f3 0f 7f /r ;",
  "lddqu : f2 0f f0 /r ; mem",
  "pshufw : 0f 70 /r ib ;",
  "pshufd : 66 0f 70 /r ib ;",
  "pshuflw : f2 0f 70 /r ib ;",
  "pshufhw : f3 0f 70 /r ib ;",
  "movq : f3 0f 7e /r ;",
  "movq : 66 0f d6 /r ;",
  "movq2dq : f3 0f d6 /r ; reg",
  "movdq2q : f2 0f d6 /r ; reg",
  "movnti : 0f c3 /r ; mem",
  "emms : 0f 77 ;",
];

export const VECTOR_FORMS: readonly Form[] = rows.map((row) => parse(`${row} vec np`));
