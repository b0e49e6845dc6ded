/**
 * What the static analysis of the stack says: of one function of the running program, and of whole files (`redzone analyse --json`, the editor's problems and lenses).
 */

/** An instruction that reads or stores below RSP. */
export interface RedZoneAccessBody {
  /** "0x…" */
  readonly address: string;
  /** First byte, from RSP, negative. */
  readonly from: number;
  readonly sizeBytes: number;
  readonly reads: boolean;
  readonly writes: boolean;
  /** False: somewhere from there on, as of an array that is indexed. */
  readonly isExact: boolean;
  /** Source line; null if not known. */
  readonly line: number | null;
}

/** How a function uses the stack. */
export interface FunctionStackBody {
  /** As a person writes it: `net::Socket::open`. */
  readonly name: string;
  readonly linkageName: string;
  /** "0x…" */
  readonly address: string;
  /** Bytes below RSP in use, from RSP to the lowest; 0: none. */
  readonly redZoneBytes: number;
  /** Bytes of stack at most, with the return address and without what it calls. */
  readonly frameBytes: number;
  /** The frame's size is only known at run time; `frameBytes` is the part that is known. */
  readonly isDynamic: boolean;
  readonly isLeaf: boolean;
  /** False: a part of the function could not be followed, so what was not found may be there. */
  readonly isComplete: boolean;
  readonly accesses: readonly RedZoneAccessBody[];
  /** Its own pushes and calls over bytes that it reads again, by address "0x…". */
  readonly overwrites: readonly { readonly address: string; readonly kind: "push" | "call" }[];
}

/** The same in a file, with where it comes from. */
export interface FileFunctionBody extends FunctionStackBody {
  /** Source as the compiler recorded it; null without line information, or where it was not looked for (of large files, functions without a red zone). */
  readonly file: string | null;
  /** That file on this machine, if it was found. */
  readonly path: string | null;
  readonly line: number | null;
  /** The archive's member: "libgcc.a(_udivmodti4.o)" or, of an archive that is analysed itself, "_udivmodti4.o". Null if it is in none, or nobody knows. */
  readonly member: string | null;
  /** A label of assembly, which nobody declared to be a function. */
  readonly isLabel: boolean;
}

/** A compilation unit with code for 64-bit mode. */
export interface UnitBody {
  readonly name: string;
  /** That file on this machine, if it was found. */
  readonly path: string | null;
  readonly producer: string;
  /** Whether the compiler was allowed to use the red zone: by the switches it recorded, or because it did; else "unknown". */
  readonly redZone: "yes" | "no" | "unknown";
}

/** What was found in one file. */
export interface FileAnalysisBody {
  readonly file: string;
  readonly kind: "kernel" | "object" | "archive";
  readonly functionCount: number;
  /** Of those, how many could not be followed to the end. */
  readonly incompleteCount: number;
  readonly functions: readonly FileFunctionBody[];
  readonly units: readonly UnitBody[];
  /** What could not be read, in sentences. */
  readonly problems: readonly string[];
}

/** Request `redzone/analysisFunction`: the function that an address belongs to, as its code is in memory now. */
export interface AnalysisFunctionArguments {
  /** Linear, "0x…". */
  readonly address: string;
}

export interface AnalysisFunctionBody extends FunctionStackBody {
  /** Bytes below RSP that may be read again, before the instruction at the address: offsets from RSP. Null if not known. */
  readonly live: readonly { readonly from: number; readonly to: number }[] | null;
  /** Bytes from RSP up to the return address there; null if not fixed. */
  readonly depthBytes: number | null;
}

export interface AnalysisRequests {
  /** Null where no function is known. */
  "redzone/analysisFunction": {
    readonly arguments: AnalysisFunctionArguments;
    readonly body: AnalysisFunctionBody | null;
  };
}
