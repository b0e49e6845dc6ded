/**
 * The Linux kernel in a machine: where it runs, found out before its first instruction, and the symbols that follow it there.
 *
 * A bzImage decompresses its kernel to a multiple of 2 MiB that KASLR chooses, relocates it for a virtual address that KASLR chooses, and jumps to it. So there is
 * a breakpoint on the kernel's entry at every multiple of 2 MiB of RAM until one of them is the entry: then the build id at that place is the file's, and the
 * relocated pointers say where the kernel will run. Without a file the symbols are read from the kernel's own table, at the same moment.
 * Invariant: until the place is known the symbols are where they are linked, so breakpoints have their answer at once; they are moved before the kernel runs.
 * Elsewhere: whether a place is one (`place.ts`), the kernel's own table (`kallsyms.ts`).
 */
import { linear, physical, type Core, type Pc, type StopReason } from "../../emulator/index.ts";
import { type Address, GuestSpace } from "../memory/space.ts";
import {
  memoryReader,
  openImage,
  SymbolError,
  type SymbolImage,
  type SymbolTable,
} from "../symbols/index.ts";
import { type KernelSymbols, readKallsyms } from "./kallsyms.ts";
import { ALIGNMENT, KERNEL_HIGH, KERNEL_LOW, type KernelFile, type Read } from "./place.ts";
import { symbolElf } from "./symbol-elf.ts";

/** Ids of our breakpoints, below all others. */
const ENTRY_ID = -1_000_000;
const VIRTUAL_ID = ENTRY_ID + 1;
/** RAM that is watched for the entry: 8 GiB. */
const MOST_PLACES = 4096;
/** As much of a kernel as may lie before the end of its read-only data, and how much more of it is read as long as that has not come. */
const KERNEL_BYTES = 64 << 20;
const STEP_BYTES = 8 << 20;
/** Read at once. */
const PIECE_BYTES = 1 << 18;
const PAGE = 4096;
const START = "x86_64_start_kernel";

export interface KernelModule {
  readonly name: string;
  readonly image: SymbolImage;
}

export class LinuxKernel {
  readonly #machine: Pc;
  readonly #table: SymbolTable;
  readonly #file: KernelFile | null;
  /** What of ours is in the table: the file as linked, or the kernel where it is. */
  #images: readonly SymbolImage[] = [];
  /** The kernel at its physical address: until it has left the identity mapping. */
  #early: SymbolImage | null = null;
  #slide: bigint | null = null;
  #hasLooked = false;
  #places: readonly bigint[] = [];
  /** Called when symbols have been read from memory. */
  onModule: (module: KernelModule) => void = () => undefined;
  /** For the Debug Console. */
  onNote: (text: string) => void = () => undefined;

  constructor(machine: Pc, table: SymbolTable, file: KernelFile | null) {
    this.#machine = machine;
    this.#table = table;
    this.#file = file;
    this.#linked();
  }

  /** Added to linked addresses; null while it is not known. */
  get slide(): bigint | null {
    return this.#slide;
  }

  /** The symbols as linked: before a boot, and again after a reset. */
  #linked(): void {
    this.#slide = null;
    this.#hasLooked = false;
    this.#early = null;
    this.#show(this.#file === null ? [] : [this.#file.image]);
  }

  #show(images: readonly SymbolImage[]): void {
    for (const image of this.#images) this.#table.remove(image);
    this.#images = images;
    // The one added last answers first.
    for (const image of images) this.#table.add(image);
  }

  /** Watches for the kernel's entry, from a boot on. */
  arm(): void {
    this.disarm();
    this.#linked();
    const offset = this.#file?.entryOffset ?? 0n;
    const places: bigint[] = [];
    const ram = this.#machine.config.ramBackend ?? "pc.ram";
    for (const { start, size, block } of this.#machine.memory.addressSpace.flatView.ranges) {
      if (block?.idstr !== ram) continue;
      for (
        let at = BigInt(Math.ceil(start / Number(ALIGNMENT))) * ALIGNMENT;
        at < start + size;
        at += ALIGNMENT
      ) {
        if (at === 0n || places.length >= MOST_PLACES) continue;
        places.push(at);
      }
    }
    this.#places = places;
    for (const [n, place] of places.entries())
      this.#machine.debug.addBreakpoint(ENTRY_ID - n, physical(Number(place + offset)), "physical");
  }

  disarm(): void {
    for (const n of this.#places.keys()) this.#machine.debug.remove(ENTRY_ID - n);
    this.#machine.debug.remove(VIRTUAL_ID);
    this.#places = [];
  }

  /** A stop may be the kernel's entry. True: symbols have moved, and the instruction is to be looked at again before it is executed. */
  observe(stop: StopReason): boolean {
    if (stop.kind !== "breakpoint") return false;
    const core = this.#machine.cpus[stop.cpu]!;
    if (stop.ids.includes(VIRTUAL_ID)) {
      this.#machine.debug.remove(VIRTUAL_ID);
      // From here on the identity mapping means other programs.
      const early = this.#early;
      this.#early = null;
      if (early === null) return false;
      this.#show(this.#images.filter((image) => image !== early));
      return true;
    }
    const id = stop.ids.find((candidate) => candidate <= ENTRY_ID);
    const place = id === undefined ? undefined : this.#places[ENTRY_ID - id];
    return place !== undefined && this.#enter(place, core);
  }

  #enter(place: bigint, core: Core): boolean {
    const read = reader(core, "physical");
    if (this.#file === null) {
      const images = this.#own(core, "physical", place);
      if (images === null) return false;
      this.#found(images);
      return true;
    }
    if (!this.#file.isAt(place, read)) return false;
    const slide = this.#file.slideOf(place, read);
    if (slide === null) return false;
    this.#slide = slide;
    const { image, text } = this.#file;
    this.#found([image.at(place - text), image.at(slide)]);
    this.onNote(
      `The Linux kernel starts at physical address 0x${place.toString(16)} and will run at 0x${(text + slide).toString(16)}: its symbols are moved by 0x${slide.toString(16)}.`,
    );
    return true;
  }

  /** `images`: the early one, and the one that stays. */
  #found([early, late]: readonly [SymbolImage, SymbolImage]): void {
    this.disarm();
    this.#early = early;
    this.#show([early, late]);
    const [start] = late.symbolsNamed(START);
    if (start !== undefined) this.#machine.debug.addBreakpoint(VIRTUAL_ID, linear(start.address), "linear");
  }

  /** The kernel's own symbols: at their physical addresses, and where they will be. */
  #own(core: Core, space: "linear" | "physical", place: bigint): readonly [SymbolImage, SymbolImage] | null {
    const symbols = ownSymbols(core, space, place);
    if (symbols === null) return null;
    const image = openImage(memoryReader(symbolElf(symbols, KERNEL_LOW, KERNEL_HIGH)), {
      name: "kallsyms",
      loadOffset: 0n,
    });
    if (image instanceof SymbolError) return null;
    const [text] = image.symbolsNamed("_text");
    if (text === undefined) return null;
    this.#slide = 0n;
    this.onModule({ name: "kallsyms", image });
    return [image.at(place - text.address), image];
  }

  /** At a stop whose entry was not seen: looks through the page tables of a CPU. True: symbols have moved. */
  look(core: Core): boolean {
    if (this.#slide !== null || this.#hasLooked || core.rip < KERNEL_LOW || core.rip >= KERNEL_HIGH)
      return false;
    this.#hasLooked = true;
    if (this.#file === null) {
      const place = firstMapped(core);
      const images = place === null ? null : this.#own(core, "linear", place);
      if (images === null) return false;
      this.#show([images[1]]);
    } else {
      const slide = this.#file.findSlide(reader(core, "linear"));
      if (slide === null) {
        this.onNote(
          `${this.#file.image.name} is not the file of the kernel that runs: no place has its build id, so its symbols are not used.`,
        );
        this.#show([]);
        return true;
      }
      this.#slide = slide;
      this.#show([this.#file.image.at(slide)]);
    }
    this.disarm();
    return true;
  }
}

const reader =
  (core: Core, space: "linear" | "physical"): Read =>
  (address, length) => {
    const { bytes, why } = new GuestSpace(core).readUpTo({ space, offset: address }, length);
    return why === null ? bytes : null;
  };

/** The lowest address of the kernel's range that is mapped. */
function firstMapped(core: Core): bigint | null {
  const space = new GuestSpace(core);
  for (let at = KERNEL_LOW; at < KERNEL_HIGH; at += ALIGNMENT)
    if (typeof space.translate(at) === "number") return at;
  return null;
}

/** What the kernel that begins at `start` has in its own table, of which nothing says how far away it is. */
function ownSymbols(core: Core, space: "linear" | "physical", start: bigint): KernelSymbols | null {
  const bytes = new Uint8Array(KERNEL_BYTES);
  for (let end = STEP_BYTES; end <= KERNEL_BYTES; end += STEP_BYTES) {
    const from = end - STEP_BYTES;
    copyMemory(core, { space, offset: start + BigInt(from) }, bytes.subarray(from, end));
    // Behind the digits that are found there may be as much as a step: what was cut off then is looked at again.
    const symbols = readKallsyms(bytes.subarray(0, end), Math.max(0, from - STEP_BYTES));
    if (symbols !== null) return symbols;
  }
  return null;
}

/** Pages that are not there are left as they are. */
function copyMemory(core: Core, { space, offset }: Address, into: Uint8Array): void {
  const memory = new GuestSpace(core);
  for (let done = 0; done < into.length;) {
    const most = Math.min(PIECE_BYTES, into.length - done);
    const { bytes, why } = memory.readUpTo({ space, offset: offset + BigInt(done) }, most);
    into.set(bytes, done);
    done += bytes.length;
    if (why !== null) done += PAGE - (done % PAGE);
  }
}
