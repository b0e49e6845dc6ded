/**
 * The map of the emulator's linear memory, and the CPU state in it. Emitted code addresses both by constants.
 *
 * Invariant: whatever a guest can observe of its processor lies in [0, STATE_BYTES); everything behind it up to FRAMES is a cache or
 * scratch that can be rebuilt. Frames of guest memory follow (`memory/frames.ts`).
 *
 *     0x000000  CPU state (below)                            0x001000  run block: how emitted code and TypeScript talk
 *     0x002000  scratch: bytes of an access that is not plain RAM      0x010000  data TLB, 2048 × 64 bytes
 *     0x030000  instruction TLB, 512 × 32 bytes              0x034000  which TLB entries are filled or opened
 *     0x038000  granules with code, 4096 × 8 bytes           0x040000  where regions were left to, 256 × 16 bytes
 *     0x080000  page cache of the MMU, 65536 × 8 bytes       0x100000  trace index, 131072 × 4 bytes
 *     0x180000  trace pool                                   0x2000000 frames
 */

/** Offsets of the CPU state, in bytes. All values little-endian; `u64` unless noted. A change bumps STATE_VERSION. */
export const STATE = {
  /** gpr[16] in encoding order (rax rcx rdx rbx rsp rbp rsi rdi r8 … r15): a register's number is its offset / 8. */
  gpr: 0x000,
  /** Offset of the next instruction in its code segment; at an exit, of the instruction that has not retired. */
  rip: 0x080,
  /** Lazy flags, after Bochs. Result, sign-extended from the operand width; ZF, SF and PF are read from it. */
  lazyResult: 0x088,
  /** u32: bit 31 CF, bit 30 CF^OF, bits 15:8 parity delta byte, bit 3 AF, bit 0 sign delta. See `semantics/flags.ts`. */
  lazyAux: 0x090,
  /** u32: RFLAGS without CF PF AF ZF SF OF (those six bits are 0 here; bit 1 is 1). */
  eflags: 0x094,
  /** u32: the processor mode, derived; see MODE. */
  mode: 0x098,
  /** u32: current privilege level 0 … 3. */
  cpl: 0x09c,
  /** segment[8] of SEGMENT_BYTES: es cs ss ds fs gs ldtr tr. */
  segments: 0x0a0,
  /** base u64, limit u32 */
  gdtr: 0x1a0,
  idtr: 0x1b0,
  cr0: 0x1c0,
  cr2: 0x1c8,
  cr3: 0x1d0,
  cr4: 0x1d8,
  cr8: 0x1e0,
  xcr0: 0x1e8,
  /** dr[8]; dr4 and dr5 unused */
  dr: 0x1f0,
  efer: 0x230,
  star: 0x238,
  lstar: 0x240,
  cstar: 0x248,
  fmask: 0x250,
  kernelGsBase: 0x258,
  sysenterCs: 0x260,
  sysenterEsp: 0x268,
  sysenterEip: 0x270,
  pat: 0x278,
  apicBase: 0x280,
  /** Added to virtual time to give the time-stamp counter. */
  tscOffset: 0x288,
  tscAux: 0x290,
  miscEnable: 0x298,
  /** u32: bit 0 blocks interrupts until after the next instruction (STI), bit 1 also debug traps (MOV SS, POP SS). */
  shadow: 0x2a0,
  /** u32: 0 running, 1 halted by HLT, 2 shut down, 3 waiting for SIPI. */
  activity: 0x2a4,
  /** u32: NMIs are blocked until the next IRET. */
  nmiBlocked: 0x2a8,
  /** u32: PAE directory pointers are loaded from `pdpte`. */
  pdptePresent: 0x2ac,
  /** pdpte[4]: loaded by MOV CR3 in PAE mode and checked then. */
  pdpte: 0x2b0,
  /** MTRRs and other MSRs that only remember: 64 × u64, see `system/msr.ts`. */
  msr: 0x2d0,
  /** x87: control u16, status u16, tag u16 (full 16-bit form), opcode u16, ip u64, dp u64, cs u16, ds u16. */
  fpu: 0x4d0,
  /** st[8] by physical register number, 16 bytes each: significand u64, sign and exponent u16, zero. */
  fpuRegisters: 0x500,
  /** u32 */
  mxcsr: 0x580,
  /** xmm[16], 16 bytes each; the upper halves of ymm would follow. */
  xmm: 0x590,
  /** u32: bits for DR6 of a #DB that is due before the next instruction (single step, data and I/O breakpoints, task switch). */
  pendingDebug: 0x690,
  end: 0x694,
} as const;
/** Where a general register is that a meaning names: at width 8, numbers 4 … 7 are AH … BH. */
export const gprOffset = (number: number, width: number): number =>
  width === 8 && number >= 4 ? STATE.gpr + (number - 4) * 8 + 1 : STATE.gpr + number * 8;
export const STATE_BYTES = 0x700;
export const STATE_VERSION = 2;

/** One segment register with its hidden part. */
export const SEGMENT = {
  /** u32, the visible 16 bits */
  selector: 0,
  /** u32, in the layout of a descriptor's bytes 5 and 6: bits 3:0 type, 4 S, 6:5 DPL, 7 P, 12 AVL, 13 L, 14 D/B, 15 G; bit 16: unusable (null). */
  attributes: 4,
  base: 8,
  /** u32, in bytes, granularity applied */
  limit: 16,
} as const;
export const SEGMENT_BYTES = 32;
/** Numbers of the segment registers as ModRM and prefixes encode them; LDTR and TR follow. */
export const SEG = { es: 0, cs: 1, ss: 2, ds: 3, fs: 4, gs: 5, ldtr: 6, tr: 7 } as const;
export type SegmentNumber = (typeof SEG)[keyof typeof SEG];

/**
 * Bits of STATE.mode: everything that decoding and address formation depend on, so that it can be part of a trace's key.
 * It is recomputed (`Cpu.updateMode`) whenever CR0, EFER, CS, SS, DS, ES, CPL or RFLAGS.VM change.
 */
export const MODE = {
  /** bits 1:0: default operand and address size of code: 0 = 16, 1 = 32, 2 = 64 bits */
  codeSize: 0x3,
  /** DS, ES and SS have base 0, limit 4 GiB and are writable: data addresses need no segmentation. Always set in 64-bit mode. */
  flat: 0x4,
  /** CPL is 3 */
  user: 0x8,
  /** SS.B: pushes use ESP (meaningless in 64-bit mode) */
  stack32: 0x10,
  /** CR0.PE */
  protected: 0x20,
  /** RFLAGS.VM */
  virtual8086: 0x40,
  /** EFER.LMA: long mode, 64-bit or compatibility */
  long: 0x80,
} as const;

/** The run block: everything here is scratch between two instructions. */
export const RUN = {
  /** i32: instructions that may still start in this run; a trace charges its length on entry. */
  budget: 0x1000,
  /** u32: address of the trace being executed, and of the record that faulted, called out or stopped. */
  trace: 0x1004,
  record: 0x1008,
  /** u32: why the run ended, EXIT */
  exit: 0x100c,
  /** u64: linear address of an access that missed the TLB */
  address: 0x1010,
  /** u64: the effective address (offset in its segment) of a record's memory operand, for call-outs */
  effective: 0x1018,
  /** u32: vector, error code (−1: none) of a fault raised by emitted code */
  faultVector: 0x1020,
  faultCode: 0x1024,
  /** u64 page of linear addresses that is being executed (−1: none) and u32,u32 low and high half of its guest-physical page number */
  codePage: 0x1028,
  codeFrame: 0x1030,
  /** u32: offset of the TLB tags to use for data at this privilege: TLB.readSystem or TLB.readUser */
  dataTags: 0x1038,
  /** u32: the same for instruction fetches */
  codeTags: 0x103c,
  /** u64: address the pushed/popped value goes to, temporaries of multi-step semantics */
  temporary: 0x1040,
  /** u32: a store went to scratch and must be handed to the bus by `commit`: size in bytes, or 0 */
  commit: 0x1050,
  /** u64: linear address `rip + csBase` is masked with: 0xffffffff outside 64-bit mode, all ones in it */
  linearMask: 0x1058,
  /** u64: greatest value rip may have in the current code segment: its limit, or all ones in 64-bit mode */
  codeLimit: 0x1060,
  /** u64: always 0; records name it as the base or index that is not there */
  zero: 0x1068,
  /** u64: rip of the trace being executed; RIP-relative operands use it as their base */
  traceRip: 0x1070,
  /** u64: always FAR_REACH; the index of RIP-relative operands whose displacement, relative to the start of the trace, needs more than 32 bits */
  farReach: 0x10f0,
  /** u32: address of the link slot of a record that waits to be told the trace it leads to, or 0 */
  link: 0x1078,
  /** u32: not 0 while INTR is up or an NMI is pending: an instruction that opens the door to interrupts must leave then. Kept by `Core`. */
  interrupt: 0x107c,
  /** u64: virtual time in nanoseconds at which the budget under way will be used up */
  clock: 0x1080,
  /** u32: nanoseconds per instant */
  pace: 0x1088,
  /** u32: 1 if there is no other CPU that PAUSE could wait for */
  alone: 0x108c,
  /** u32: 1 if the processor has CMPXCHG16B */
  wideExchange: 0x10b8,
  /** u32: WATCH bits of what somebody wants to hear of and emitted code could cause by itself: it leaves such instructions to TypeScript. Kept by `Core` */
  watched: 0x10bc,
  /**
   * u64 each: bit n is set if some page with number n modulo 64, linear or guest-physical, is watched or holds a data breakpoint: the MMU asks before it
   * writes tags. Kept by `system/tlb.ts`.
   */
  watchedLinear: 0x1090,
  watchedPhysical: 0x1098,
  /** u32: 1 while accesses at CPL 3 are checked for alignment: user pages have no tags then. Kept by `Core`. */
  alignment: 0x10a0,
  /** u32: not 0 if some user page has supervisor tags because EFLAGS.AC is set under SMAP */
  opened: 0x10a4,
  /** u32: bit n is set if a TLB may have some piece of a large page in a GiB (linear address >> 30) with number n modulo 32 */
  largePages: 0x10a8,
  /** u32: not 0 if some data tag may be set */
  tagged: 0x10ac,
  /** u32, u32: a walk's leaf: host address of the entry, and the accessed and dirty bits it lacks */
  leaf: 0x10b0,
  leafBits: 0x10b4,
  /** u32 counts of what the MMU did: tags written without a walk, data walks, code walks, and refusals that went on to TypeScript */
  countTags: 0x10c0,
  countWalks: 0x10c4,
  countCodeWalks: 0x10c8,
  countRefusals: 0x10cc,
  /** u64: instants that translated regions have run; u32, u32: how often one was entered, and left for the interpreter to go on */
  translated: 0x10d0,
  entered: 0x10d8,
  leftOver: 0x10dc,
  /** u32: where in INDIRECT_LOG the next entry goes, in bytes from its base */
  indirect: 0x10e8,
  /** u64: bit n is set if some linear page with number n modulo 64 has breakpoints: TypeScript translates fetches from it. Kept by `cpu.ts`. */
  breakpoints: 0x10e0,
  /**
   * u32: PAGE_CACHE.table bits of the levels at which tables have to be known before a walk in emitted code goes through them; 0 while nobody watches tables.
   * Kept by `machine/table-watch.ts`.
   */
  tableLevels: 0x10ec,
  /** u32: guest-physical page of an access that is allowed, but has no frame that emitted code knows; 0: it was left to TypeScript for something else */
  frameless: 0x10f8,
  /** u32: not 0 while somebody wants to hear of accesses to devices. Kept by `Core`. */
  watchedDevices: 0x10fc,
  /** u32: accesses to open registers */
  countOpen: 0x1100,
  end: 0x1110,
} as const;

/** Registers of one device that guests reach without asking it, all of 64 bits: shared by all CPUs. See `mmu/open-registers.ts`. */
export const OPEN_REGISTERS = {
  /** u32: guest-physical page that they begin with, or `nowhere` */
  page: 0x1110,
  /** u32: nanoseconds of virtual time in which counters go on by one */
  period: 0x1114,
  /** u8 for each of `count` registers, REACH, and u64 for each */
  reach: 0x1118,
  values: 0x1200,
  count: 128,
  registerBytes: 8,
  end: 0x1600,
  nowhere: 0xffffffff,
} as const;
/** Numbers of `Reach`. */
export const REACH = { device: 0, memory: 1, counter: 2 } as const;

/** More than a trace has bytes. */
export const FAR_REACH = 0x2000;

export const SCRATCH = 0x2000;

/**
 * Data TLB: direct-mapped by linear page number. The tags are what emitted code compares: the linear page address if that kind of access
 * may go straight to the frame, else −1. They are caches of the canonical part: page, frame number and rights, which is architectural state.
 * Guests copy between places that are 4 MiB apart: with 1024 entries a boot of Linux walked page tables 3.8 million times, with 2048 a thirtieth of that.
 */
export const TLB = {
  base: 0x10000,
  entries: 2048,
  entryBytes: 64,
  readSystem: 0,
  writeSystem: 8,
  readUser: 16,
  writeUser: 24,
  /** u32: host address of the frame for reads and writes, less the linear address, modulo 2³² */
  addend: 32,
  /** u32: rights and kind, TLB_FLAG; 0 = empty */
  flags: 36,
  /** u64 linear page address (low 12 bits zero) */
  page: 40,
  /** u32 guest-physical page number */
  physicalPage: 48,
  /** u32 PCID */
  pcid: 56,
} as const;

/** Instruction TLB, consulted when control reaches another page. */
export const ITLB = {
  base: 0x30000,
  entries: 512,
  entryBytes: 32,
  /** u64 linear page address, or −1 */
  tagSystem: 0,
  tagUser: 8,
  /** u32 low and high half of the guest-physical page number */
  physicalLow: 16,
  physicalHigh: 20,
  /** u32 TLB_FLAG, u32 PCID; the page itself is one of the tags, or both */
  flags: 24,
  pcid: 28,
} as const;

/**
 * Bit n: entry n of the data or instruction TLB may be filled; is the entry of a user page with supervisor tags (see RUN.opened); may be filled, and not with a
 * global page.
 */
export const FILLED = {
  data: 0x34000,
  code: 0x34100,
  opened: 0x34140,
  localData: 0x34240,
  localCode: 0x34340,
  end: 0x34380,
} as const;

export const TLB_FLAG = {
  valid: 1,
  writable: 2,
  user: 4,
  executable: 8,
  dirty: 16,
  global: 32,
  /** part of a 2 MiB / 4 MiB / 1 GiB page: INVLPG of any of its addresses must drop all of it */
  large: 64,
  /**
   * Not part of the translation: tables have changed since it was cached, and somebody wants to hear of its next use. It has no tags then; in the instruction TLB,
   * bit 0 of its tags is set, so that they match nothing.
   */
  suspect: 128,
  /** Beside `suspect`, in the data TLB: only writes are under suspicion, so it may have tags for reads. */
  readable: 256,
} as const;
/** Bits of TLB_FLAG that are no part of the translation. */
export const SUSPICION = TLB_FLAG.suspect | TLB_FLAG.readable;

/**
 * Where indirect transfers out of translated regions went last: a ring of entries, u64 rip of the transfer and u64 its target. The translator makes of it which
 * targets a larger region includes.
 */
export const INDIRECT_LOG = { base: 0x40000, entries: 256, entryBytes: 16 } as const;

/**
 * Host addresses (u32) of traces by a hash of the linear address that led to them last, or 0. What is there may be another trace, or one that is dead: its key tells.
 * TRACE_INDEX has them all, and is too large for the host's nearest cache.
 */
export const TRACE_GUESS = { base: 0x44000, entries: 4096, entryBytes: 4, fold: 14 } as const;

/** Host addresses (u32) of traces by a hash of their physical address, or 0: the first of a list that goes on in `TRACE.next`. */
export const TRACE_INDEX = { base: 0x100000, entries: 131072, entryBytes: 4, fold: 16 } as const;
/**
 * Lowest bits of an address that neither looks at: code that is near is near there, too, and takes fewer lines of the host's caches. The hash is what is above
 * them, XOR what is from bit `fold` on.
 */
export const TRACE_GRAIN = 2;
/** Where in the index the traces of a physical address are, in bytes from its base; `keyLow` is its lower half. */
export const traceSlot = (keyLow: number): number =>
  (((keyLow >>> TRACE_GRAIN) ^ (keyLow >>> TRACE_INDEX.fold)) & (TRACE_INDEX.entries - 1)) *
  TRACE_INDEX.entryBytes;
export const TRACE_POOL = { base: 0x180000, end: 0x2000000 } as const;
/**
 * Guest-physical pages by number modulo `entries`, and where their frames are: what page walks and TLB refills ask instead of the memory model.
 * Shared by all CPUs. A cache of what the memory model has lent: see `mmu/page-cache.ts`.
 */
export const PAGE_CACHE = {
  base: 0x80000,
  entries: 65536,
  entryBytes: 8,
  /** u32 host address of the frame; bit 0: it may be written, too. 0 if the entry is empty. */
  frame: 0,
  /** u32 guest-physical page number */
  page: 4,
  writable: 1,
  /** The page holds code: granules without it may be written, see CODE_GRANULES. */
  besideCode: 2,
  /** Bits 6:2: known to be a table of levels 5 … 1, whose stores are watched. */
  table: 0x7c,
  /** Only walks may write: accessed and dirty bits of a known table. */
  markable: 0x80,
} as const;
/** The bit of PAGE_CACHE.table for a level, 1 … 5. */
export const tableBit = (level: number): number => 2 << level;
/** Granules with code (`memory/guest-memory.ts`) of guest-physical pages by number modulo `entries`: of pages whose entry in PAGE_CACHE says `besideCode`. */
export const CODE_GRANULES = {
  base: 0x38000,
  entries: 4096,
  entryBytes: 8,
  /** u32 guest-physical page number */
  page: 0,
  /** u32 */
  granules: 4,
} as const;

/** Where `memory/frames.ts` may put frames of guest memory. The first is the zero frame. */
export const FRAMES = 0x2000000;

/**
 * A trace: decoded instructions that follow each other on one page, up to the first that changes the flow. Header, then `count` records,
 * then (if the last one does not end the trace by itself) an END record. Keyed by physical address and mode; holds no linear address.
 */
export const TRACE = {
  /** u32: physical address, low 32 bits */
  keyLow: 0,
  /** u32: physical address bits 51:32 in bits 19:0, mode in bits 30:20; bit 31: emitted code may not find it by its key (`unlisted`) */
  keyHigh: 4,
  /** u32: instructions; what entering the trace costs */
  count: 8,
  /** u32: bytes from the first instruction to the end of the last, less 1 */
  lastByte: 12,
  /** u32: slot in the function table of the translated region that can be entered here, or 0; `limited`: see `regionWord` */
  region: 16,
  /** i32: entries left until the trace is hot; counts down, and stays at −1 when it has been reported. 1 in a dead trace: entering it is not usual. */
  heat: 20,
  /** u32: host address of another trace with the same place in TRACE_INDEX, or 0 */
  next: 24,
  /** u32: by which of its entrances the region is entered here: the number in bits 7:0, above it the distance in bytes from the first one, signed */
  entrance: 28,
  headerBytes: 32,
  unlisted: 0x80000000,
  /** Bits of keyHigh that are all set in a dead trace: no mode is so. */
  dead: 0x7ff00000,
  limited: 0x80000000,
} as const;
/** What TRACE.region holds for a slot: outside 64-bit mode it also says that entering the trace looks at the code segment's limit. */
export const regionWord = (slot: number, mode: number): number =>
  (mode & MODE.codeSize) === 2 ? slot : (slot | TRACE.limited) >>> 0;

/**
 * One decoded instruction. Register fields are offsets from 0 of linear memory (STATE.gpr + 8 × number, + 1 for AH CH DH BH). Fields that no instruction has
 * together share their room: cold code is read from memory, and the fewer lines of the host's caches it takes the better.
 *
 *       0       2      4      5     6          8          10   12    14      15          16                   20
 *     handler offset length shift register 0 register 1 base index segment addressSize displacement         immediate, register 2 or call-out
 *                                                                                      immediate, without a memory operand 64 bits
 *                                 next       linkTaken       linkNext                  target
 */
export const RECORD = {
  /** u16: number of the handler */
  handler: 0,
  /** u16: bytes from the start of the trace */
  offset: 2,
  /** u8: length in bytes */
  length: 4,
  /** u8: index is shifted left by this */
  shift: 5,
  /** u16 each: registers of operands 0, 1 and 2; an instruction with a third one has no immediate */
  register: [6, 8, 20],
  /** u16 each: base and index of the memory operand */
  base: 10,
  index: 12,
  /** Memory operands: u8 segment number, u8 address size, ADDRESS_SIZE */
  segment: 14,
  addressSize: 15,
  /** i32: displacement; with base RUN.traceRip already relative to the start of the trace. i64 if the address size is `wide`. */
  displacement: 16,
  /** i64: immediate where there is no memory operand */
  immediate: 16,
  /** i32: immediate beside a memory operand */
  immediateBeside: 20,
  /** Call-outs, and what may escape to one: u32, index of the Instruction shifted left by 8 and, in its place, an immediate of one byte */
  callOut: 20,
  /** Relative branches: u16 and i64, where the next instruction and the target are, from the start of the trace */
  next: 6,
  target: 16,
  /** u32 traces that follow when taken and when not; 0 unknown, 1 may not be linked (other page). */
  linkTaken: 8,
  linkNext: 12,
  bytes: 24,
} as const;
/** `wide`: 64 bits, and so has the displacement, which is MOV's with an absolute offset. */
export const ADDRESS_SIZE = { 16: 0, 32: 1, 64: 2, wide: 3 } as const;

/**
 * An instruction that crosses a page: a trace of its own, `TRACE.unlisted`, since whoever enters it has to see that its second page is still the same.
 * u32: guest-physical number of that page, within the END record.
 */
export const CROSSING = { page: TRACE.headerBytes + RECORD.bytes + 4 } as const;

/** Why `run` returned. */
export const EXIT = {
  /** The next trace needs more budget than is left. */
  budget: 1,
  /** No trace for state.rip in the index, or its page is not the code page: decode, fetch or fault. */
  miss: 2,
  /** A call-out asks for attention (interrupt shadow, HLT, mode change that needs the outer loop). */
  attention: 3,
  /** A YIELD record: `requestExit` was called during the instruction before it. */
  yield: 4,
  /** A BREAK record: an instruction with a breakpoint is next. */
  break: 5,
  /** The trace about to be entered has become hot. */
  hot: 6,
  /** An access faulted: `Core.fault`. */
  fault: 7,
} as const;
