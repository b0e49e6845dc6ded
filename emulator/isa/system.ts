/**
 * Instructions that TypeScript executes: far transfers, descriptor tables, control registers, ports, and what is rare (decimal adjust, ENTER,
 * PUSHA, CMPXCHG8B). The rows only say how they are encoded; their operations are in `cpu/operation/` and `cpu/system/`.
 */
import { operation } from "./family.ts";

const pair = (digit: number, name: string) => operation(name, [`0f 01 /${digit} : m`]);

export const system = [
  // Decimal arithmetic and other rare integer instructions
  operation("daa", ["27 ; i64"]), operation("das", ["2f ; i64"]), operation("aaa", ["37 ; i64"]), operation("aas", ["3f ; i64"]),
  operation("aam", ["d4 : ib ; i64"]), operation("aad", ["d5 : ib ; i64"]),
  operation("pusha", ["60 ; i64"]), operation("popa", ["61 ; i64"]), operation("bound", ["62 /r : r, m ; i64"]),
  operation("enter", ["c8 : iw ; d64"]),
  operation("cmpxchg8b", ["0f c7 /1 : m ; lock"]),
  // Flags
  operation("pushf", ["9c ; d64"]), operation("popf", ["9d ; d64"]), operation("cli", ["fa"]), operation("sti", ["fb"]),
  // Segment registers and far transfers
  operation("mov_sreg", ["8e /r : sreg, rm16"]), operation("mov_from_sreg", ["8c /r : rm, sreg"]),
  operation("push_sreg", ["06 ; i64", "0e ; i64", "16 ; i64", "1e ; i64", "0f a0 ; d64", "0f a8 ; d64"]),
  operation("pop_sreg", ["07 ; i64", "17 ; i64", "1f ; i64", "0f a1 ; d64", "0f a9 ; d64"]),
  operation("les", ["c4 /r : r, m ; i64"]), operation("lds", ["c5 /r : r, m ; i64"]),
  operation("lss", ["0f b2 /r : r, m"]), operation("lfs", ["0f b4 /r : r, m"]), operation("lgs", ["0f b5 /r : r, m"]),
  operation("call_far", ["9a : far ; i64"]), operation("jmp_far", ["ea : far ; i64"]),
  operation("call_far_m", ["ff /3 : m"]), operation("jmp_far_m", ["ff /5 : m"]), operation("ret_far", ["ca : iw", "cb"]),
  operation("int3", ["cc"]), operation("int", ["cd : ib"]), operation("into", ["ce ; i64"]), operation("int1", ["f1"]), operation("iret", ["cf"]),
  operation("syscall", ["0f 05"]), operation("sysret", ["0f 07"]), operation("sysenter", ["0f 34"]), operation("sysexit", ["0f 35"]),
  // Ports
  operation("in_imm_b", ["e4 : ib"]), operation("in_imm", ["e5 : ib"]), operation("out_imm_b", ["e6 : ib"]), operation("out_imm", ["e7 : ib"]),
  operation("in_dx_b", ["ec"]), operation("in_dx", ["ed"]), operation("out_dx_b", ["ee"]), operation("out_dx", ["ef"]),
  operation("insb", ["6c ; rep"]), operation("insw", ["6d ; rep"]), operation("outsb", ["6e ; rep"]), operation("outsw", ["6f ; rep"]),
  // Descriptor tables and privilege
  operation("sldt", ["0f 00 /0 : rm"]), operation("str", ["0f 00 /1 : rm"]), operation("lldt", ["0f 00 /2 : rm16"]), operation("ltr", ["0f 00 /3 : rm16"]),
  operation("verr", ["0f 00 /4 : rm16"]), operation("verw", ["0f 00 /5 : rm16"]),
  pair(0, "sgdt"), pair(1, "sidt"), pair(2, "lgdt"), pair(3, "lidt"),
  operation("smsw", ["0f 01 /4 : rm"]), operation("lmsw", ["0f 01 /6 : rm16"]), pair(7, "invlpg"),
  operation("monitor", ["0f 01 c8"]), operation("mwait", ["0f 01 c9"]), operation("clac", ["np 0f 01 ca"]), operation("stac", ["np 0f 01 cb"]),
  operation("xgetbv", ["np 0f 01 d0"]), operation("xsetbv", ["np 0f 01 d1"]), operation("swapgs", ["0f 01 f8 ; o64"]), operation("rdtscp", ["0f 01 f9"]),
  operation("lar", ["0f 02 /r : r, rm16"]), operation("lsl", ["0f 03 /r : r, rm16"]), operation("arpl", ["63 /r : rm16, r16 ; i64"]),
  operation("clts", ["0f 06"]), operation("invd", ["0f 08"]), operation("wbinvd", ["0f 09"]), operation("hlt", ["f4"]),
  operation("mov_r_cr", ["0f 20 /r : rm ; nomem"]), operation("mov_r_dr", ["0f 21 /r : rm ; nomem"]),
  operation("mov_cr_r", ["0f 22 /r : rm ; nomem"]), operation("mov_dr_r", ["0f 23 /r : rm ; nomem"]),
  operation("wrmsr", ["0f 30"]), operation("rdtsc", ["0f 31"]), operation("rdmsr", ["0f 32"]), operation("rdpmc", ["0f 33"]),
  operation("cpuid", ["0f a2"]), operation("rsm", ["0f aa"]), operation("invpcid", ["66 0f 38 82 /r : r, m"]),
  operation("rdfsbase", ["f3 0f ae /0 : rm ; nomem o64"]), operation("rdgsbase", ["f3 0f ae /1 : rm ; nomem o64"]),
  operation("wrfsbase", ["f3 0f ae /2 : rm ; nomem o64"]), operation("wrgsbase", ["f3 0f ae /3 : rm ; nomem o64"]),
  operation("rdrand", ["np 0f c7 /6 : rm ; nomem", "66 0f c7 /6 : rm ; nomem"]), operation("rdseed", ["np 0f c7 /7 : rm ; nomem", "66 0f c7 /7 : rm ; nomem"]),
  operation("fence", ["np 0f ae /5 : rm ; nomem", "np 0f ae /6 : rm ; nomem", "np 0f ae /7 : rm ; nomem"]), operation("clflush", ["np 0f ae /7 : m"]),
  // #UD by the manual, whatever the mode
  operation("ud", ["0f 0b", "0f b9 /r : r, rm", "0f ff /r : r, rm"]),
  // x87: the operation is found by the escape byte and ModRM
  operation("x87", ["d8 /r : rm", "d9 /r : rm", "da /r : rm", "db /r : rm", "dc /r : rm", "dd /r : rm", "de /r : rm", "df /r : rm"]),
  operation("fwait", ["9b"]), operation("fxsave", ["np 0f ae /0 : m"]), operation("fxrstor", ["np 0f ae /1 : m"]),
]; // oxfmt-ignore
