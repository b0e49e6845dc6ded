/**
 * What the red-zone detector has found in this session: how often, of which function by which vector, and the last reports in full.
 *
 * Invariant: everything that is found is counted, whether somebody stops there or not; what is kept is bounded.
 */
import type { Clobber, Machine, OwnPush } from "../../emulator/index.ts";
import type { Clock } from "../debuggee.ts";
import type { SymbolTable } from "../symbols/index.ts";
import { Liveness } from "./live.ts";
import { findOwnPushes } from "./own.ts";

const MOST_REPORTS = 100;
const MOST_GROUPS = 256;
const SLICE_MILLISECONDS = 8;
const PATIENCE_MILLISECONDS = 500;

export type Counts = Record<Clobber["kind"], number>;

/** Clobbers of one function by one vector. */
export interface Group {
  /** "leaf", or the address in hexadecimal. */
  readonly functionName: string;
  /** Of the function, or of the interrupted instruction. */
  readonly address: bigint;
  readonly vector: number;
  readonly counts: Counts;
  readonly first: Clobber;
}

export class ClobberLog {
  readonly #machine: Machine;
  readonly #symbols: SymbolTable;
  readonly liveness: Liveness;
  readonly #groups = new Map<string, Group>();
  readonly counts: Counts = { latent: 0, confirmed: 0, ist: 0 };
  #reports: Clobber[] = [];
  #search: Generator<undefined, readonly OwnPush[] | undefined> | null = null;

  /** Listens to a machine. */
  constructor(machine: Machine, symbols: SymbolTable) {
    this.#machine = machine;
    this.#symbols = symbols;
    this.liveness = new Liveness(machine.cpus[0]!, symbols);
    machine.debug.liveBelow = (core) => this.liveness.below(core, core.rip);
    machine.debug.onClobber = (clobber) => this.#add(clobber);
  }

  /** Whether anything is looked for. */
  get isOn(): boolean {
    return this.#machine.debug.isRedZoneWatched;
  }

  /** The most frequent first. */
  get groups(): readonly Group[] {
    const sum = ({ counts }: Group): number => counts.latent + counts.confirmed + counts.ist;
    return [...this.#groups.values()].toSorted((a, b) => sum(b) - sum(a));
  }

  /** The last ones, oldest first. */
  get reports(): readonly Clobber[] {
    return this.#reports.slice(-MOST_REPORTS);
  }

  /**
   * Before the machine runs: finds the functions that push over their own red zone, once. It is done in slices, between which everything else has its turn; a
   * run waits half a second for it at most, and the rest is done while it goes on.
   */
  async prepare(clock: Clock): Promise<void> {
    if (!this.isOn) return;
    this.#search ??= findOwnPushes(this.#symbols);
    const enough = clock.now() + PATIENCE_MILLISECONDS;
    while (this.#searchesOn(clock)) {
      if (clock.now() >= enough) return this.#goOn(clock);
      await clock.turn();
    }
  }

  #goOn(clock: Clock): void {
    void clock.turn().then(() => {
      if (this.#searchesOn(clock)) this.#goOn(clock);
    });
  }

  /** A slice of the search; whether there is more to do. */
  #searchesOn(clock: Clock): boolean {
    const sliceEnd = clock.now() + SLICE_MILLISECONDS;
    do {
      const next = this.#search?.next();
      if (next === undefined) return false;
      if (next.done === true) {
        // What a generator gives after its end is nothing.
        if (next.value !== undefined) this.#machine.debug.ownPushes = next.value;
        return false;
      }
    } while (clock.now() < sliceEnd);
    return true;
  }

  #add(clobber: Clobber): void {
    this.counts[clobber.kind]++;
    this.#reports.push(clobber);
    if (this.#reports.length > MOST_REPORTS * 2) this.#reports = this.#reports.slice(-MOST_REPORTS);
    const { rip, vector, kind } = clobber.event;
    const found = this.#symbols.functionAt(rip);
    const address = found?.low ?? this.#symbols.symbolAt(rip)?.symbol.address ?? rip;
    const key = `${address} ${vector} ${kind === "push" || kind === "call"}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= MOST_GROUPS) return;
      const functionName =
        found?.name ?? this.#symbols.symbolAt(rip)?.symbol.demangled ?? `0x${rip.toString(16)}`;
      group = {
        functionName,
        address,
        vector,
        counts: { latent: 0, confirmed: 0, ist: 0 },
        first: clobber,
      };
      this.#groups.set(key, group);
    }
    group.counts[clobber.kind]++;
  }
}
