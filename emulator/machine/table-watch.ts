/**
 * Watches paging structures: who wrote an entry last, and which accesses go through translations that memory no longer says.
 *
 * While it is on, stores to tables take the slow way, as stores to code do. A store that changes what a present entry says puts the cached translations under it
 * under suspicion, on every CPU: they lose their tags and stay what they are. The next access through one comes here, where the translation is held against a
 * fresh walk of the same access, and is reported if the walk leads elsewhere or nowhere. A changed accessed, dirty or ignored bit is no change, nor is an entry
 * that was not present (SDM 3A 4.10.4.3: those need no invalidation), nor a right that was given.
 * Invariants: nothing here changes the guest. Every translation that is cached and not under suspicion came through tables that are known here, and says what they say.
 * Not part of a machine's saved state: after a load or a reset everything that is cached is under suspicion once.
 * Elsewhere: which tables are known (`table-list.ts`), which changes count (`translation-history.ts`), marks on the TLBs (`cpu/system/suspicion.ts`), what a report means to a person (`debug-adapter/paging/stale.ts`).
 */
import { CR4, type Core } from "../cpu/core.ts";
import { tableBit, TLB_FLAG } from "../cpu/layout.ts";
import type { Processor } from "../cpu/processor.ts";
import type { RootChange, StaleUse, TableHook, TableWrite, TlbSlot } from "../cpu/stale.ts";
import { ACCESS, BY, explainWalk, type Access, type By, type PageWalk } from "../cpu/system/paging.ts";
import {
  hasGlobal,
  slotEntry,
  suspectEntry,
  suspectWhere,
  tableIndex,
  trust,
  trustReads,
  type SlotEntry,
} from "../cpu/system/suspicion.ts";
import { currentPcid } from "../cpu/system/tlb.ts";
import type { GuestMemory, TableMemory } from "../memory/guest-memory.ts";
import { linear, PAGE_BYTES, physical, type Instant, type PhysicalAddress } from "../numbers.ts";
import { childOf, rootOf, type Root, type Table, TableList } from "./table-list.ts";
import { TableWrites } from "./table-writes.ts";
import { grants, history, isOnPath, LEVEL_OF, saysElse } from "./translation-history.ts";

/** Stores to a table after which it has to be come to again by a walk: what nobody uses as a table any more must not stay slow for ever. */
const MOST_STORES = 4096;
/** A supervisor may go on with a page that was the user's: it must not stay slow for ever. */
const MOST_RIGHT_USES = 256;
/** Writes that are remembered of what put a translation under suspicion: the first, and the latest. */
const MOST_WRITES = 8;
const LEVELS = [1, 2, 3, 4, 5] as const;

/** Why a translation is, or was, under suspicion. No writes and no root: nobody saw. */
interface Suspicion {
  readonly of: SlotEntry;
  writes: TableWrite[];
  root: RootChange | null;
  /** What has been reported already: whether it was, and which of the writes. */
  isTold: boolean;
  /** How often it was used for something that memory allows, too. */
  rightUses: number;
  told: readonly TableWrite[];
}

export class TableWatch implements TableHook {
  readonly #processor: Processor;
  readonly #cores: readonly Core[];
  readonly #memory: GuestMemory & TableMemory;
  readonly #now: () => Instant;
  readonly #tables: TableList;
  /** By CPU, and there by slot. */
  readonly #suspicions: readonly Map<number, Suspicion>[];
  /** By CPU, and there by PCID: the page that was in CR3 when it was last used. */
  readonly #roots: readonly Map<number, number>[];
  #isDetecting = false;
  #isRecording = false;
  /** What is being written now is told by whoever writes. */
  #isOwn = false;
  /** Another state was loaded since the machine last ran. */
  #isNew = false;
  /** Hears of stale uses while somebody asks for them. */
  report: (use: StaleUse, core: Core) => void = () => undefined;

  constructor(processor: Processor, memory: GuestMemory & TableMemory, now: () => Instant) {
    this.#processor = processor;
    this.#cores = processor.cores;
    this.#memory = memory;
    this.#now = now;
    this.#tables = new TableList(processor.cores, memory);
    this.#suspicions = processor.cores.map(() => new Map());
    this.#roots = processor.cores.map(() => new Map());
  }

  get isOn(): boolean {
    return this.#isDetecting || this.#isRecording;
  }

  /** Whether stale uses are looked for, and whether writers of all reachable tables are recorded. */
  turn(isDetecting: boolean, isRecording: boolean): void {
    if (isDetecting === this.#isDetecting && isRecording === this.#isRecording) return;
    const wasOn = this.isOn;
    const wasDetecting = this.#isDetecting;
    const wasRecording = this.#isRecording;
    this.#isDetecting = isDetecting;
    this.#isRecording = isRecording;
    this.#tables.isEager = isRecording;
    if (!this.isOn) {
      this.#tables.clear();
      this.#forgetSuspicions();
      for (const core of this.#cores) core.watchTables(null);
      return;
    }
    if (!wasOn) {
      this.#memory.onTableWrite = (page, offset, length) => this.#written(page, offset, length);
      this.#memory.onTableMoved = (page) => {
        this.#tables.remove(page);
        this.#suspectAll();
      };
      for (const core of this.#cores) core.watchTables(this);
    }
    if (isRecording && !wasRecording) this.#tables.addAll();
    if (isDetecting && !wasDetecting) this.#suspectAll();
  }

  /** Another state was loaded, or the machine was reset. */
  forget(): void {
    if (!this.isOn) return;
    this.#tables.clear();
    this.#forgetSuspicions();
    this.#isNew = true;
  }

  /** Before the machine runs. */
  settle(): void {
    if (!this.#isNew) return;
    this.#isNew = false;
    if (this.#isRecording) this.#tables.addAll();
    this.#suspectAll();
  }

  /** The last write of the entry at a guest-physical address; null: none since its table is watched. */
  writer(address: PhysicalAddress): TableWrite | null {
    const page = Math.floor(address / PAGE_BYTES);
    const table = this.#tables.get(page);
    if (table === undefined) return null;
    return table.writes?.get(page, Math.floor((address % PAGE_BYTES) / table.entryBytes)) ?? null;
  }

  // What the processor tells

  levels(page: number): number {
    return this.#tables.get(page)?.levels ?? 0;
  }

  walked(page: number, level: number, entryBytes: 4 | 8, parent: number): void {
    this.#tables.add(page, level, entryBytes, parent);
  }

  frameForMarking(page: number): number {
    return this.#memory.frameForMarking(page);
  }

  marking(write: () => void): void {
    this.#isOwn = true;
    write();
    this.#isOwn = false;
  }

  store(core: Core, address: PhysicalAddress, bytes: Uint8Array): boolean {
    const page = Math.floor(address / PAGE_BYTES);
    const table = this.#tables.get(page);
    if (table === undefined) return false;
    if (!this.#tables.isLinked(page, table)) {
      this.#tables.remove(page);
      for (const other of this.#cores) this.#suspectRoot(other, page);
      return false;
    }
    if (++table.stores > MOST_STORES && !this.#isRecording) {
      this.#tables.remove(page);
      this.#suspectAll();
      return false;
    }
    const { entryBytes } = table;
    const offset = address % PAGE_BYTES;
    const first = Math.floor(offset / entryBytes);
    const last = Math.floor((offset + bytes.length - 1) / entryBytes);
    const at = (index: number): number => page * PAGE_BYTES + index * entryBytes;
    const before: bigint[] = [];
    for (let index = first; index <= last; index++) before.push(this.#tables.entryAt(at(index), entryBytes));
    const frame = this.#memory.frameForMarking(page);
    if (frame !== 0) core.host.u8.set(bytes, frame + offset);
    else {
      this.#isOwn = true;
      this.#memory.writeBytes(address, bytes);
      this.#isOwn = false;
    }
    for (let index = first; index <= last; index++) {
      const was = before[index - first]!;
      const after = this.#tables.entryAt(at(index), entryBytes);
      if (was === after) continue;
      const write: TableWrite = {
        address: physical(at(index)),
        by: "instruction",
        cpu: core.index,
        rip: this.#processor.instructionRip,
        instant: this.#now(),
        before: was,
        after,
      };
      this.#changed(table, index, write);
    }
    return true;
  }

  used(core: Core, slot: TlbSlot, lo: number, hi: number, access: Access, by: By): void {
    const entry = slotEntry(core, slot);
    const now = explainWalk(core, lo, hi, access, by);
    this.#learn(now);
    const isThere = now.physical !== null && Math.floor(now.physical / PAGE_BYTES) === entry.page;
    if (isThere && now.fault === null) {
      if (grants(now.rights, entry.flags, slot.kind)) this.#trust(core, slot);
      else this.#tolerate(core, slot, now.rights ^ entry.flags);
      return;
    }
    const suspicion = this.#suspicionOf(core, slot);
    const { writes, root, isTold, told } = suspicion;
    // An interrupt waits at this CPU: it may be the other's request to invalidate.
    const isForeign = root === null && writes.length > 0 && writes.every(({ cpu }) => cpu !== core.index);
    if (isForeign && (core.interruptLine || core.nmiPending)) return;
    trust(core, slot);
    if (!this.#isDetecting) return;
    const walk = (past: ReadonlyMap<number, bigint>): PageWalk => explainWalk(core, lo, hi, access, by, past);
    const { was, changes } = history(writes, told, entry.page, now, walk);
    if (isTold && !changes.some((write) => !told.includes(write) && isOnPath(now, write))) return;
    suspicion.isTold = true;
    suspicion.told = [...writes];
    this.report(
      {
        linear: linear((BigInt(hi) << 32n) | BigInt(lo)),
        access: access === ACCESS.execute ? "fetch" : access === ACCESS.write ? "write" : "read",
        isUser: by === BY.user,
        cpu: core.index,
        instant: this.#now(),
        cached: { page: physical(entry.page * PAGE_BYTES), flags: entry.flags, pcid: entry.pcid },
        now,
        was,
        changes,
        root,
      },
      core,
    );
  }

  rootChanged(core: Core, before: bigint, after: bigint, kept: boolean): void {
    const root = rootOf(core, after);
    const old = rootOf(core, before);
    if (root === null || old === null) return;
    const change = {
      cpu: core.index,
      rip: this.#processor.instructionRip,
      instant: this.#now(),
      before,
      after,
    };
    const note = (slot: TlbSlot): void => {
      this.#suspicionOf(core, slot).root ??= change;
    };
    if ((core.cr4 & CR4.PCIDE) !== 0) {
      const roots = this.#roots[core.index]!;
      const pcid = currentPcid(core);
      roots.set(Number(before & 0xfffn), old.page);
      const known = roots.get(pcid);
      roots.set(pcid, root.page);
      if (kept && known !== root.page)
        suspectWhere(
          core,
          null,
          (_lo, _hi, flags, of) => (flags & TLB_FLAG.global) === 0 && of === pcid,
          note,
        );
    }
    if (old.page === root.page) return;
    this.#tables.add(root.page, root.level, root.entryBytes, -1);
    const differs = this.#differing(old, root);
    if (!hasGlobal(core, differs)) return;
    suspectWhere(core, null, (lo, hi, flags) => (flags & TLB_FLAG.global) !== 0 && differs(lo, hi), note);
  }

  // Inside

  /** Whether two roots lead an address to different tables. */
  #differing(old: Root, root: Root): (lo: number, hi: number) => boolean {
    const { level, entryBytes } = root;
    if (old.level !== level || old.entryBytes !== entryBytes || level === 3) return () => true;
    const known = new Map<number, boolean>();
    // Most of a kernel's pages are under one entry.
    let last = -1;
    let differs: boolean | undefined = false;
    return (lo, hi) => {
      const index = tableIndex(lo, hi, level, entryBytes);
      if (index === last) return differs === true;
      last = index;
      differs = known.get(index);
      if (differs === undefined) {
        const at = ({ page }: Root): bigint =>
          this.#tables.entryAt(page * PAGE_BYTES + index * entryBytes, entryBytes);
        differs = saysElse(at(old), at(root), level, entryBytes);
        known.set(index, differs);
      }
      return differs === true;
    };
  }

  /** An entry is not what it was. */
  #changed(table: Table, index: number, write: TableWrite): void {
    const { entryBytes, levels } = table;
    table.writes ??= new TableWrites(PAGE_BYTES / entryBytes);
    table.writes.put(index, write);
    for (const level of LEVELS) {
      if ((levels & tableBit(level)) === 0) continue;
      if (write.after !== null) this.#linked(write.after, level, entryBytes, write.address);
      if (write.after === null || saysElse(write.before, write.after, level, entryBytes))
        for (const core of this.#cores) this.#suspect(core, level, index, entryBytes, write);
    }
  }

  /** An entry leads to a table now. */
  #linked(entry: bigint, level: number, entryBytes: 4 | 8, address: number): void {
    const child = childOf(entry, level, entryBytes);
    if (child < 0) return;
    const known = this.#tables.get(child);
    if (known !== undefined && known.entryBytes === entryBytes) this.#tables.link(known, address);
    if (this.#isRecording && this.#memory.frameForRead(child) !== 0)
      this.#tables.add(child, level - 1, entryBytes, address);
  }

  #suspect(core: Core, level: number, index: number, entryBytes: 4 | 8, write: TableWrite): void {
    const isRunning = suspectEntry(core, level, index, entryBytes, (slot) => {
      const { writes } = this.#suspicionOf(core, slot);
      if (writes.at(-1) !== write) writes.push(write);
      if (writes.length > MOST_WRITES) writes.splice(1, 1);
    });
    // The rest of the trace under way was fetched before; the next instruction is to be fetched anew.
    if (isRunning && core === this.#processor.core) this.#processor.requestExit();
  }

  /** Bytes of a table are about to change, and no instruction says so. */
  #written(page: number, offset: number, length: number): void {
    const table = this.#tables.get(page);
    if (this.#isOwn || table === undefined) return;
    const { entryBytes } = table;
    const { core } = this.#processor;
    for (let index = Math.floor(offset / entryBytes); index * entryBytes < offset + length; index++) {
      const address = physical(page * PAGE_BYTES + index * entryBytes);
      const before = this.#tables.entryAt(address, entryBytes);
      const rip = this.#processor.instructionRip;
      this.#changed(table, index, {
        address,
        by: "other",
        cpu: core.index,
        rip,
        instant: this.#now(),
        before,
        after: null,
      });
    }
  }

  /** The tables of a walk are tables. */
  #learn({ paging, steps }: PageWalk): void {
    let parent = -1;
    for (const step of steps) {
      const isRegister = paging === "PAE" && step.level === "PDPTE";
      this.#tables.add(Math.floor(step.address / PAGE_BYTES), LEVEL_OF[step.level], step.size, parent);
      parent = isRegister ? -1 : step.address;
    }
  }

  /** What is known against the translation in a slot; what was known against one that was there before is forgotten. */
  #suspicionOf(core: Core, slot: TlbSlot): Suspicion {
    const suspicions = this.#suspicions[core.index]!;
    const number = numberOf(slot);
    const known = suspicions.get(number);
    const of = slotEntry(core, slot);
    if (known !== undefined && isSameEntry(known.of, of)) return known;
    const suspicion = { of, writes: [], root: null, isTold: false, told: [], rightUses: 0 };
    suspicions.set(number, suspicion);
    return suspicion;
  }

  /** The translation in a slot was used for something that memory allows, too, but allows more than that. `differs` are TLB_FLAG bits. */
  #tolerate(core: Core, slot: TlbSlot, differs: number): void {
    if (slot.kind === "data" && (differs & TLB_FLAG.user) === 0) trustReads(core, slot);
    else if (++this.#suspicionOf(core, slot).rightUses > MOST_RIGHT_USES) this.#trust(core, slot);
  }

  /** The translation in a slot is what memory says. */
  #trust(core: Core, slot: TlbSlot): void {
    this.#suspicions[core.index]!.delete(numberOf(slot));
    trust(core, slot);
  }

  #suspectAll(): void {
    for (const core of this.#cores)
      suspectWhere(
        core,
        null,
        () => true,
        () => undefined,
      );
  }

  /** What is cached for PCIDs whose root is a page that is not watched any more. */
  #suspectRoot(core: Core, page: number): void {
    const pcids = new Set<number>();
    for (const [pcid, root] of this.#roots[core.index]!) if (root === page) pcids.add(pcid);
    if (pcids.size === 0) return;
    const isIts = (_lo: number, _hi: number, flags: number, pcid: number): boolean =>
      (flags & TLB_FLAG.global) === 0 && pcids.has(pcid);
    suspectWhere(core, null, isIts, () => undefined);
  }

  #forgetSuspicions(): void {
    for (const suspicions of this.#suspicions) suspicions.clear();
    for (const roots of this.#roots) roots.clear();
  }
}

const isSameEntry = (a: SlotEntry, b: SlotEntry): boolean =>
  a.page === b.page && a.flags === b.flags && a.pcid === b.pcid && a.lo === b.lo && a.hi === b.hi;

const numberOf = ({ kind, index }: TlbSlot): number => (kind === "data" ? index : ~index);
