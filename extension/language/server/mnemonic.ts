/**
 * Which words are instructions, prefixes and registers, in the spellings of GNU as (AT&T suffixes) and NASM.
 *
 * Invariant: a word that is no mnemonic here may be a macro; nothing is said of what exists in which mode.
 * Elsewhere: what instructions do and which operands they take (`knowledge/`).
 */
import { Mnemonic } from "iced-x86";

/** Conditions with all their names; the disassembler knows one of each. */
const conditions =
  "o no b c nae nb nc ae z e nz ne be na nbe a s ns p pe np po l nge nl ge le ng nle g".split(" ");

/** Spellings that only one of the assemblers has, and mnemonics the disassembler names by other words. */
const spellings =
  "sal movabs movsx movzx movsxd movsb movsbw movsbl movsbq movswl movswq movslq movzb movzbw movzbl movzbq movzwl movzwq movzlq cbtw cwtl cltq cwtd cltd cqto " +
  "ljmp lcall lret call jmp ret retn retf retfw retfq iret iretw iretd iretq sysexit sysret sysexitl sysexitq sysretl sysretq pushf popf pushfw popfw pusha popa pushaw popaw " +
  "pushad popad jcxz jecxz jrcxz loop loopz loopnz loope loopne xlat xlatb ins outs insb insw insl insd outsb outsw outsl outsd lods stos scas cmps movs " +
  "lodsl stosl scasl cmpsl movsl int int1 int3 into icebp ud0 ud1 ud2 ud2a ud2b fwait wait nop hlt enter leave aam aad " +
  "fldt fstpt fstsw fnstsw fstcw fnstcw fldcw fstenv fsave fclex finit fadd fsub fmul fdiv fild fistp fist fld fst fstp fxch fcom fcomp fcompp fucom fucomi fcomi faddp fmulp fsubp fsubrp fdivp fdivrp " +
  "lgdt lidt sgdt sidt lldt sldt ltr str lmsw smsw verr verw movd movq cmpxchg8b cmpxchg16b rdpkru wrpkru xstore rdfsbase wrfsbase rdgsbase wrgsbase " +
  "cmpeqps cmpltps cmpleps cmpunordps cmpneqps cmpnltps cmpnleps cmpordps cmpeqpd cmpltpd cmplepd cmpunordpd cmpneqpd cmpnltpd cmpnlepd cmpordpd " +
  "cmpeqss cmpltss cmpless cmpunordss cmpneqss cmpnltss cmpnless cmpordss cmpeqsd cmpltsd cmplesd cmpunordsd cmpneqsd cmpnltsd cmpnlesd cmpordsd " +
  "pclmullqlqdq pclmulhqlqdq pclmullqhqdq pclmulhqhqdq vpclmullqlqdq vpclmulhqlqdq vpclmullqhqdq vpclmulhqhqdq fsetpm salc loadall jmpe " +
  "cvtsi2sdl cvtsi2sdq cvtsi2ssl cvtsi2ssq vcvtsi2sdl vcvtsi2sdq vcvtsi2ssl vcvtsi2ssq";

const base: ReadonlySet<string> = new Set([
  ...Object.keys(Mnemonic)
    .filter((name) => !/^\d|INVALID|^D[bwdq]$|Declare/i.test(name) || name === "Dbg")
    .map((name) => name.toLowerCase()),
  ...spellings.split(" "),
  ...conditions.flatMap((condition) => [`j${condition}`, `set${condition}`, `cmov${condition}`]),
]);

const withSuffix = /^(.+)[bwlqs]$/;
const withLongSuffix = /^(f.+)ll$/;

/** `movl`, `pushq`, `fildll`: AT&T's suffix may stand behind any mnemonic, NASM has none. */
export function isMnemonic(word: string, language: "gas" | "nasm"): boolean {
  const lower = word.toLowerCase();
  if (base.has(lower)) {
    return true;
  }
  return (
    language === "gas" &&
    [withSuffix, withLongSuffix].some((pattern) => base.has(pattern.exec(lower)?.[1] ?? ""))
  );
}

const branch = /^(?:j[a-z]+|l?call[wlq]?|loop[a-z]*|xbegin)$/;

/** Its bare operand is where it goes, not memory. */
export function isBranch(mnemonic: string): boolean {
  return branch.test(mnemonic.toLowerCase());
}

const prefixes: ReadonlySet<string> = new Set(
  "rep repe repz repne repnz lock data16 data32 addr16 addr32 data16 o16 o32 o64 a16 a32 a64 bnd notrack xacquire xrelease rex rex64 rex.w wait nobnd cs ds es fs gs ss".split(
    " ",
  ),
);

/** A prefix written as a word; what follows it must be another or a mnemonic. */
export function isPrefix(word: string): boolean {
  return prefixes.has(word.toLowerCase());
}

const registers: ReadonlySet<string> = new Set([
  ..."a b c d".split(" ").flatMap((r) => [`${r}l`, `${r}h`, `${r}x`, `e${r}x`, `r${r}x`]),
  ..."si di bp sp".split(" ").flatMap((r) => [r, `${r}l`, `e${r}`, `r${r}`]),
  ..."ip eip rip eiz riz cs ds es fs gs ss st".split(" "),
  ...numbered(16, (n) => [`cr${n}`, `dr${n}`, `db${n}`]),
  ...numbered(8, (n) => [`mm${n}`, `k${n}`, `tr${n}`, `st${n}`, `st(${n})`, `bnd${n}`, `tmm${n}`]),
  ...numbered(32, (n) => [`xmm${n}`, `ymm${n}`, `zmm${n}`]),
  ...numbered(16, (n) => [`r${n}`, `r${n}d`, `r${n}w`, `r${n}b`, `r${n}l`]).slice(8 * 5),
]);

function numbered(count: number, names: (n: number) => readonly string[]): readonly string[] {
  return Array.from({ length: count }, (_, n) => names(n)).flat();
}

/** Without "%", in any case. */
export function isRegister(word: string): boolean {
  return registers.has(word.toLowerCase());
}
