/**
 * The red-zone detector: sees events that do not change stacks overwrite the 128 bytes below RSP, and the interrupted code read them.
 *
 * At such a delivery the bytes below RSP are copied before the processor pushes. At the IRET that returns to the same place they are compared: what the push and
 * the handler have changed is known then. From there on accesses to the stack's page are looked at until the interrupted function has read a changed byte, has
 * written them all, has returned, or has had `MOST_ACCESSES` of them. No ordinary store is ever looked at. A function of which it is known that it keeps
 * nothing below RSP costs one question per event; those of which nothing is known are looked at as often as `CREDIT` allows, and so are events with an IST.
 * Invariant: nothing here changes the guest, and what is reported is a function of the run: of deliveries, IRETs and accesses in program order, which both
 * engines report alike. Not part of a machine's saved state: a state that is loaded begins without memories.
 * Elsewhere: which bytes are live (whoever sets `live`), what a report means to a person (`debug-adapter/red-zone/`).
 */
import {
  RED_ZONE_BYTES,
  type Clobber,
  type ClobberRead,
  type LiveBytes,
  type OwnPush,
  type StackEvent,
  type StackHook,
} from "../cpu/clobber.ts";
import type { Core } from "../cpu/core.ts";
import type { DeliveryKind } from "../cpu/event.ts";
import { MODE, RUN } from "../cpu/layout.ts";
import { tagged } from "../cpu/system/access.ts";
import { BY } from "../cpu/system/paging.ts";
import type { Instant } from "../numbers.ts";

/** Events whose IRET is waited for, over all CPUs. A scheduler may have one per task; a handler that never returns falls out at the end. */
const MOST_PENDING = 64;
/** Instants for which an IRET is waited for: IRETs are slower while one is. */
const LONGEST_WAIT = 200_000_000;
/** Accesses to the stack's page that are looked at after an IRET: where the function's live bytes are known, and where they are not. */
const MOST_ACCESSES = { known: 1_000_000, unknown: 128 } as const;
/**
 * What may be spent on functions of which nothing is known and on events with an IST, in accesses that are looked at (a few microseconds each): so much at once, and one more every so many
 * instants, which is one or two hundredths of the time. An event costs as much as some accesses. A find is worth everything.
 */
const CREDIT = { most: 4096, instants: 40_000, event: 8, ist: 2 } as const;
/** How far below the interrupted RSP the function's callees may be before it must be another stack. */
const SAME_STACK = 1n << 14n;
/** Bytes that an event with an error code pushes. */
const LONGEST_FRAME = 48n;
const PAGE_MASK = ~0xfffn;
const SIZE = BigInt(RED_ZONE_BYTES);

/** An event whose IRET has not come. */
interface Pending {
  readonly event: StackEvent;
  /** What was below RSP; null of an event that changed stacks. */
  readonly before: Uint8Array | null;
  readonly live: LiveBytes | null;
  /** 1 where a change has been reported as latent. */
  readonly told: Uint8Array;
}

/** Accesses of a CPU that are looked at. */
interface Watched {
  readonly event: StackEvent;
  readonly before: Uint8Array;
  /** What the event has left; null of a push of the function's own that is under way. */
  after: Uint8Array | null;
  readonly live: LiveBytes | null;
  /** 1 for a byte that is not what the interrupted function left there. */
  readonly changed: Uint8Array;
  left: number;
}

/** What is below RSP between `interrupting` and `interrupted`. */
interface Interrupted {
  rip: bigint;
  rsp: bigint;
  privilege: number;
  /** 64-bit code. */
  isWide: boolean;
  before: Uint8Array | null;
  live: LiveBytes | null;
}

export class RedZone implements StackHook {
  readonly #cores: readonly Core[];
  readonly #now: () => Instant;
  readonly #instructionRip: () => bigint;
  /** Which bytes below RSP are live at a CPU's RIP; null: unknown. */
  live: (core: Core) => LiveBytes | null = () => null;
  /** Hears of everything that is found. */
  report: (clobber: Clobber, core: Core) => void = () => undefined;

  #credit: number = CREDIT.most;
  /** When credit was last given. */
  #credited = 0;
  /** Latest last. */
  #pending: Pending[] = [];
  readonly #watched: (Watched | null)[];
  readonly #interrupted: Interrupted = {
    rip: 0n,
    rsp: 0n,
    privilege: 0,
    isWide: false,
    before: null,
    live: null,
  };

  constructor(cores: readonly Core[], now: () => Instant, instructionRip: () => bigint) {
    this.#cores = cores;
    this.#now = now;
    this.#instructionRip = instructionRip;
    this.#watched = cores.map(() => null);
  }

  get isOn(): boolean {
    return this.#cores[0]?.stackHook === this;
  }
  set isOn(on: boolean) {
    if (on === this.isOn) return;
    for (const core of this.#cores) core.stackHook = on ? this : null;
    this.forget();
  }

  /** Another state was loaded, or the machine was reset. */
  forget(): void {
    this.#pending = [];
    this.#credit = CREDIT.most;
    this.#credited = this.#now();
    this.#await();
    for (const core of this.#cores) this.#unwatch(core);
  }

  interrupting(core: Core, ist: number): void {
    const found = this.#interrupted;
    found.privilege = core.cpl;
    found.isWide = (core.mode & MODE.codeSize) === 2;
    found.rip = core.rip;
    found.rsp = core.rsp;
    found.before = found.live = null;
    const watched = this.#watched[core.index] ?? null;
    if (watched !== null) this.#unwatch(core);
    if (ist !== 0 || found.privilege !== 0 || !found.isWide) return;
    found.live = this.live(core);
    if (found.live === null ? !this.#spend(CREDIT.event) : found.live.count === 0) return;
    const before = below(core, found.rsp);
    if (before === null) return;
    found.before = before;
    if (watched === null) return;
    // Interrupted again before the changed bytes were read: what they should be stays what it was.
    const shift = Number(found.rsp - watched.event.rsp);
    if (Math.abs(shift) >= RED_ZONE_BYTES) return;
    for (let n = 0; n < RED_ZONE_BYTES; n++)
      if (watched.changed[n + shift] === 1) before[n] = watched.before[n + shift]!;
  }

  interrupted(core: Core, vector: number, errorCode: number | null, kind: DeliveryKind, ist: number): void {
    const { rip, rsp, privilege, before, live } = this.#interrupted;
    if (ist === 0 ? before === null : !this.#spend(CREDIT.ist)) return;
    const event: StackEvent = {
      cpu: core.index,
      vector,
      kind,
      errorCode,
      gate: core.idtr.base + BigInt(vector * 16),
      ist,
      rip,
      rsp,
      frame: core.rsp,
      handler: core.rip,
      instant: this.#now(),
    };
    if (ist !== 0) {
      const first = privilege === 0 ? this.#userOf(event) : null;
      this.#add({ event, before: null, live: null, told: new Uint8Array(0) });
      if (first !== null) this.#tellTwice(core, first, event);
    } else if (before !== null) {
      const pending: Pending = { event, before, live, told: new Uint8Array(RED_ZONE_BYTES) };
      this.#add(pending);
      this.#tellLatent(core, pending, false);
    }
  }

  returned(core: Core, frame: bigint): void {
    const { rip, rsp } = core;
    const at = this.#pending.findLastIndex(({ event }) => event.rip === rip && event.rsp === rsp);
    const found = this.#pending[at];
    // Whatever else was interrupted with its frame here, or below in the handlers of what is over, has no IRET to come.
    this.#pending = this.#pending.filter(
      ({ event }, index) =>
        index !== at &&
        !(event.frame <= frame && frame - event.frame < LONGEST_FRAME && event.cpu === core.index),
    );
    this.#await();
    if (found === undefined || found.before === null) return;
    this.#tellLatent(core, found, true);
    this.#watch(core, found, found.before);
  }

  accessed(core: Core, low: number, high: number, size: number, kind: "read" | "write" | "modify"): void {
    const watched = this.#watched[core.index] ?? null;
    if (watched === null) return;
    const { event, changed, live } = watched;
    const { rsp } = core;
    if (rsp > event.rsp || event.rsp - rsp > SAME_STACK || --watched.left < 0) return this.#unwatch(core);
    // It has pushed or called: of a function of which nothing is known that is taken for the end of its red zone.
    if (live === null) {
      this.#credit--;
      if (rsp < event.rsp) return this.#unwatch(core);
    }
    if (watched.after === null && !this.#isPushed(core, watched)) return;
    const address = (BigInt(high) << 32n) | BigInt(low);
    const first = Number(BigInt.asIntN(64, address - event.rsp)) + RED_ZONE_BYTES;
    if (first >= RED_ZONE_BYTES || first + size <= 0) return;
    const from = Math.max(first, 0);
    const to = Math.min(first + size, RED_ZONE_BYTES);
    // What is not below RSP any more was pushed and is popped.
    const end = Math.min(to, RED_ZONE_BYTES - Number(event.rsp - rsp));
    if (kind !== "write" && from < end && changed.subarray(from, end).includes(1)) {
      this.#unwatch(core);
      return this.#tellRead(core, watched, { rip: this.#instructionRip(), address, size });
    }
    if (kind === "read") return;
    changed.fill(0, from, to);
    if (!changed.includes(1)) this.#unwatch(core);
  }

  /** A push of the function's own over what it keeps below RSP is next: its bytes are looked at from then on. */
  pushing(core: Core, { kind, from, to }: OwnPush): void {
    this.#unwatch(core);
    const { rip, rsp } = core;
    const before = below(core, rsp);
    if (before === null) return;
    const event: StackEvent = {
      cpu: core.index,
      vector: 0,
      kind,
      errorCode: null,
      gate: 0n,
      ist: 0,
      rip,
      rsp,
      frame: rsp - BigInt(-from),
      handler: 0n,
      instant: this.#now(),
    };
    const mask = new Uint8Array(RED_ZONE_BYTES).fill(1, RED_ZONE_BYTES + from, RED_ZONE_BYTES + to);
    const live = { count: to - from, mask };
    this.#look(core, { event, before, after: null, live, changed: mask.slice(), left: MOST_ACCESSES.known });
    this.report(
      { kind: "latent", event, first: null, before, after: before, live, isOver: false, read: null },
      core,
    );
  }

  /** Whether a push of the function's own is over, whose accesses are not looked at; if so, what it has changed is known. */
  #isPushed(core: Core, watched: Watched): boolean {
    const { event, before, changed } = watched;
    if (this.#instructionRip() === event.rip) return false;
    const after = core.peek(event.rsp - SIZE, RED_ZONE_BYTES);
    if (after.length < RED_ZONE_BYTES) return false;
    watched.after = after;
    for (let n = 0; n < RED_ZONE_BYTES; n++) if (before[n] === after[n]) changed[n] = 0;
    return true;
  }

  /** An earlier event that still uses the stack of the IST which an event has just come on. */
  #userOf({ ist, rsp, frame, cpu }: StackEvent): StackEvent | null {
    // Where the interrupted code of later events stood tells which stacks are in use: a handler on another stack may have been interrupted on its way.
    let inUse = [rsp];
    for (const { event } of this.#pending.toReversed()) {
      if (event.cpu !== cpu || event.ist === 0) continue;
      const isSame = event.ist === ist && event.frame - frame < 16n && frame - event.frame < 16n;
      if (isSame && inUse.some((pointer) => pointer <= event.frame && event.frame - pointer < SAME_STACK))
        return event;
      inUse = [...inUse, event.rsp];
    }
    return null;
  }

  #tellTwice(core: Core, first: StackEvent, event: StackEvent): void {
    const none = new Uint8Array(0);
    this.report(
      { kind: "ist", event, first, before: none, after: none, live: null, isOver: false, read: null },
      core,
    );
  }

  #tellLatent(core: Core, { event, before, live, told }: Pending, isOver: boolean): void {
    if (before === null || live === null) return;
    const after = below(core, event.rsp);
    if (after === null) return;
    let isNew = false;
    for (let n = 0; n < RED_ZONE_BYTES; n++)
      if (live.mask[n] === 1 && told[n] === 0 && before[n] !== after[n]) {
        told[n] = 1;
        isNew = true;
      }
    if (isNew)
      this.report({ kind: "latent", event, first: null, before, after, live, isOver, read: null }, core);
  }

  #tellRead(core: Core, { event, before, after, live }: Watched, read: ClobberRead): void {
    this.#credit = CREDIT.most;
    if (after !== null)
      this.report({ kind: "confirmed", event, first: null, before, after, live, isOver: true, read }, core);
  }

  /** From now on the CPU's accesses to the page below `event.rsp` are looked at, if there is something to find. */
  #watch(core: Core, { event, live }: Pending, before: Uint8Array): void {
    const after = below(core, event.rsp);
    if (after === null) return;
    const changed = new Uint8Array(RED_ZONE_BYTES);
    for (let n = 0; n < RED_ZONE_BYTES; n++)
      if (before[n] !== after[n] && live?.mask[n] !== 0) changed[n] = 1;
    if (!changed.includes(1)) return;
    const left = live === null ? MOST_ACCESSES.unknown : MOST_ACCESSES.known;
    this.#look(core, { event, before, after, live, changed, left });
  }

  #look(core: Core, watched: Watched): void {
    const { event, changed } = watched;
    this.#watched[core.index] = watched;
    const from = changed.indexOf(1);
    const to = changed.lastIndexOf(1);
    const page = (n: number): bigint => (event.rsp - SIZE + BigInt(n)) & PAGE_MASK;
    core.watchStack(page(from), page(to));
  }

  #unwatch(core: Core): void {
    if (this.#watched[core.index] === null) return;
    this.#watched[core.index] = null;
    core.watchStack(-1n, -1n);
  }

  /** Takes what looking at an event costs, if it is there. */
  #spend(cost: number): boolean {
    const given = Math.floor((this.#now() - this.#credited) / CREDIT.instants);
    this.#credited += given * CREDIT.instants;
    this.#credit = Math.min(CREDIT.most, this.#credit + given);
    if (this.#credit <= 0) return false;
    this.#credit -= cost;
    return true;
  }

  #add(pending: Pending): void {
    const { instant, frame, rsp, cpu } = pending.event;
    this.#pending = this.#pending.filter(
      ({ event }) =>
        event.instant > instant - LONGEST_WAIT &&
        // Its frame is being overwritten, so nobody will return through it.
        !(event.cpu === cpu && event.frame < rsp && frame < event.rsp && event.ist === 0),
    );
    if (this.#pending.length >= MOST_PENDING) this.#pending.shift();
    this.#pending.push(pending);
    this.#await();
  }

  #await(): void {
    const awaits = this.#pending.length > 0;
    for (const core of this.#cores) core.awaitsReturn = awaits;
  }
}

/** A copy of the 128 bytes below `rsp`, by the translations there are: nothing is filled. Null if not all is mapped. */
function below(core: Core, rsp: bigint): Uint8Array | null {
  core.setQuad(RUN.address, rsp - SIZE);
  const host = tagged(core, RED_ZONE_BYTES, false, BY.system);
  if (host !== 0) return core.host.u8.slice(host, host + RED_ZONE_BYTES);
  const bytes = core.peek(BigInt.asUintN(64, rsp - SIZE), RED_ZONE_BYTES);
  return bytes.length === RED_ZONE_BYTES ? bytes : null;
}
