/**
 * SSE floating point (SDM 2A/2B): arithmetic, comparisons, conversions, rounding, MXCSR. All of it is executed in TypeScript (`cpu/sse/`), which is where
 * rounding modes, exceptions and NaNs can be exact.
 */
import { operation } from "./family.ts";

/** PS, SS, PD and SD forms of an opcode by their mandatory prefixes. */
const four = (name: string, opcode: string) => [
  operation(`${name}ps`, [`np 0f ${opcode} /r : xmm1, xmm2/m128`]),
  operation(`${name}ss`, [`f3 0f ${opcode} /r : xmm1, xmm2/m32`]),
  operation(`${name}pd`, [`66 0f ${opcode} /r : xmm1, xmm2/m128`]),
  operation(`${name}sd`, [`f2 0f ${opcode} /r : xmm1, xmm2/m64`]),
];

export const sseFloat = [
  ...four("sqrt", "51"),
  ...four("add", "58"),
  ...four("mul", "59"),
  ...four("sub", "5c"),
  ...four("min", "5d"),
  ...four("div", "5e"),
  ...four("max", "5f"),
  operation("rsqrtps", ["np 0f 52 /r : xmm1, xmm2/m128"]),
  operation("rsqrtss", ["f3 0f 52 /r : xmm1, xmm2/m32"]),
  operation("rcpps", ["np 0f 53 /r : xmm1, xmm2/m128"]),
  operation("rcpss", ["f3 0f 53 /r : xmm1, xmm2/m32"]),
  operation("haddpd", ["66 0f 7c /r : xmm1, xmm2/m128"]),
  operation("haddps", ["f2 0f 7c /r : xmm1, xmm2/m128"]),
  operation("hsubpd", ["66 0f 7d /r : xmm1, xmm2/m128"]),
  operation("hsubps", ["f2 0f 7d /r : xmm1, xmm2/m128"]),
  operation("addsubpd", ["66 0f d0 /r : xmm1, xmm2/m128"]),
  operation("addsubps", ["f2 0f d0 /r : xmm1, xmm2/m128"]),
  operation("dpps", ["66 0f 3a 40 /r : xmm1, xmm2/m128, ib"]),
  operation("dppd", ["66 0f 3a 41 /r : xmm1, xmm2/m128, ib"]),
  // Comparisons; the double scalar form shares its name with a string instruction
  operation("cmpps", ["np 0f c2 /r : xmm1, xmm2/m128, ib"]),
  operation("cmpss", ["f3 0f c2 /r : xmm1, xmm2/m32, ib"]),
  operation("cmppd", ["66 0f c2 /r : xmm1, xmm2/m128, ib"]),
  operation("cmpsd_xmm", ["f2 0f c2 /r : xmm1, xmm2/m64, ib"]),
  operation("ucomiss", ["np 0f 2e /r : xmm1, xmm2/m32"]),
  operation("ucomisd", ["66 0f 2e /r : xmm1, xmm2/m64"]),
  operation("comiss", ["np 0f 2f /r : xmm1, xmm2/m32"]),
  operation("comisd", ["66 0f 2f /r : xmm1, xmm2/m64"]),
  // Conversions
  operation("cvtpi2ps", ["np 0f 2a /r : xmm1, mm2/m64"]),
  operation("cvtsi2ss", ["f3 0f 2a /r : xmm1, rm"]),
  operation("cvtpi2pd", ["66 0f 2a /r : xmm1, mm2/m64"]),
  operation("cvtsi2sd", ["f2 0f 2a /r : xmm1, rm"]),
  operation("cvttps2pi", ["np 0f 2c /r : mm1, xmm2/m64"]),
  operation("cvttss2si", ["f3 0f 2c /r : r, xmm2/m32"]),
  operation("cvttpd2pi", ["66 0f 2c /r : mm1, xmm2/m128"]),
  operation("cvttsd2si", ["f2 0f 2c /r : r, xmm2/m64"]),
  operation("cvtps2pi", ["np 0f 2d /r : mm1, xmm2/m64"]),
  operation("cvtss2si", ["f3 0f 2d /r : r, xmm2/m32"]),
  operation("cvtpd2pi", ["66 0f 2d /r : mm1, xmm2/m128"]),
  operation("cvtsd2si", ["f2 0f 2d /r : r, xmm2/m64"]),
  operation("cvtps2pd", ["np 0f 5a /r : xmm1, xmm2/m64"]),
  operation("cvtss2sd", ["f3 0f 5a /r : xmm1, xmm2/m32"]),
  operation("cvtpd2ps", ["66 0f 5a /r : xmm1, xmm2/m128"]),
  operation("cvtsd2ss", ["f2 0f 5a /r : xmm1, xmm2/m64"]),
  operation("cvtdq2ps", ["np 0f 5b /r : xmm1, xmm2/m128"]),
  operation("cvttps2dq", ["f3 0f 5b /r : xmm1, xmm2/m128"]),
  operation("cvtps2dq", ["66 0f 5b /r : xmm1, xmm2/m128"]),
  operation("cvttpd2dq", ["66 0f e6 /r : xmm1, xmm2/m128"]),
  operation("cvtdq2pd", ["f3 0f e6 /r : xmm1, xmm2/m64"]),
  operation("cvtpd2dq", ["f2 0f e6 /r : xmm1, xmm2/m128"]),
  operation("roundps", ["66 0f 3a 08 /r : xmm1, xmm2/m128, ib"]),
  operation("roundpd", ["66 0f 3a 09 /r : xmm1, xmm2/m128, ib"]),
  operation("roundss", ["66 0f 3a 0a /r : xmm1, xmm2/m32, ib"]),
  operation("roundsd", ["66 0f 3a 0b /r : xmm1, xmm2/m64, ib"]),
  // State
  operation("ldmxcsr", ["np 0f ae /2 : m"]),
  operation("stmxcsr", ["np 0f ae /3 : m"]),
];
