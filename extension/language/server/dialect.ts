/**
 * Which assembler a file is written for, and for which machine, told by its content where its name does not say: `.asm` is NASM's, MASM's or GNU as's, `.s` any
 * machine's, `.inc` and `.x` anything.
 *
 * Invariant: a file is called foreign only on facts, at least three lines of it that the machine or the assembler alone has and that outweigh whatever speaks for
 * x86. Of a foreign file the server says nothing about instructions; its names are known.
 */
import type { Language } from "./syntax.ts";

export interface Told {
  readonly language: Language;
  /** "Arm assembly", "MASM": what the server does not know. null for what it does. */
  readonly foreign: string | null;
}

/** What a line may speak for. */
type Kind = "gas" | "nasm" | "data" | "x86" | Foreign;
const ofX86: ReadonlySet<Kind> = new Set<Kind>(["gas", "nasm", "data", "x86", "MASM", "fasm"]);
type Foreign =
  | "MASM"
  | "fasm"
  | "Arm"
  | "RISC-V"
  | "MIPS"
  | "PowerPC"
  | "SPARC"
  | "s390"
  | "LoongArch"
  | "68000"
  | "Alpha"
  | "PA-RISC"
  | "SuperH"
  | "Z80 or 6502";

/** Lines of a file that are looked at, from its first. */
const linesRead = 400;
/** What decides alone, and what does where nothing speaks against it. */
const certain = 3;
const enough = 2;
const linkerWords =
  /^\s*(?:SECTIONS\s*(?:\{|$)|MEMORY\s*(?:\{|$)|PHDRS\s*(?:\{|$)|VERSION\s*\{|(?:ENTRY|OUTPUT_FORMAT|OUTPUT_ARCH|TARGET|STARTUP|SEARCH_DIR|EXTERN|INPUT|GROUP|PROVIDE|ASSERT)\s*\()/;

const x86Register =
  "(?:[er]?[abcd]x|[abcd][lh]|[er]?(?:si|di|sp|bp)|r(?:8|9|1[0-5])[dwb]|[cdefgs]s|cr[0-48]|dr[0-7]|xmm\\d+|ymm\\d+)";
const statement = String.raw`^\s*(?:[\w.$@]+:\s*)?`;
const line = (pattern: string, flags = "i"): RegExp => new RegExp(statement + pattern, flags);

/** A line speaks for each kind once. "data" is of NASM, MASM and fasm alike. */
const evidence: readonly (readonly [Kind, RegExp])[] = [
  [
    "nasm",
    line(
      String.raw`(?:%(?:i?x?define|i?macro|endmacro|assign|include|if\w*|elif\w*|else|endif|rep|endrep|undef|push|pop|error|rotate|strlen|use|local|arg)\b|\[?\s*(?:bits\s+(?:16|32|64)|org\s+\S+|section\s+[._]\w|default\s+rel|cpu\s+\w+)|(?:global|extern)\s+[\w.$@]+|times\s+\S+\s+|incbin\s+["'])`,
    ),
  ],
  ["data", /^\s*(?:[\w.$@]+:?\s+)?(?:res[bwdqt]\s+\S|(?:d[bwdqt]|equ)\s+[\w'"$(-])/i],
  [
    "gas",
    line(
      String.raw`\.(?:globl|global|section|text|bss|macro|endm|code16|code16gcc|code32|code64|balign|p2align|align|long|quad|word|byte|short|int|octa|zero|space|skip|fill|ascii|asciz|string|set|equ|equiv|type|size|weak|hidden|intel_syntax|att_syntax|pushsection|popsection|previous|include|incbin|rept|irp|endr|if|ifdef|ifndef|endif|else|cfi_\w+|ident|file|loc|org|comm|lcomm)\b`,
    ),
  ],
  ["gas", /^\s*#\s*(?:include|if|ifdef|ifndef|define|endif|else)\b/],
  ["x86", new RegExp(`%${x86Register}\\b`, "i")],
  [
    "x86",
    line(
      String.raw`(?:mov|lea|add|sub|xor|and|or|cmp|test|push|pop|in|out|inc|dec|shl|shr|call|jmp|lgdt|lidt|ltr|xchg|mul|div)[bwlq]?\s+(?:(?:d|q)?word\s+|byte\s+|ptr\s+|far\s+)*\[?${x86Register}\b`,
    ),
  ],
  [
    "x86",
    line(
      String.raw`(?:\.code(?:16|32|64)\b|\.intel_syntax|lgdtl?\s|lidtl?\s|iretq?\b|wrmsr\b|cli\b|sti\b|hlt\b|rep\s+(?:movs|stos))`,
    ),
  ],
  [
    "MASM",
    /^\s*(?:\.(?:model|stack|data\?|const|[1-6]86p?|x?mm|startup|exit|dosseg)\b|(?:include|includelib)\s+[\w\\/.]+\.(?:lib|inc)\b|invoke\s|assume\s|extrn\s|public\s+\w|option\s+\w+:|end\s+\w+\s*$|\w+\s+(?:proc|endp|segment|ends|struct|label|typedef|proto|textequ|macro)\b|endm\s*$|ifndef\s|ifdef\s|elseif\s)/i,
  ],
  [
    "fasm",
    /^\s*(?:format\s+(?:elf|pe|mz|binary|coff|ms)|entry\s+\w+|virtual\s+at|end\s+(?:virtual|if|repeat|while|data)|r[bwdpqt]\s+[\w(]|file\s+['"]|macro\s+\w+[^;]*\{|struc\s+\w+[^;]*\{|segment\s+readable|section\s+'|include\s+['"]|while\s+\S+|repeat\s+\S+|\}\s*$)/i,
  ],
  [
    "Arm",
    line(
      String.raw`(?:\.(?:arm|thumb(?:_func)?|syntax\s+unified|fpu|cpu\s+(?:cortex|arm)\S*|arch\s+armv|inst|ltorg|fnstart|fnend|arch_extension)\b|(?:ldr|str|ldm|stm|ldp|stp|ldrb|strb|ldrh|strh|adr|adrp|mrs|msr|mcr|mrc|blx?|bx|mvn|orr|bic|teq|rsb|svc|swi|eor|cbz|cbnz|tbz|tbnz|movw|movt|movz|movk|ldmia|stmdb|stmia|ldmfd|stmfd|ubfx|isb|dsb|dmb|eret|ldxr|stxr|csel|cset|subs|adds)(?:eq|ne|cs|cc|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al)?(?:ia|db|fd)?\s+(?:[rwxqvsdp]\d+|[\\{sxw]\w*|lr|pc|ip|fp|sy|ish|\w+_el[0-3])|(?:mov|add|sub|cmp|and|lsl|lsr|tst|movs|push|pop)(?:eq|ne)?\s+(?:(?:r\d+|x\d+|w\d+|sp|lr|pc)\s*,|\{))`,
    ),
  ],
  [
    "RISC-V",
    line(
      String.raw`(?:\.option\s|\.attribute\s|(?:li|la|lla|lui|auipc|addi?w?|sd|ld|sw|lw|lb|lbu|sb|mv|csrr[wsc]?i?|csr[wsc]i?|jalr?|beqz|bnez|bltu?|bgeu?|beq|bne|slli|srli|andi|ori|xori|fence|amo\w+\.\w+|REG_[SL]|sfence\.vma)\s+(?:[ast]\d+|ra|sp|gp|tp|zero|x\d+|mstatus|[ms]tvec|[ms]epc|satp|[ms]ie|rw)\b|(?:mret|sret|wfi|fence\.i|ecall|ebreak)\b)`,
    ),
  ],
  [
    "MIPS",
    line(
      String.raw`(?:\.set\s+(?:no)?(?:reorder|at|mips\w*|macro|push|pop)\b|\.(?:ent|frame|mask|cpload)\s|(?:lui|addiu?|daddiu|sw|lw|sd|ld|sb|lb|lbu|move|jr|jalr|mfc0|mtc0|dmfc0|dmtc0|li|la|dla|beqz|bnez|beq|bne|or|and|ori|andi|sll|srl|sync|PTR_\w+|LONG_\w+)\s+\$(?:[atvks]\d|sp|ra|gp|at|zero|\d+)\s*(?:,|$)|(?:d?m[ft]c0|PTR_\w+|LONG_\w+)\s|NESTED\(|LEAF\(|END\(|(?:eret|tlbwi|tlbp|ehb)\b)`,
      "",
    ),
  ],
  [
    "PowerPC",
    line(
      String.raw`(?:(?:mtspr|mfspr|mflr|mtlr|mtctr|mfctr|mtmsrd?|mfmsr|mfcr|mtcrf?|stwu?|stdu?|lwzu?|lbzu?|lhzu?|lis?|addis?|rlwinm|rlwimi|clrldi|rldicl|cmpw[il]*|cmpd[il]*|cmpl[wd]i?|mr|bctrl?|bdnz|oris?|andi\.|slwi|srwi|sldi|srdi|stvx|lvx|vperm|LOAD_REG_\w+|lwarx|stwcx\.)\s+(?:%?[rvf]?\d+|\w+|SPRN_\w+|cr\d)\s*(?:,|$)|(?:blr|rfid?|isync|tlbie|bctr|eieio|hrfid|bl\s+\w+|_GLOBAL\w*\(|FTR_SECTION))`,
      "",
    ),
  ],
  [
    "SPARC",
    line(
      String.raw`(?:sethi\s|(?:retl|restore|save|ldx|stx|ld[du]?|st[d]?|or|add|sub|cmp|mov|wrpr|rdpr|wr|rd|jmpl|jmp|call|ba|bne|be|ldxa|stxa|membar|sllx|srlx|andcc|subcc|lduw|ldub|stw|faligndata|flushw?)\b.*%(?:[goli][0-7]|hi\(|lo\(|sp|fp|asi|tstate|pstate|psr|tbr|wim|xcc|icc|f\d)|retl\b|ba,pt)`,
    ),
  ],
  [
    "s390",
    line(
      String.raw`(?:larl|lgrl?|lghi|lhi|lmg|stmg|aghi|ahi|brasl|brctg?|stg|lg|lpswe?|mvc|llgf\w*|stctg?|lctlg?|clg\w*|tm|oi|ni|xc|basr|jz|jnz|jo|jno|stosm|ltgr|epsw|SYM_\w+_ALIGN|br|bcr|icm|cgh?i|sll[gk]?|vl|vst|vstm|vlm|la|ltg)\s+(?:%[rvf]\d+|\d+\(|__LC_|%?r\d+\s*,\s*\w+)`,
    ),
  ],
  [
    "LoongArch",
    line(
      String.raw`(?:(?:ld|st)\.(?:d|w|b|h|bu|hu|wu)|addi\.[dw]|csr(?:rd|wr|xchg)|pcaddi|li\.[dw]|la\.(?:pcrel|abs|global)|bstr\w+\.[dw]|move|jirl?|beqz|bnez|slli\.[dw]|or|add\.[dw]|sub\.[dw]|lu12i\.w|cfi_(?:ld|st))\s+\$?(?:[atsrf]\d+|sp|ra|tp|zero|u0|fp)\b|ertn\b`,
    ),
  ],
  [
    "68000",
    line(
      String.raw`(?:(?:move[amq]?|clr|add[aiq]?|sub[aiq]?|cmp[aim]?|tst|and[i]?|or[i]?|eor[i]?|ls[lr]|as[lr]|ro[lr]|bra|bset|bclr|btst|ext|neg|not|mul[us]|div[us])\.?[bwls]\s|(?:movem?[lwb]?|lea|pea|jsr|jbsr|jra|rte|rts|trap|dbra|moveq|movec)\b.*(?:%[ad][0-7]|%sp|\b[ad][0-7]\b|@\(|@-|@\+))`,
    ),
  ],
  [
    "Alpha",
    line(
      String.raw`(?:(?:ldq|stq|lda|ldah|ldl|stl|ldq_u|stq_u|ldbu|stb|bis|addq|subq|addl|subl|s8addq|cmpult|cmple|cmpeq|beq|bne|bsr|br|jsr|jmp|mskq[hl]|extq[lh]|insq[hl]|zap(?:not)?|cmoveq|sll|srl|xor|and|lds|stt|ldt)\s+(?:\$\d+|\$f\d+|\$sp|\$gp|t\d+|a[0-5]|v0)|call_pal\s|ret\s.*\(\$26\)|\.ent\s)`,
    ),
  ],
  [
    "PA-RISC",
    line(
      String.raw`(?:(?:ldo|ldw|stw|ldd|std|ldil?|ldi|copy|mtctl|mfctl|mtsp|mfsp|bv|bl|b,l|be|cmpb?\b\S*|comb\S*|addib\S*|depd?i?\S*|extr[wu]?\S*|fldd\S*|fstd\S*|stws\S*|ldws\S*|rfi|ssm|rsm|load32|tovirt_r1|tophys_r1)\s+.*%(?:r\d+|sp|rp|dp|arg\d|ret\d|cr\d+|sr\d|fr\d|t\d)|\.(?:proc|procend|callinfo|level)\b|ENTRY_CFI|ENDPROC_CFI)`,
    ),
  ],
  [
    "SuperH",
    line(
      String.raw`(?:mov\.[lwb]|mova|mov|sts(?:\.l)?|lds(?:\.l)?|stc(?:\.l)?|ldc(?:\.l)?|bsr|jsr|bf(?:\/s)?|bt(?:\/s)?|add|cmp\/\w+|tst|shll\d*|shlr\d*|xor|rte|braf|extu\.[bw])\s+(?:@?-?\(?\s*@?-?r\d+|#-?\w+\s*,\s*r\d+|\d+f\s*,\s*r\d+|k\d|pr\s*,|mach|macl|sr\s*,)`,
    ),
  ],
  [
    "Z80 or 6502",
    line(
      String.raw`(?:(?:lda|ldx|ldy|sta|stx|sty|adc|sbc|cpx|cpy|cmp|eor|ora|jsr|bcc|bcs|bne|beq|bpl|bmi)\s+(?:#[$%\w<>]|\$[0-9a-f]|\([$\w]+\)|[a-z_]\w*\s*$|[a-z_]\w*,[xy]\s*$)|(?:tax|txa|tay|tya|inx|iny|dex|dey|pha|pla|php|plp|rts|clc|sec|sei)\s*(?:;|$)|(?:ld|ldir|ex|djnz|jr|jp|exx)\s+(?:a|b|c|d|e|h|l|hl|de|bc|ix|iy|af|n?z|n?c|\(hl\))\s*,)`,
    ),
  ],
];

/** Folders named for a machine; they speak for it, but do not decide. */
const machineFolders: readonly (readonly [Foreign, RegExp])[] = [
  ["Arm", /\/(?:arm|arm64|armv\d\w*|aarch64)\//],
  ["RISC-V", /\/riscv(?:32|64)?\//],
  ["MIPS", /\/mips\w*\//],
  ["PowerPC", /\/(?:powerpc|ppc)(?:64)?(?:le)?\//],
  ["SPARC", /\/sparc(?:64)?\//],
  ["s390", /\/s390x?\//],
  ["LoongArch", /\/loongarch(?:64)?\//],
  ["68000", /\/m68k\//],
  ["Alpha", /\/alpha\//],
  ["PA-RISC", /\/parisc\//],
  ["SuperH", /\/sh[34]?\//],
];

/**
 * @param languageId as the editor has it; null for files that are only read
 * @returns null for what is neither assembly nor a linker script, which only files that are read can be
 */
export function tell(uri: string, languageId: string | null, text: string): Told | null {
  const name = uri.slice(uri.lastIndexOf("/") + 1);
  if (languageId === "linkerscript" || /\.(?:ld|lds|lds\.S|ld\.S|lds\.in|ld\.in)$/i.test(name)) {
    return { language: "linkerscript", foreign: null };
  }
  const lines = text.slice(0, linesRead * 100).split(/\r\n|\n|\r/, linesRead);
  if (languageId === null && /\.x$/i.test(name)) {
    return lines.some((part) => linkerWords.test(part)) ? { language: "linkerscript", foreign: null } : null;
  }
  const points = weigh(lines, uri);
  const language = assemblerOf(points, name, languageId);
  return language && { language, foreign: foreignOf(points, language) };
}

function weigh(lines: readonly string[], uri: string): ReadonlyMap<Kind, number> {
  const points = new Map<Kind, number>();
  for (const text of lines) {
    const code = /^\s*(?:;|#\s|\/\/|\/?\*)/.test(text) ? "" : text;
    if (code.trim() !== "") {
      const spoken = new Set(evidence.filter(([, pattern]) => pattern.test(code)).map(([kind]) => kind));
      for (const kind of spoken) {
        points.set(kind, (points.get(kind) ?? 0) + 1);
      }
    }
  }
  for (const [kind, folder] of machineFolders) {
    if (folder.test(uri)) {
      points.set(kind, (points.get(kind) ?? 0) + certain - 1);
    }
  }
  return points;
}

function assemblerOf(
  points: ReadonlyMap<Kind, number>,
  name: string,
  languageId: string | null,
): Language | null {
  const of = (kind: Kind): number => points.get(kind) ?? 0;
  const nasm = Math.max(of("nasm") + of("data"), of("MASM"), of("fasm"));
  const gas = of("gas");
  if (gas >= certain && gas > 2 * nasm) {
    return "gas";
  }
  if (nasm >= certain && nasm > 2 * gas) {
    return "nasm";
  }
  if (languageId === "gas" || languageId === "gnu-as" || /\.s$/i.test(name)) {
    return "gas";
  }
  if (languageId === "nasm" || /\.(?:asm|nasm)$/i.test(name)) {
    return "nasm";
  }
  if (languageId === null) {
    const plain = of("nasm") + of("data");
    return Math.max(gas, plain) < enough ? null : gas > plain ? "gas" : "nasm";
  }
  return gas > nasm ? "gas" : "nasm";
}

function foreignOf(points: ReadonlyMap<Kind, number>, language: Language): string | null {
  const of = (kind: Kind): number => points.get(kind) ?? 0;
  for (const dialect of ["MASM", "fasm"] as const) {
    if (language === "nasm" && of(dialect) >= certain && of(dialect) > of("nasm")) {
      return dialect;
    }
  }
  const machines = [...points]
    .filter(([kind]) => !ofX86.has(kind))
    .map(([machine, count]) => ({ machine, count }))
    .sort((a, b) => b.count - a.count);
  const [first, second] = machines;
  if (!first || first.count < certain || first.count <= 2 * of("x86")) {
    return null;
  }
  const isPlain = first.count > 1.5 * (second?.count ?? 0);
  return isPlain ? `${first.machine} assembly` : "assembly of another machine";
}
