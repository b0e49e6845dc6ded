/** A machine whose page tables a test writes by hand: nothing runs in it. */
import {
  CR0,
  CR4,
  createMachine,
  EFER,
  loadPdptes,
  physical,
  SEG,
  type Core,
  type Pc,
} from "../../emulator/index.ts";
import type { TableMode } from "../../media/protocol.ts";
import {
  NO_NAMES,
  PageTables,
  pagingOf,
  type Naming,
  type Paging,
} from "../../debug-adapter/paging/index.ts";
import type { Looked } from "../../debug-adapter/paging/index.ts";

export interface Given {
  readonly mode: TableMode;
  readonly root: number;
  readonly cr4?: number;
  readonly nxe?: boolean;
  readonly wp?: boolean;
  readonly ramBytes?: number;
  readonly cpu?: string;
  readonly naming?: Naming;
}

export class Subject {
  readonly machine: Pc;
  readonly core: Core;
  readonly tables: PageTables;
  readonly #wide: boolean;

  /** `fill` writes the entries; then paging is on. */
  constructor(given: Given, fill: (subject: Subject) => void) {
    const { mode, root, cr4 = 0, nxe = true, wp = true, ramBytes = 64 << 20, cpu, naming = NO_NAMES } = given;
    this.machine = createMachine({ ramBytes, ...(cpu === undefined ? {} : { cpu }) });
    this.core = this.machine.cpus[0]!;
    this.#wide = mode !== "32-bit paging";
    fill(this);
    const { core } = this;
    core.setCr3(BigInt(root));
    const isLong = mode === "4-level" || mode === "5-level";
    core.setCr4(cr4 | (this.#wide ? CR4.PAE : 0) | (mode === "5-level" ? CR4.LA57 : 0));
    core.setEfer((nxe ? EFER.NXE : 0) | (isLong ? EFER.LME | EFER.LMA : 0));
    core.setCr0((CR0.PE | CR0.PG | (wp ? CR0.WP : 0)) >>> 0);
    if (mode === "PAE") loadPdptes(core, root);
    core.setSegment(SEG.cs, {
      selector: 8,
      base: 0n,
      limit: 0xffff_ffff,
      attributes: isLong ? 0xa09b : 0xc09b,
    });
    this.tables = new PageTables(this.machine, () => naming);
  }

  /** Writes an entry of a table at a physical address. */
  put(table: number, index: number, value: bigint): void {
    const bytes = new Uint8Array(this.#wide ? 8 : 4);
    const view = new DataView(bytes.buffer);
    if (this.#wide) view.setBigUint64(0, value, true);
    else view.setUint32(0, Number(value), true);
    this.machine.memory.poke(physical(table + index * bytes.length), bytes);
  }

  /** Writes a whole table. */
  fill(table: number, entry: (index: number) => bigint): void {
    const bytes = new Uint8Array(4096);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 4096 / (this.#wide ? 8 : 4); i++)
      if (this.#wide) view.setBigUint64(i * 8, BigInt.asUintN(64, entry(i)), true);
      else view.setUint32(i * 4, Number(BigInt.asUintN(32, entry(i))), true);
    this.machine.memory.poke(physical(table), bytes);
  }

  get paging(): Paging {
    return pagingOf(this.core)!;
  }
  view(): Looked {
    return this.tables.view(this.paging, false);
  }
}
