/**
 * Breakpoints, watchpoints and watched events: what a debugger asked for, and the first thing that met it since the machine was last told to run.
 *
 * Invariant: nothing here changes the guest. The processor is told addresses, pages and kinds of events, before it runs, and asks back; the exact answer is
 * given here. Not part of a machine's saved state.
 */
import type { Clobber, OwnPush } from "../cpu/clobber.ts";
import type { Core } from "../cpu/core.ts";
import { WATCH, type CpuEvent, type WatchedAccess } from "../cpu/event.ts";
import type { Processor } from "../cpu/processor.ts";
import type { TableWrite } from "../cpu/stale.ts";
import type { GuestMemory, TableMemory } from "../memory/guest-memory.ts";
import { PAGE_BYTES, type Instant, type LinearAddress, type PhysicalAddress } from "../numbers.ts";
import { RedZone } from "./red-zone.ts";
import type { StopReason } from "./stop.ts";
import { TableWatch } from "./table-watch.ts";
import type { MachineDebug } from "./types.ts";

type Range = Parameters<MachineDebug["addWatchpoint"]>[1];
type Accepts = (event: CpuEvent, core: Core) => boolean;

const PAGE_SHIFT = 12n;
const LARGEST_LINEAR = (1n << 64n) - 1n;

export class Watches implements MachineDebug {
  readonly #processor: Processor;
  readonly #linear = new Map<bigint, Set<number>>();
  readonly #physical = new Map<number, Set<number>>();
  /** By id: a linear address is a bigint, a guest-physical one a number. */
  readonly #addresses = new Map<number, bigint | number>();
  readonly #ranges = new Map<number, Range>();
  readonly #events = new Map<number, { readonly watch: number; readonly accepts: Accepts }>();
  /** Ids of the breakpoint that `isBreakpoint` last accepted. */
  #hit: readonly number[] = [];
  #stop: StopReason | null = null;
  /** The processor has not been told yet. */
  #isChanged = false;
  /** The processor watches pages. */
  #hadRanges = false;

  /** Hears of everything that the red-zone detector finds, whether somebody stops there or not. */
  onClobber: (clobber: Clobber) => void = () => undefined;
  readonly #redZone: RedZone;
  /** By address. */
  #ownPushes: ReadonlyMap<bigint, OwnPush> = new Map();
  readonly #tables: TableWatch;
  #recordsTables = false;

  constructor(processor: Processor, memory: GuestMemory & TableMemory, now: () => Instant) {
    this.#processor = processor;
    this.#tables = new TableWatch(processor, memory, now);
    this.#tables.report = (use, core) => core.report({ kind: "stale-tlb", use });
    this.#redZone = new RedZone(processor.cores, now, () => processor.instructionRip);
    this.#redZone.report = (clobber, core) => {
      this.onClobber(clobber);
      core.report({ kind: "red-zone", clobber });
    };
    processor.isBreakpoint = (linear, physical) => this.#isBreakpoint(linear, physical);
    for (const core of processor.cores) {
      core.report = (event) => this.#report(core, event);
      core.reportAccess = (access) => this.#reportAccess(core, access);
    }
  }

  addBreakpoint(id: number, address: LinearAddress | PhysicalAddress, space: "linear" | "physical"): void {
    this.#forget(id);
    if (space === "linear") {
      const at = BigInt.asUintN(64, BigInt(address));
      put(this.#linear, at, id);
      this.#addresses.set(id, at);
    } else {
      put(this.#physical, Number(address), id);
      this.#addresses.set(id, Number(address));
    }
    this.#isChanged = true;
  }

  addWatchpoint(id: number, range: Range): void {
    this.#forget(id);
    this.#ranges.set(id, range);
    this.#isChanged = true;
  }

  addEvent(id: number, watch: number, accepts: Accepts): void {
    this.#forget(id);
    this.#events.set(id, { watch, accepts });
    this.#isChanged = true;
  }

  remove(id: number): void {
    this.#forget(id);
  }

  clear(): void {
    this.#linear.clear();
    this.#physical.clear();
    this.#addresses.clear();
    this.#ranges.clear();
    this.#events.clear();
    this.#isChanged = true;
  }

  set ownPushes(pushes: readonly OwnPush[]) {
    this.#ownPushes = new Map(pushes.map((push) => [push.address, push]));
    this.#isChanged = true;
  }
  get ownPushes(): readonly OwnPush[] {
    return [...this.#ownPushes.values()];
  }
  get isRedZoneWatched(): boolean {
    for (const { watch } of this.#events.values()) if ((watch & WATCH.redZone) !== 0) return true;
    return false;
  }
  get liveBelow(): MachineDebug["liveBelow"] {
    return this.#redZone.live;
  }
  set liveBelow(live: MachineDebug["liveBelow"]) {
    this.#redZone.live = live;
  }

  /** Another state was loaded, or the machine was reset: what has been seen says nothing about what comes. */
  forget(): void {
    this.#stop = null;
    this.#redZone.forget();
    this.#tables.forget();
  }

  get recordsTables(): boolean {
    return this.#recordsTables;
  }
  set recordsTables(records: boolean) {
    if (records === this.#recordsTables) return;
    this.#recordsTables = records;
    this.#isChanged = true;
    this.settle();
  }

  tableWriter(address: PhysicalAddress): TableWrite | null {
    return this.#tables.writer(address);
  }

  /** Tells the processor what has come and gone since it last ran: thousands at once cost no more than one. */
  settle(): void {
    this.#tables.settle();
    if (!this.#isChanged) return;
    this.#isChanged = false;
    this.#tell();
  }

  /** The breakpoint at which a processor says it stands. */
  breakpoint(cpu: number): StopReason {
    return { kind: "breakpoint", cpu, ids: this.#hit };
  }

  /** The first watched access or event since this was last asked, if any. */
  takeStop(): StopReason | null {
    const stop = this.#stop;
    this.#stop = null;
    return stop;
  }

  #forget(id: number): void {
    const address = this.#addresses.get(id);
    if (address !== undefined) {
      this.#addresses.delete(id);
      take(typeof address === "bigint" ? this.#linear : this.#physical, address, id);
      this.#isChanged = true;
    }
    if (this.#ranges.delete(id)) this.#isChanged = true;
    if (this.#events.delete(id)) this.#isChanged = true;
  }

  #tell(): void {
    const linearPages = new Set<bigint>();
    const physicalPages = new Set<number>();
    for (const range of this.#ranges.values()) {
      if (range.length <= 0) continue;
      if (range.space === "linear") {
        const first = BigInt(range.address);
        const end = first + BigInt(range.length) - 1n;
        const last = end > LARGEST_LINEAR ? LARGEST_LINEAR : end;
        for (let page = first >> PAGE_SHIFT; page <= last >> PAGE_SHIFT; page++)
          linearPages.add(page << PAGE_SHIFT);
      } else {
        const first = Number(range.address);
        const last = Math.floor((first + range.length - 1) / PAGE_BYTES);
        for (let page = Math.floor(first / PAGE_BYTES); page <= last; page++) physicalPages.add(page);
      }
    }
    let watched = 0;
    for (const { watch } of this.#events.values()) watched |= watch;
    const linear = new Set(this.#linear.keys());
    if ((watched & WATCH.redZone) !== 0) for (const address of this.#ownPushes.keys()) linear.add(address);
    this.#processor.setBreakpoints(linear, new Set(this.#physical.keys()));
    // It costs the processor its tags.
    if (this.#ranges.size > 0 || this.#hadRanges) this.#processor.setWatchedPages(linearPages, physicalPages);
    this.#hadRanges = this.#ranges.size > 0;
    for (const core of this.#processor.cores) core.watched = watched;
    this.#redZone.isOn = (watched & WATCH.redZone) !== 0;
    this.#tables.turn((watched & WATCH.staleTlb) !== 0, this.#recordsTables);
  }

  #isBreakpoint(linear: bigint, physical: PhysicalAddress): boolean {
    const push = this.#ownPushes.get(linear);
    if (push !== undefined && this.#redZone.isOn) {
      this.#redZone.pushing(this.#processor.core, push);
      // The stop says why; as at any breakpoint, the instruction has not been executed.
      if (this.#stop !== null) return true;
    }
    const atLinear = this.#linear.get(linear);
    const atPhysical = this.#physical.get(physical);
    if (!atLinear && !atPhysical) return false;
    this.#hit = [...(atLinear ?? []), ...(atPhysical ?? [])];
    return true;
  }

  #report(core: Core, event: CpuEvent): boolean {
    if (this.#stop !== null) return false;
    const bit = EVENT_BIT[event.kind];
    for (const [id, { watch, accepts }] of this.#events) {
      if ((watch & bit) === 0 || !accepts(event, core)) continue;
      this.#stop = { kind: "event", cpu: core.index, id, event, rip: this.#processor.instructionRip };
      this.#processor.requestExit();
      return true;
    }
    return false;
  }

  #reportAccess(core: Core, access: WatchedAccess): void {
    if (this.#stop !== null) return;
    for (const [id, range] of this.#ranges) {
      if (range.access !== "readWrite" && (range.access === "write") !== access.write) continue;
      if (!overlaps(range, access)) continue;
      const rip = this.#processor.instructionRip;
      this.#stop = { kind: "watchpoint", cpu: core.index, id, access, rip };
      this.#processor.requestExit();
      return;
    }
  }
}

/** WATCH bits by kind of event. */
const EVENT_BIT: Readonly<Record<CpuEvent["kind"], number>> = {
  exception: WATCH.exception,
  interrupt: WATCH.interrupt,
  mode: WATCH.mode,
  control: WATCH.control,
  msr: WATCH.msr,
  port: WATCH.port,
  mmio: WATCH.mmio,
  privilege: WATCH.privilege,
  "red-zone": WATCH.redZone,
  "stale-tlb": WATCH.staleTlb,
};

function overlaps(range: Range, access: WatchedAccess): boolean {
  if (range.space === "physical") {
    const start = Number(range.address);
    return access.physical < start + range.length && access.physical + access.size > start;
  }
  const start = BigInt(range.address);
  return access.linear < start + BigInt(range.length) && access.linear + BigInt(access.size) > start;
}

function put<Address>(map: Map<Address, Set<number>>, address: Address, id: number): void {
  const ids = map.get(address);
  if (ids) ids.add(id);
  else map.set(address, new Set([id]));
}

function take<Address>(map: Map<Address, Set<number>>, address: Address, id: number): void {
  const ids = map.get(address);
  ids?.delete(id);
  if (ids?.size === 0) map.delete(address);
}
