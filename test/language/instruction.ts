/**
 * Instructions made by chance, as a person would write them: a form of the tables with operands that fit it, in AT&T syntax or NASM's.
 *
 * Invariant: the same seed makes the same texts.
 */
import { mnemonicForms } from "../../extension/language/server/knowledge/instructions.ts";
import type { Form, FormOperand, Width } from "../../extension/language/server/knowledge/instructions.ts";

export interface Random {
  next: (limit: number) => number;
}

/** xorshift32 */
export function random(seed: number): Random {
  let state = seed | 0 || 1;
  return {
    next(limit) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % limit;
    },
  };
}

/** Extensions that neither every assembler nor boot code has, and what an assembler takes that no processor does in that mode (RDFSBASE in 32-bit code). */
const exotic =
  /^(?:bb[01]|[rw][dr][fg]sbase|salc|wru?ss|rdssp|rdpid|ptwrite|cpu_|enqcmd|invpcid|v|k[a-z]|pf[a-z]|tile|xcrypt|xstore|xsha|montmul|bnd|fn?(?:disi|eni|setpm)|f(?:rstpm|stsg|stdw)|aesenc|aesdec|encodekey|loadiwkey|umov|cflsh|paveb|svdc|rsdc|rsldt|rsts|svldt|svts|smint|getsec|cl1|frint|frndint2|ftstp|jmpe|loadall|storeall|xbts|ibts|cmpxchg486|delay|spflt|popcnt_|tzcnt_|altinst|ccs_|undoc|pcommit|cyrix|rdshr|wrshr|dmint|rdm|pi?2f|femms|sha512|sm[34]|aand|aor|axor|cmp[a-z]+xadd|erets|eretu|lkgs|rdmsrlist|wrmsrlist|urdmsr|uwrmsr|wrmsrns|prefetchit|pbndkb|tdcall|seam|psmash|pvalidate|rmp|hreset|senduipi|testui|clui|stui|uiret|incssp|ins?ertq|extrq|ll?wp|t1mskc|tzmsk|bl[cs]|bextr|maskmov|pmulhrwc|pmulhriw|pmachriw|pdistib|pmvzb|pmvnzb|pmvlzb|pmvgezb|pmagw|paddsiw|psubsiw|sysexitq$|sttilecfg|ldtilecfg|tdp|tcm|xresldtrk|xsusldtrk|enclu|enclv|encls|pconfig|mcommit|rdpru|monitorx|mwaitx|invlpgb|tlbsync|clzero|vmgexit|movntss|movntsd|dbg|fnop2|fcmov|mov$_)/;

export function chosenForms(): readonly Form[] {
  return mnemonicForms().filter(({ mnemonic, text }) => !exotic.test(mnemonic) && text !== "POP CS");
}

const general: Readonly<Record<8 | 16 | 32 | 64, readonly string[]>> = {
  8: ["al", "cl", "bl", "dh"],
  16: ["ax", "cx", "dx", "si", "di", "bp"],
  32: ["eax", "ecx", "edx", "ebx", "esi", "ebp"],
  64: ["rax", "rcx", "rbx", "rsp", "rdi", "r8", "r13", "r15"],
};

const words: Readonly<Record<number, string>> = {
  8: "byte",
  16: "word",
  32: "dword",
  64: "qword",
  80: "tword",
  128: "oword",
};

/** The text of one operand; undefined where the form has one that is not written. */
function operandText(
  { kind, memoryBits, text }: FormOperand,
  bits: Width,
  { next }: Random,
  isAtt: boolean,
  form: Form,
): string | undefined {
  const pick = (list: readonly string[]): string => list[next(list.length)] ?? "";
  const register = (name: string): string => (isAtt ? `%${name}` : name);
  const memory = (size: number | undefined): string => {
    const base =
      bits === 16
        ? pick(["bx", "bp", "si"])
        : pick(bits === 32 ? ["eax", "ebp", "esi"] : ["rax", "rsp", "r13", "rbp"]);
    const index = bits === 16 ? "di" : bits === 32 ? "ecx" : pick(["rcx", "r9"]);
    const hasIndex = next(3) === 0 && !(bits === 16 && base === "si");
    const scale = bits === 16 ? 1 : ([1, 2, 4, 8][next(4)] ?? 1);
    const displacement = pick(["", "", "8", "-4", "0x1234", "200"]);
    if (isAtt) {
      return `${displacement}(%${base}${hasIndex ? `,%${index}${bits === 16 ? "" : `,${scale}`}` : ""})`;
    }
    const sum = displacement === "" ? "" : displacement.startsWith("-") ? displacement : `+${displacement}`;
    const word = size === undefined || /^m16[:&]/.test(text) ? "" : `${words[size] ?? ""} `;
    return `${text.startsWith("m16:") && /^(?:jmp|call)$/.test(form.mnemonic) ? "far " : word}[${base}${hasIndex ? `+${index}*${scale}` : ""}${sum}]`;
  };
  const generalOf = /^r(8|16|32|64)_/.exec(kind)?.[1];
  if (/_or_mem/.test(kind) && next(2) === 0) {
    return memory(memoryBits ?? (generalOf === undefined ? undefined : Number(generalOf)));
  }
  if (generalOf !== undefined) {
    return register(pick(general[Number(generalOf) as 8]));
  }
  if (/^mem$/.test(kind)) {
    return memory(memoryBits);
  }
  if (/^(?:al|cl|ax|dx|eax|rax|[c-gs]s|es)$/.test(kind)) {
    return isAtt && kind === "dx" && /^(?:in|out)/.test(form.mnemonic) ? "(%dx)" : register(kind);
  }
  if (kind === "st0") {
    return isAtt ? "%st" : "st0";
  }
  if (kind === "sti_opcode") {
    return isAtt ? "%st(2)" : "st2";
  }
  const stem = kind.split("_")[0] ?? "";
  const list: Readonly<Record<string, readonly string[]>> = {
    seg: ["ds", "es", "fs", "ss"],
    cr: ["cr0", "cr3", "cr4"],
    dr: ["dr0", "dr7"],
    mm: ["mm1", "mm6"],
    xmm: ["xmm0", "xmm7"],
  };
  if (list[stem] && kind !== "seg_rSI" && kind !== "seg_rBX_al" && kind !== "seg_rDI") {
    return register(pick(list[stem]));
  }
  if (kind === "imm8_const_1") {
    return isAtt ? "$1" : "1";
  }
  if (kind.startsWith("imm")) {
    const values: Readonly<Record<string, readonly string[]>> = {
      imm8: ["3", "0x7f"],
      imm16: ["0x1234", "3"],
      imm32: ["0x12345678", "3", "0x200"],
      imm64: ["0x123456789abcdef0"],
    };
    const value = pick(
      kind.includes("8sex") ? ["5", "-3"] : (values[/^imm\d+/.exec(kind)?.[0] ?? ""] ?? ["1"]),
    );
    return isAtt ? `$${value}` : value;
  }
  return undefined;
}

/** A statement that means this form; null where it cannot be written plainly. */
export function statementOf(form: Form, bits: Width, source: Random, dialect: "att" | "nasm"): string | null {
  const isAtt = dialect === "att";
  const texts: string[] = [];
  const shown = form.operands.slice(form.operands.length - form.writtenCount);
  for (const operand of shown) {
    const text = operandText(operand, bits, source, isAtt, form);
    if (text === undefined) {
      return null;
    }
    texts.push(text);
  }
  if (!isAtt) {
    return `${form.mnemonic} ${texts.join(", ")}`.trim();
  }
  const isBackward = /^(?:bound|enter)$/.test(form.mnemonic);
  return `${form.mnemonic} ${(isBackward ? texts : texts.toReversed()).join(", ")}`.trim();
}
