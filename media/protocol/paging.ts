/**
 * Page tables: requests `redzone/pageTables…` of the Page Tables panel. Types only.
 *
 * Everything is about one set of tables: those of a CPU (`cpu`, absent: the one looked at), or those under any CR3 (`root`), read as `mode` says (absent: as
 * the CPU's own mode reads them). All of it works while the machine runs, too, and then shows the tables as they were between two slices.
 * Linear addresses are canonical: "0xffffffff80000000". Numbers of bytes and of pages are exact numbers where they fit a double, else strings "0x…".
 */
/** "0x…", lower case, no leading zeros. */
export type Hex = `0x${string}`;

export type TableMode = "32-bit paging" | "PAE" | "4-level" | "5-level";
export type TableLevel = "PML5E" | "PML4E" | "PDPTE" | "PDE" | "PTE";

/** Which tables a request is about. */
export interface PageTablesArguments {
  readonly cpu?: number;
  /** Physical address of the root table (a CR3: bits that are no address are ignored). */
  readonly root?: Hex;
  readonly mode?: TableMode;
}

/** Pages by size. */
export interface PageCount {
  /** 4096, 2097152, 4194304 or 1073741824 */
  readonly bytes: number;
  readonly count: number;
}

/** What a control register says about paging. */
export interface PagingControl {
  /** "CR0.WP", "EFER.NXE", "CR4.SMEP", "CR4.SMAP", "CR4.PGE", "CR4.PCIDE", "CR4.PSE", "CR4.PKE", "RFLAGS.AC" */
  readonly name: string;
  readonly set: boolean;
  /** What that means, in a sentence. */
  readonly means: string;
}

/** A set of tables worth looking at. */
export interface PageTablesRoot {
  readonly root: Hex;
  readonly mode: TableMode;
  /** "CPU 0", "CPU 1", "swapper_pg_dir", "user half (KPTI) of CPU 0" */
  readonly label: string;
  readonly cpu: number | null;
}

/** A stretch of the linear address space with a name: one of Linux's documented regions, the user half, the hole. Backdrop of the picture. */
export interface LinearRegion {
  readonly start: Hex;
  /** Last byte. */
  readonly last: Hex;
  readonly name: string;
  /** Nothing can be mapped: the non-canonical hole. */
  readonly hole: boolean;
}

/** Response of `redzone/pageTables`: what there is, before anything is opened. */
export interface PageTablesBody {
  readonly cpu: number;
  /** Null: paging is off and no root was given; then only `controls` and `roots` say something. */
  readonly mode: TableMode | null;
  readonly cr3: Hex;
  /** Physical address of the root table. */
  readonly root: Hex;
  /** From the root down. */
  readonly levels: readonly TableLevel[];
  /** Width of a linear address: 32, 48, 57. */
  readonly linearBits: number;
  readonly controls: readonly PagingControl[];
  readonly roots: readonly PageTablesRoot[];
  readonly regions: readonly LinearRegion[];
  /** Tables that can be reached, each counted once. */
  readonly tables: number;
  /** Leaf entries that are present, counted as often as they are mapped. */
  readonly pages: readonly PageCount[];
  /** Bytes of linear addresses that are mapped. */
  readonly mappedBytes: number;
  /** Entries that are malformed. */
  readonly malformed: number;
  /** Entries that are different since the last stop; those where only accessed and dirty bits are, are not counted. */
  readonly changes: number;
  /** Tells this state of these tables from another: equal numbers, equal answers. */
  readonly version: number;
}

/** Who may do what at an address, after all levels and with the control registers as they are. */
export interface EffectiveRights {
  /** CPL 3: letters of "rwx" and "-": "r-x". "---": not at all. */
  readonly user: string;
  /** CPL 0 … 2, RFLAGS.AC as it is now. */
  readonly supervisor: string;
}

export type EntryNoteKind =
  /** Points to a table above it. */
  | "recursive"
  /** Other entries point to the same table. */
  | "shared"
  /** Linear and physical address are the same. */
  | "identity"
  /** Malformed: a reserved bit is set; an access is a page fault with RSVD. */
  | "reserved"
  /** Malformed: an address that the processor does not have (above its physical address bits), or a CR3 with such. */
  | "too-wide"
  /** Malformed: a table where no memory is. */
  | "outside-ram"
  /** The page is a device, or nothing answers there. No fault. */
  | "device"
  | "hole"
  /** Bit 7 is set where this processor or CR4 knows no large page. */
  | "large-not-allowed"
  /** A bit that is without effect here, and why. */
  | "ignored"
  /** The entry of a level above takes a right away. */
  | "restricted"
  | "changed";

export interface EntryNote {
  readonly kind: EntryNoteKind;
  readonly isError: boolean;
  /** A sentence. */
  readonly text: string;
}

/** The instruction that wrote an entry last, where that is known. */
export interface Writer {
  readonly rip: Hex;
  readonly symbol: string | null;
  readonly instant: number;
}

/** One entry, or `count` neighbours that say the same and go on in each other. */
export interface TableEntry {
  /** In its table. */
  readonly index: number;
  /** 1: a single entry. More: entries index … index + count − 1, folded. What follows is then the first one's. */
  readonly count: number;
  /** How the folded ones go on: each maps what follows the one before, or all map the same. */
  readonly fold: "contiguous" | "same" | null;
  readonly level: TableLevel;
  /** First linear address, and the last byte of all that is folded. */
  readonly linear: Hex;
  readonly last: Hex;
  /** Physical address of the (first) entry. */
  readonly address: Hex;
  readonly value: Hex;
  readonly present: boolean;
  /** Bits that are set, by the manual's names: "P", "R/W", "U/S", "PWT", "PCD", "A", "D", "PS", "PAT", "G", "XD", and "AVL 0x…" for bits that software owns. */
  readonly flags: readonly string[];
  /** The page, or the table. Null if not present. */
  readonly target: Hex | null;
  /** Bytes of the page that one entry maps; 0: it points to a table, whose entries can be asked for with `target`, the next level, and `linear`. */
  readonly pageBytes: number;
  /** Rights after this and all levels above. For a table: what is still possible below it. */
  readonly effective: EffectiveRights;
  /** Of what is below (a table), or of itself and what is folded: pages by size, each counted as often as it is mapped. */
  readonly pages: readonly PageCount[];
  /** For a table: where all below is one physical stretch with the same rights, its first address. */
  readonly contiguous: Hex | null;
  readonly notes: readonly EntryNote[];
  readonly changed: boolean;
  readonly writtenBy?: Writer;
}

/** Request `redzone/pageTablesEntries`: the entries of one table. */
export interface PageTablesEntriesArguments extends PageTablesArguments {
  /** First linear address of what the table maps; which table that is at `level` is found from the root. Absent: the root table. */
  readonly linear?: Hex;
  /** Level of the table's entries. Absent: the root's. */
  readonly level?: TableLevel;
  /** Only entries index … index + count − 1, unfolded: what opens a folded row. */
  readonly index?: number;
  readonly count?: number;
  /** Also entries that are not present. Absent: no. */
  readonly absent?: boolean;
}
export interface PageTablesEntriesBody {
  /** Physical address of the table. */
  readonly table: Hex;
  readonly level: TableLevel;
  readonly linear: Hex;
  readonly entries: readonly TableEntry[];
}

/** Names of filters; several must all hold. */
export type RangeFilter =
  "write+execute" | "user" | "user-writable" | "executable" | "writable" | "uncached" | "not-accessed" | "dirty" | "global" | "large" | "changed"; // oxfmt-ignore

/** Request `redzone/pageTablesRanges`: what is mapped, neighbours with the same rights merged. */
export interface PageTablesRangesArguments extends PageTablesArguments {
  readonly filters?: readonly RangeFilter[];
  /** Only ranges that touch these addresses. */
  readonly from?: Hex;
  readonly to?: Hex;
  /** Only ranges whose name has this in it, or that contain this address. */
  readonly search?: string;
  /** Rows to leave out, and rows wanted. Default 0 and 1000. */
  readonly offset?: number;
  readonly limit?: number;
}
export interface MappedRange {
  readonly start: Hex;
  /** Last byte (of the first, if repeated). */
  readonly last: Hex;
  /** As bytes of the first. */
  readonly bytes: number;
  /** 1, or how often the same is mapped again every `stride` bytes (0: once). Nested repetition is unfolded as far as it must. */
  readonly times: number;
  readonly stride: number;
  readonly effective: EffectiveRights;
  /** First physical address if the range is contiguous there. */
  readonly physical: Hex | null;
  /** All of it maps this one page again and again. */
  readonly samePage: boolean;
  readonly pages: readonly PageCount[];
  /** Bits of the leaf entries: set in all, or in some only. "A", "D", "G", "PCD", "PWT". */
  readonly all: readonly string[];
  readonly some: readonly string[];
  /** What it is: a Linux region, an ELF segment, "identity map", "recursive mapping". */
  readonly name: string | null;
  /** Images and symbols that lie in it, the first few. */
  readonly holds: readonly string[];
  readonly changed: boolean;
}
export interface PageTablesRangesBody {
  readonly ranges: readonly MappedRange[];
  /** Rows altogether, with this filter. */
  readonly total: number;
  /** Bytes of linear addresses in all of them, repetitions counted. */
  readonly bytes: number;
  readonly version: number;
}

export type AccessKind = "read" | "write" | "execute";

/** Request `redzone/pageTablesTranslate`: one linear address, every step. */
export interface PageTablesTranslateArguments extends PageTablesArguments {
  /** A number, or any expression of the Debug Console ("kernel_main", "$rsp"). */
  readonly address: string;
}
export interface TranslateStep {
  readonly level: TableLevel;
  /** Physical address of the table, and the index that the linear address has in it. */
  readonly table: Hex;
  readonly index: number;
  /** Bits of the linear address that are the index: "47:39". */
  readonly bits: string;
  readonly entry: Hex;
  readonly value: Hex;
  readonly present: boolean;
  readonly flags: readonly string[];
  readonly target: Hex | null;
  readonly pageBytes: number;
  /** Rights added up so far. */
  readonly effective: EffectiveRights;
  readonly notes: readonly EntryNote[];
  readonly writtenBy?: Writer;
}
/** Whether an access is allowed, and if not which level and which bit forbid it. */
export interface AccessVerdict {
  readonly access: AccessKind;
  readonly by: "user" | "supervisor";
  readonly allowed: boolean;
  /** The page fault's error code; null if allowed. */
  readonly errorCode: number | null;
  /** The level that decides, and the bit by its name; null if allowed or decided by no entry. */
  readonly level: TableLevel | null;
  readonly bit: string | null;
  /** A sentence or two that a student understands. */
  readonly why: string;
  /** The cause alone, without who accesses and the error code: verdicts with the same cause have the same text. Empty if allowed. */
  readonly cause: string;
}
export interface PageTablesTranslateBody {
  readonly linear: Hex;
  readonly canonical: boolean;
  readonly mode: TableMode | null;
  readonly steps: readonly TranslateStep[];
  /** Null: the walk does not arrive. */
  readonly physical: Hex | null;
  readonly pageBytes: number;
  /** The MemoryRegion that answers there, and the offset in it; null: nothing does. */
  readonly region: { readonly name: string; readonly type: string; readonly offset: Hex } | null;
  readonly block: { readonly idstr: string; readonly offset: Hex; readonly ramAddress: Hex } | null;
  /** Where the byte is in the emulator's own memory just now, an offset in its WebAssembly memory; null if it is in none. */
  readonly host: Hex | null;
  /** Up to 16 bytes there (base64); null if there is no memory. */
  readonly bytes: string | null;
  readonly verdicts: readonly AccessVerdict[];
  /** What the CPU's TLB holds for the page; null: nothing, or the tables are not the CPU's. */
  readonly tlb: {
    readonly physical: Hex;
    readonly effective: EffectiveRights;
    readonly stale: boolean;
  } | null;
  /** Symbol there, Linux region. */
  readonly name: string | null;
  /** The whole in a few lines, as the Debug Console's `page` prints it. */
  readonly text: string;
}

/** Request `redzone/pageTablesReverse`: all linear addresses that map a physical one. */
export interface PageTablesReverseArguments extends PageTablesArguments {
  /** A number or an expression. */
  readonly address: string;
  /** Default 1000. */
  readonly limit?: number;
}
export interface PageTablesReverseBody {
  readonly physical: Hex;
  readonly mappings: readonly {
    readonly linear: Hex;
    readonly level: TableLevel;
    readonly pageBytes: number;
    readonly entry: Hex;
    readonly effective: EffectiveRights;
    readonly name: string | null;
  }[];
  /** Also those beyond the limit. */
  readonly total: number;
}

/** Request `redzone/pageTablesChanges`: entries that are different since the last stop. */
export interface PageTablesChangesArguments extends PageTablesArguments {
  /** Also where only accessed and dirty bits are different. Absent: no. */
  readonly accessed?: boolean;
  readonly offset?: number;
  readonly limit?: number;
}
export interface TableChange {
  readonly kind: "added" | "removed" | "changed" | "accessed";
  readonly level: TableLevel;
  /** Physical address of the entry. */
  readonly address: Hex;
  /** What it maps, as far as the tables reach it (one place of several). */
  readonly linear: Hex;
  readonly last: Hex;
  readonly before: { readonly value: Hex; readonly flags: readonly string[]; readonly target: Hex | null };
  readonly after: { readonly value: Hex; readonly flags: readonly string[]; readonly target: Hex | null };
  /** Bits that differ, by name, and "address". */
  readonly differs: readonly string[];
  /** A sentence: "now read-only", "now points to 0x…". */
  readonly text: string;
  readonly writtenBy?: Writer;
}
export interface PageTablesChangesBody {
  readonly changes: readonly TableChange[];
  readonly total: number;
  /** Instant of the stop that is compared with; null: this is the first. */
  readonly since: number | null;
}

/** For `CustomRequests`. */
export interface PagingRequests {
  "redzone/pageTables": { readonly arguments: PageTablesArguments; readonly body: PageTablesBody };
  "redzone/pageTablesEntries": {
    readonly arguments: PageTablesEntriesArguments;
    readonly body: PageTablesEntriesBody;
  };
  "redzone/pageTablesRanges": {
    readonly arguments: PageTablesRangesArguments;
    readonly body: PageTablesRangesBody;
  };
  "redzone/pageTablesTranslate": {
    readonly arguments: PageTablesTranslateArguments;
    readonly body: PageTablesTranslateBody;
  };
  "redzone/pageTablesReverse": {
    readonly arguments: PageTablesReverseArguments;
    readonly body: PageTablesReverseBody;
  };
  "redzone/pageTablesChanges": {
    readonly arguments: PageTablesChangesArguments;
    readonly body: PageTablesChangesBody;
  };
}
