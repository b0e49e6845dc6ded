/**
 * What the options of a GCC or Clang command say of the code it makes: for x86-64 or not, for a kernel or not, with a red zone, with SSE.
 *
 * Invariant: only what the command itself says. A compiler that is not known, a file of options that is not read, an architecture that is the machine's own:
 * null, or `isOpaque`.
 * Manual: "Using the GNU Compiler Collection", x86 Options; "Clang command line argument reference".
 */
import { programName, withoutWrapper, type CompileCommand, type Word } from "./build-command.ts";

export interface Options {
  /** The words that say it is freestanding code for x86-64, the one that says most. */
  readonly kernelModel: Word | null;
  readonly freestanding: Word | null;
  readonly isX8664: boolean;
  readonly hasRedZone: boolean;
  readonly hasSse: boolean;
  /** What is left of it stands in files that are not read: `@file`, `-specs=`, `--config`. */
  readonly isOpaque: boolean;
}

/** gcc, x86_64-elf-gcc-13, clang++-18, cc; not clang-cl, which has other options. */
const COMPILER =
  /^(?:(?<triple>[\w.]+(?:-[\w.]+)*)-)?(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+)(?:-\d[\w.]*)?(?:\.exe)?$/;
const C_FILE = /\.(?:c|cc|cp|cpp|cxx|c\+\+|C|CPP)$/;
/** Options whose value is the next word, among those that could otherwise be taken for something else. */
const TAKES_NEXT = new Set([
  "-o",
  "-I",
  "-D",
  "-U",
  "-MF",
  "-MT",
  "-MQ",
  "-include",
  "-imacros",
  "-isystem",
  "-iquote",
  "-idirafter",
  "-Xlinker",
  "-Xassembler",
  "-Xpreprocessor",
  "-mllvm",
  "--param",
]);

/** Null where the command compiles no C or C++, or with a compiler that is not known. */
export function optionsOf(command: CompileCommand): Options | null {
  const words = withoutWrapper(command.words);
  const compiler = COMPILER.exec(programName(words[0]?.text ?? ""));
  if (!compiler || !C_FILE.test(command.file)) {
    return null;
  }
  const state = {
    triple: compiler.groups?.["triple"] ?? "",
    width: 0,
    kernelModel: null as Word | null,
    freestanding: null as Word | null,
    hasRedZone: true,
    hasSse: true,
    isOpaque: false,
    isMicrosoft: false,
    isX86: false,
    isOther: false,
  };
  for (let index = 1; index < words.length; index += 1) {
    const word = words[index];
    const text = word?.text ?? "";
    const next = words[index + 1]?.text ?? "";
    if (!word) {
      break;
    }
    if (text === "-target" || text === "--target") {
      state.triple = next;
      index += 1;
    } else if (text.startsWith("--target=")) {
      state.triple = text.slice("--target=".length);
    } else if (text === "-Xclang") {
      state.hasRedZone &&= next !== "-disable-red-zone";
      index += 1;
    } else if (text === "-x") {
      state.isOther = next !== "c" && next !== "c++";
      index += 1;
    } else if (TAKES_NEXT.has(text)) {
      index += 1;
    } else if (text.startsWith("-mcmodel=")) {
      state.kernelModel = text === "-mcmodel=kernel" ? word : null;
    } else if (/^-march=x86-64(?:-v\d)?$/.test(text)) {
      state.isX86 = true;
    } else if (text.startsWith("-mcpu=")) {
      // Not for x86; PowerPC and SPARC know -m64, too.
      state.isOther = true;
    } else if (text.startsWith("@") || /^-{1,2}(?:specs|config)(?:=|$)/.test(text)) {
      state.isOpaque = true;
    } else {
      readFlag(state, text, word);
    }
  }
  if (state.isOther) {
    return null;
  }
  const isOtherWidth = state.width !== 0 && state.width !== 64;
  // Windows and UEFI have a calling convention without red zone.
  const isMicrosoft = state.isMicrosoft || /windows|win32|mingw|cygwin|msvc|uefi/.test(state.triple);
  const isNamed = /^(?:x86_64|amd64)/.test(state.triple);
  const isOther = state.triple !== "" && !isNamed && !/^(?:i\d86|x86)-/.test(state.triple);
  return {
    kernelModel: state.kernelModel,
    freestanding: state.freestanding,
    isX8664:
      !isOtherWidth &&
      !isOther &&
      (isNamed || state.width === 64 || state.kernelModel !== null || state.isX86) &&
      !state.triple.endsWith("gnux32"),
    hasRedZone: state.hasRedZone && !isMicrosoft,
    hasSse: state.hasSse,
    isOpaque: state.isOpaque,
  };
}

interface Flags {
  width: number;
  freestanding: Word | null;
  hasRedZone: boolean;
  hasSse: boolean;
  isMicrosoft: boolean;
}

/** Of two that say the opposite the later wins. */
function readFlag(state: Flags, text: string, word: Word): void {
  switch (text) {
    case "-m16":
    case "-m32":
    case "-m64":
      state.width = Number(text.slice(2));
      break;
    case "-mx32":
    case "-miamcu":
      state.width = 32;
      break;
    case "-ffreestanding":
    case "-fno-hosted":
      state.freestanding = word;
      break;
    case "-fhosted":
    case "-fno-freestanding":
      state.freestanding = null;
      break;
    case "-mred-zone":
      state.hasRedZone = true;
      break;
    case "-mno-red-zone":
    case "-mkernel":
    case "-fapple-kext":
      state.hasRedZone = false;
      break;
    case "-mabi=ms":
      state.isMicrosoft = true;
      break;
    case "-mabi=sysv":
      state.isMicrosoft = false;
      break;
    case "-mno-sse":
    case "-mgeneral-regs-only":
    case "-msoft-float":
      state.hasSse = false;
      break;
    case "-msse":
    case "-msse2":
    case "-mavx":
      state.hasSse = true;
      break;
    default:
  }
}
