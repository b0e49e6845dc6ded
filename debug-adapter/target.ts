/**
 * What a session debugs: one booted machine with its symbols and sources. A restart makes a new one; breakpoints outlive it (`breakpoints/`).
 */
import type { Core, LoadedImage } from "../emulator/index.ts";
import { bootMachine, type Booted } from "./boot.ts";
import { Debuggee, type Clock } from "./debuggee.ts";
import type { CodeBits, CodeMap, Syntax } from "./disassembly/index.ts";
import type { Explainer } from "./exceptions/explain.ts";
import { baseName, type Files } from "./files.ts";
import { loadSymbols, type LoadedSymbols } from "./images.ts";
import type { LaunchConfiguration } from "./launch.ts";
import { Observation } from "./layout/index.ts";
import { followKernel, isLinux, type LinuxKernel } from "./linux/index.ts";
import { GuestSpace } from "./memory/space.ts";
import { PageTables, type Naming } from "./paging/index.ts";
import { ClobberLog } from "./red-zone/index.ts";
import { codeBits } from "./registers/index.ts";
import { Sources, sourceRoots } from "./sources.ts";
import { describeAddress } from "./stack/frame.ts";
import type { SymbolTable } from "./symbols/index.ts";

const ASSEMBLY = /\.(?:s|asm|nasm)$/i;

export class Target implements CodeMap {
  readonly configuration: LaunchConfiguration;
  readonly booted: Booted;
  readonly debuggee: Debuggee;
  readonly loaded: LoadedSymbols;
  /** The Linux kernel that boots; null if it is another one. */
  readonly linux: LinuxKernel | null;
  readonly sources: Sources;
  /** What the red-zone detector has found. */
  readonly clobbers: ClobberLog;
  readonly observation: Observation;
  /** Width of the code in functions where a CPU has been seen, by the function's start: assembly of an ELF64 file may be 32-bit code. */
  readonly #widths = new Map<bigint, CodeBits>();

  #pageTables: PageTables | null = null;

  /** Throws errors of 10xx. */
  constructor(configuration: LaunchConfiguration, files: Files, clock: Clock) {
    this.configuration = configuration;
    this.booted = bootMachine(configuration, files);
    this.debuggee = new Debuggee(this.booted.machine, clock, configuration.realTime);
    this.observation = new Observation(this.booted.machine);
    const cwd = configuration.cwd;
    this.loaded = loadSymbols(this.booted, configuration.symbols, configuration.vmlinux, cwd, files);
    this.clobbers = new ClobberLog(this.booted.machine, this.loaded.table);
    this.linux = followKernel(this.booted, this.loaded, configuration.noDebug);
    this.sources = new Sources(files, configuration.sourceMap, sourceRoots(cwd, this.booted.mainPath));
  }

  get machine(): Booted["machine"] {
    return this.booted.machine;
  }
  get cpus(): readonly Core[] {
    return this.machine.cpus;
  }
  get symbols(): SymbolTable {
    return this.loaded.table;
  }
  get syntax(): Syntax {
    return this.configuration.disassemblyFlavor;
  }
  get images(): readonly LoadedImage[] {
    return this.booted.plan?.images ?? [];
  }

  /** Where names of addresses come from, as symbols are now. */
  get naming(): Naming {
    return {
      symbols: this.symbols,
      images: this.images,
      isLinux: isLinux(this.booted.plan),
      isMoved: this.linux !== null && this.linux.slide !== null,
    };
  }
  /** The page tables, which are followed from stop to stop from the first question about them on. */
  get pageTables(): PageTables {
    return (this.#pageTables ??= new PageTables(this.machine, () => this.naming));
  }
  /** Tells what follows the machine from stop to stop that it stands still. */
  stopped(): void {
    this.#pageTables?.stopped();
  }

  space(core: Core): GuestSpace {
    return new GuestSpace(core);
  }

  describe(address: bigint): string | null {
    return describeAddress(this.symbols, address);
  }

  /** "vmlinuz+0x200": where in a loaded image without symbols code is. Not once a Linux kernel has decompressed itself: the places are others' then. */
  placeOf(address: bigint): string | null {
    if (this.linux !== null && this.linux.slide !== null) return null;
    for (const { name, segments } of this.images)
      for (const { executable, virtualAddress, physicalAddress, memoryBytes } of segments)
        for (const start of [virtualAddress, BigInt(physicalAddress)])
          if (executable && address >= start && address < start + BigInt(memoryBytes))
            return `${baseName(name)}+0x${(address - start).toString(16)}`;
    return null;
  }

  startOf(address: bigint): bigint | null {
    return this.symbols.functionStart(address);
  }

  explainer(core: Core): Explainer {
    return {
      machine: this.machine,
      core,
      describe: (address) => this.describe(address),
      syntax: this.syntax,
      symbols: this.symbols,
    };
  }

  /** Remembers how wide the code at a stop is. */
  observe(core: Core, pc: bigint): void {
    const start = this.startOf(pc);
    if (start !== null) this.#widths.set(start, codeBits(core));
  }

  /** How code at an address is to be decoded: as it was seen to run, else as the CPU runs now. */
  bitsAt(core: Core, address: bigint): CodeBits {
    const start = this.startOf(address);
    const seen = start === null ? undefined : this.#widths.get(start);
    if (seen !== undefined) return seen;
    // Compiled code of a 64-bit image is 64-bit code even while a 32-bit entry is still running; assembly may be either.
    const image = this.symbols.imageAt(address);
    const line = start === null ? null : this.symbols.lineAt(start);
    if (image !== null && line !== null && !ASSEMBLY.test(line.file))
      return image.architecture === "x86-64" ? 64 : 32;
    return codeBits(core);
  }
}
