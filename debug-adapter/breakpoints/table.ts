/**
 * All breakpoints of a session: what the client set, where that is in the machine, and whether a stop of the machine is one of theirs.
 *
 * The machine watches addresses and never patches memory, so a breakpoint holds when its code is copied there later, and after a reset.
 * Invariant: every id given to the machine maps to one entry here; a restart binds all entries anew and keeps their numbers.
 * Elsewhere: the order in which DAP sets them (`session`), conditions (`condition.ts`), events (`exceptions/filter.ts`).
 */
import {
  assert,
  linear,
  physical,
  type Core,
  type CpuEvent,
  type Machine,
  type StopReason,
} from "../../emulator/index.ts";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { AdapterError, internal } from "../errors.ts";
import { eventVariables, FILTERS, type Filter } from "../exceptions/filter.ts";
import { evaluateText, formatValue, isTrue, Prepared, type Names, type Value } from "../expressions/index.ts";
import { GuestSpace, littleEndian, type Address } from "../memory/space.ts";
import { interpolate, isHit, parseHitCondition, type HitCondition } from "./condition.ts";
import type { DataRange } from "./data.ts";

export type Kind = "source" | "function" | "instruction" | "data" | "exception";

/** What of a client's breakpoint does not depend on its kind. */
export interface Options {
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
  readonly logMessage?: string | undefined;
}

/** Where an entry is in the machine. */
export type Place =
  | { readonly kind: "code"; readonly addresses: readonly Address[] }
  | { readonly kind: "data"; readonly range: DataRange; readonly access: "read" | "write" | "readWrite" }
  | { readonly kind: "event"; readonly filter: Filter };

export interface Entry {
  readonly id: number;
  readonly kind: Kind;
  /** What identifies it among its kind, so that setting it again keeps its number and its hits. */
  readonly key: string;
  readonly condition: Prepared | null;
  readonly hit: HitCondition | null;
  readonly log: string | null;
  hits: number;
  /** Of a data breakpoint on at most 8 bytes: what they were when it was last looked at. */
  value: bigint | null;
  place: Place | null;
  machineIds: number[];
  /** What the client is told. */
  reply: DebugProtocol.Breakpoint;
  /** Finds the place; called when it is set and after every restart. */
  readonly bind: () => Bound;
}

export interface Bound {
  readonly place: Place | null;
  readonly reply: Omit<DebugProtocol.Breakpoint, "id">;
}

/** What deciding about a stop needs. */
export interface Judge {
  /** Names at the current instruction of a CPU. */
  names(core: Core, convenience?: ReadonlyMap<string, Value>): Names;
  log(entry: Entry, text: string): void;
  /** A condition that cannot be evaluated stops, and says why. */
  complain(entry: Entry, error: AdapterError): void;
}

export class BreakpointTable {
  readonly #entries = new Map<number, Entry>();
  readonly #byMachineId = new Map<number, Entry>();
  #nextId = 1;
  #nextMachineId = 1;
  #machine: Machine | null = null;
  #enabled = true;

  /** Replaces all entries of a kind and scope (a source's path); returns what the client is told, in order. */
  set(
    kind: Kind,
    scope: string,
    wanted: readonly { readonly key: string; readonly options: Options; readonly bind: () => Bound }[],
  ): DebugProtocol.Breakpoint[] {
    const prefix = `${kind} ${scope} `;
    const old = new Map<string, Entry>();
    for (const entry of this.#entries.values()) if (entry.key.startsWith(prefix)) old.set(entry.key, entry);
    const replies: DebugProtocol.Breakpoint[] = [];
    for (const { key, options, bind } of wanted) {
      const whole =
        prefix + JSON.stringify([key, options.condition, options.hitCondition, options.logMessage]);
      const known = old.get(whole);
      old.delete(whole);
      if (known !== undefined) {
        const renewed: Entry = { ...known, bind };
        this.#replace(known, renewed);
        this.#bind(renewed);
        replies.push(renewed.reply);
        continue;
      }
      const id = this.#nextId++;
      try {
        const entry: Entry = {
          id,
          kind,
          key: whole,
          condition: prepared(options.condition),
          hit: parseHitCondition(options.hitCondition),
          log: nonEmpty(options.logMessage),
          hits: 0,
          value: null,
          place: null,
          machineIds: [],
          reply: { id, verified: false },
          bind,
        };
        this.#entries.set(id, entry);
        this.#bind(entry);
        replies.push(entry.reply);
      } catch (error) {
        if (!(error instanceof AdapterError)) throw error;
        replies.push({ id, verified: false, message: error.message, reason: "failed" });
      }
    }
    for (const entry of old.values()) {
      this.#release(entry);
      this.#entries.delete(entry.id);
    }
    return replies;
  }

  #replace(old: Entry, renewed: Entry): void {
    this.#entries.set(old.id, renewed);
    for (const id of renewed.machineIds) this.#byMachineId.set(id, renewed);
  }

  /** Binds everything to a new machine; returns the entries whose reply changed. */
  attach(machine: Machine): readonly Entry[] {
    this.#machine = machine;
    for (const entry of this.#entries.values()) {
      entry.hits = 0;
      entry.value = null;
      entry.machineIds = [];
    }
    return this.rebind();
  }

  /** Symbols have come, gone or moved: finds every entry's place again; returns the entries whose reply changed. */
  rebind(): readonly Entry[] {
    const changed: Entry[] = [];
    for (const entry of this.#entries.values()) {
      const before = JSON.stringify(entry.reply);
      this.#bind(entry);
      if (JSON.stringify(entry.reply) !== before) changed.push(entry);
    }
    return changed;
  }

  /** Without debugging (`noDebug`) nothing stops. */
  disable(): void {
    this.#enabled = false;
    for (const entry of this.#entries.values()) this.#release(entry);
  }

  get(id: number): Entry | null {
    return this.#entries.get(id) ?? null;
  }

  #bind(entry: Entry): void {
    this.#release(entry);
    let bound: Bound;
    try {
      bound = entry.bind();
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
      bound = { place: null, reply: { verified: false, message: error.message, reason: "failed" } };
    }
    entry.place = bound.place;
    entry.reply = { ...bound.reply, id: entry.id };
    if (this.#machine !== null && this.#enabled && bound.place !== null)
      this.#install(entry, bound.place, this.#machine);
  }

  #install(entry: Entry, place: Place, { debug }: Machine): void {
    const newId = (): number => {
      const id = this.#nextMachineId++;
      entry.machineIds.push(id);
      this.#byMachineId.set(id, entry);
      return id;
    };
    switch (place.kind) {
      case "code":
        for (const { space, offset } of place.addresses) {
          assert(space !== "ram", "code has an address of the processor's", offset);
          debug.addBreakpoint(newId(), space === "linear" ? linear(offset) : physical(Number(offset)), space);
        }
        return;
      case "data": {
        const { address, length } = place.range;
        assert(
          address.space !== "ram",
          "data breakpoints have an address of the processor's",
          address.offset,
        );
        const at = address.space === "linear" ? linear(address.offset) : physical(Number(address.offset));
        entry.value = this.#watched(entry);
        debug.addWatchpoint(newId(), { space: address.space, address: at, length, access: place.access });
        return;
      }
      case "event":
        if (place.filter.watch !== 0) {
          debug.addEvent(
            newId(),
            place.filter.watch,
            (event, core) => place.filter.accepts(event, core) && this.#judgeEvent(entry, event, core),
          );
        }
    }
  }

  #release(entry: Entry): void {
    for (const id of entry.machineIds) {
      this.#byMachineId.delete(id);
      this.#machine?.debug.remove(id);
    }
    entry.machineIds = [];
  }

  /** Set by the session: conditions need its names. */
  judge: Judge | null = null;
  /** Entries that the last accepted stop belongs to. */
  #hitEntries: readonly Entry[] = [];

  #change: { readonly before: bigint | null; readonly after: bigint | null } = { before: null, after: null };

  /** What the data breakpoint that was hit last watched before and after; null where it watches more than 8 bytes. */
  get change(): { readonly before: bigint | null; readonly after: bigint | null } {
    return this.#change;
  }

  #watched({ place }: Entry, cpu = 0): bigint | null {
    const core = this.#machine?.cpus[cpu];
    if (core === undefined || place?.kind !== "data" || place.range.length > 8) return null;
    const { bytes, why } = new GuestSpace(core).readUpTo(place.range.address, place.range.length);
    return why === null ? littleEndian(bytes) : null;
  }

  get hitEntries(): readonly Entry[] {
    return this.#hitEntries;
  }

  // An event's condition decides while the instruction is under way: what it accepts is a stop.
  #judgeEvent(entry: Entry, event: CpuEvent, core: Core): boolean {
    return this.#counts(entry, core, eventVariables(event));
  }

  /** Whether a stop of the machine is to be shown; counts hits and writes log messages on the way. */
  accepts(stop: StopReason): boolean {
    this.#hitEntries = [];
    const core = (cpu: number): Core => this.#machine!.cpus[cpu]!;
    switch (stop.kind) {
      case "breakpoint": {
        const entries = new Set(
          stop.ids.map((id) => this.#byMachineId.get(id)).filter((entry) => entry !== undefined),
        );
        this.#hitEntries = [...entries].filter((entry) => this.#counts(entry, core(stop.cpu)));
        return this.#hitEntries.length > 0;
      }
      case "watchpoint": {
        const entry = this.#byMachineId.get(stop.id);
        if (entry === undefined || !this.#counts(entry, core(stop.cpu))) return false;
        this.#hitEntries = [entry];
        this.#change = { before: entry.value, after: (entry.value = this.#watched(entry, stop.cpu)) };
        return true;
      }
      case "event": {
        const entry = this.#byMachineId.get(stop.id);
        if (entry === undefined) return false;
        this.#hitEntries = [entry];
        return true;
      }
      case "limit":
      case "idle":
      case "waiting":
        return false;
      case "dead":
      case "triple-fault":
      case "reset":
      case "debug-exit":
      case "power-off":
      case "unimplemented":
      case "out-of-memory":
        return true;
    }
  }

  #counts(entry: Entry, core: Core, convenience?: ReadonlyMap<string, Value>): boolean {
    const { judge } = this;
    if (judge === null) return true;
    if (entry.condition !== null) {
      try {
        const { value } = entry.condition.evaluate(judge.names(core, convenience), { assignments: false });
        if (!isTrue(value)) return false;
      } catch (error) {
        // The machine may be in the middle of an instruction: nothing is thrown through it.
        judge.complain(entry, error instanceof AdapterError ? error : internal("evaluate", error));
        return true;
      }
    }
    entry.hits++;
    if (entry.hit !== null && !isHit(entry.hit, entry.hits)) return false;
    if (entry.log === null) return true;
    const text = interpolate(entry.log, (expression) => {
      try {
        const names = judge.names(core, convenience);
        const { value, format } = evaluateText(expression, names, { assignments: false });
        return formatValue(value, names, format);
      } catch (error) {
        return `<${(error instanceof AdapterError ? error : internal("evaluate", error)).message}>`;
      }
    });
    judge.log(entry, text);
    return false;
  }
}

function prepared(text: string | undefined): Prepared | null {
  const condition = nonEmpty(text);
  return condition === null ? null : new Prepared(condition);
}

const nonEmpty = (text: string | undefined): string | null =>
  text === undefined || text.trim() === "" ? null : text;

export const filterNamed = (id: string): Filter | null => FILTERS.find((filter) => filter.id === id) ?? null;
