/**
 * A processor's paging as simply as it can be said: tables in a map, a TLB that holds every page it was asked for until it is told to forget it. It says of each
 * operation of a list whether it goes through a translation that the tables no longer say.
 */
import { entryBytes, ROOT, type Mode, type Operation } from "./operations.ts";

const P = 1n;
const RW = 2n;
const A = 0x20n;
const D = 0x40n;
const PS = 0x80n;
const G = 0x100n;
const NX = 1n << 63n;

interface Cached {
  readonly frame: number;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly dirty: boolean;
  readonly global: boolean;
  readonly large: boolean;
  readonly pcid: number;
  /** Number of the operation that was told of it, or −1. */
  told: number;
}

export interface Verdict {
  readonly operation: number;
  /** "new": a use that has to be reported. "known": the same was reported, and no table was written since. "maybe": reported before, but tables were written. */
  readonly kind: "new" | "known" | "maybe";
  readonly page: number;
}

export class Model {
  readonly #mode: Mode;
  readonly #entries: Map<number, bigint>;
  readonly #data = new Map<number, Cached>();
  readonly #code = new Map<number, Cached>();
  #cr3 = BigInt(ROOT);
  #pcide = false;
  #lastStore = -1;
  readonly stale: Verdict[] = [];
  /** Kinds of outcomes, for a test to see that it has seen all. */
  readonly seen: Record<string, number> = {};

  constructor(mode: Mode, entries: ReadonlyMap<number, bigint>) {
    this.#mode = mode;
    this.#entries = new Map(entries);
  }

  #note(what: string): void {
    this.seen[what] = (this.seen[what] ?? 0) + 1;
  }

  #levels(): readonly (readonly [shift: number, bits: number])[] {
    if (this.#mode === "32-bit") return [[22, 10], [12, 10]]; // oxfmt-ignore
    return this.#mode === "PAE" ? [[30, 2], [21, 9], [12, 9]] : [[39, 9], [30, 9], [21, 9], [12, 9]]; // oxfmt-ignore
  }

  /** Null is a fault. `marks`: sets accessed and dirty bits. */
  #walk(address: number, access: "read" | "write" | "fetch", marks: boolean): Cached | null {
    let table = Number(this.#cr3 & 0xffffff000n);
    let writable = true;
    let executable = true;
    const touched: number[] = [];
    for (const [shift, bits] of this.#levels()) {
      const at = table + (Math.floor(address / 2 ** shift) % 2 ** bits) * entryBytes(this.#mode);
      const entry = this.#entries.get(at) ?? 0n;
      if ((entry & P) === 0n) return this.#marked(touched, marks, null);
      const isDirectory = this.#mode === "PAE" && shift === 30;
      if (!isDirectory) touched.push(at);
      writable &&= isDirectory || (entry & RW) !== 0n;
      executable &&= this.#mode === "32-bit" || (entry & NX) === 0n;
      const large = (shift === 21 || shift === 22) && (entry & PS) !== 0n;
      const target = Number(entry & 0xffffff000n);
      if (shift !== 12 && !large) {
        table = target;
        continue;
      }
      const frame = large
        ? target - (target % 2 ** shift) + (address % 2 ** shift) - (address % 4096)
        : target;
      const allowed = (access !== "write" || writable) && (access !== "fetch" || executable);
      if (!allowed) {
        touched.pop();
        return this.#marked(touched, marks, null);
      }
      this.#marked(touched, marks, null);
      if (marks && access === "write") this.#entries.set(at, this.#entries.get(at)! | D);
      const dirty = access === "write" || (entry & D) !== 0n;
      return { frame, writable, executable, dirty, global: (entry & G) !== 0n, large, pcid: this.#pcid(), told: -1 };
    }
    throw new Error("no leaf");
  } // oxfmt-ignore

  #marked<T>(touched: readonly number[], marks: boolean, result: T): T {
    if (marks) for (const at of touched) this.#entries.set(at, this.#entries.get(at)! | A);
    return result;
  }

  #pcid(): number {
    return this.#pcide ? Number(this.#cr3 & 0xfffn) : 0;
  }

  #access(operation: number, address: number, access: "read" | "write" | "fetch"): void {
    const page = Math.floor(address / 4096);
    const tlb = access === "fetch" ? this.#code : this.#data;
    const cached = tlb.get(page);
    const isHit =
      cached !== undefined &&
      (cached.global || cached.pcid === this.#pcid()) &&
      (access !== "write" || (cached.writable && cached.dirty)) &&
      (access !== "fetch" || cached.executable);
    if (!isHit) {
      const filled = this.#walk(address, access, true);
      this.#note(filled === null ? "fault" : "fill");
      if (filled !== null) tlb.set(page, filled);
      return;
    }
    const now = this.#walk(address, access, false);
    if (now?.frame === cached.frame) return this.#note("hit");
    const kind = cached.told < 0 ? "new" : cached.told > this.#lastStore ? "known" : "maybe";
    this.#note(`${kind} ${now === null ? "fault" : "frame"} ${access}`);
    this.stale.push({ operation, kind, page });
    if (kind !== "known") cached.told = operation;
  }

  #forget(which: (cached: Cached, page: number) => boolean): void {
    for (const tlb of [this.#data, this.#code])
      for (const [page, cached] of tlb) if (which(cached, page)) tlb.delete(page);
  }

  #store(operation: number, at: number, value: bigint, mask: bigint): void {
    const before = this.#entries.get(at) ?? 0n;
    this.#entries.set(at, (before & ~mask) | (value & mask));
    this.#lastStore = operation;
  }

  run(list: readonly Operation[]): void {
    const low = 0xffffffffn;
    for (const [n, { kind, at = 0n, value = 0n }] of list.entries()) {
      const address = Number(at);
      switch (kind) {
        case "store":
          this.#store(n, address, value, this.#mode === "4-level" ? (1n << 64n) - 1n : low);
          break;
        case "store4":
          this.#store(n, address, value, low);
          break;
        case "high4":
          this.#store(n, address, value, low << 32n);
          break;
        case "read":
        case "write":
        case "fetch":
          this.#access(n, address, kind);
          break;
        case "modify":
          this.#access(n, address, "write");
          break;
        case "invlpg":
          this.#forget(
            (cached, page) =>
              (cached.global || cached.pcid === this.#pcid()) &&
              (page === Math.floor(address / 4096) ||
                (cached.large && Math.floor(page / 0x40000) === Math.floor(address / 0x40000000))),
          );
          break;
        case "cr3": {
          const keep = this.#pcide && value >> 63n !== 0n;
          this.#cr3 = value & 0x7fffffffffffffffn;
          this.#forget(({ global, pcid }) => !global && (!this.#pcide || (!keep && pcid === this.#pcid())));
          if (this.#pcide) for (const [page, { global }] of this.#code) if (!global) this.#code.delete(page);
          this.#lastStore = n;
          break;
        }
        case "cr4":
          this.#pcide = (value & 0x20000n) !== 0n;
          this.#forget(() => true);
          break;
        case "end":
        case "clear":
        case "signal":
        case "wait":
          throw new Error(`the model knows nothing of ${kind}`);
      }
    }
  }
}
