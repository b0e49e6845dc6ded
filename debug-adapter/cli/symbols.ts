/** The guest's symbols for the autopsy and the monitor. They are read when somebody asks for a name: most runs end without. */
import type { Core, Machine } from "../../emulator/index.ts";
import type { Booted } from "../boot.ts";
import type { Names } from "../expressions/index.ts";
import { loadSymbols } from "../images.ts";
import { followKernel, type LinuxKernel } from "../linux/index.ts";
import { machineNames } from "../monitor/names.ts";
import { describeAddress } from "../stack/frame.ts";
import type { StackSubject } from "../stack/picture.ts";
import type { FunctionType, SymbolTable } from "../symbols/index.ts";
import type { Host } from "./host.ts";

/** What has this type decays to its address. */
const LABEL: FunctionType = {
  kind: "function",
  name: "",
  sizeBytes: 0,
  returns: null,
  parameters: [],
  isVariadic: false,
};

export class GuestNames implements StackSubject {
  readonly #booted: Booted;
  readonly #host: Host;
  readonly #vmlinux: string | null;
  #table: SymbolTable | null = null;
  #linux: LinuxKernel | null = null;

  constructor(booted: Booted, host: Host, vmlinux: string | null) {
    this.#vmlinux = vmlinux;
    this.#booted = booted;
    this.#host = host;
  }

  get symbols(): SymbolTable {
    const { directory, files } = this.#host;
    if (this.#table === null) {
      const loaded = loadSymbols(this.#booted, [], this.#vmlinux, directory, files);
      this.#table = loaded.table;
      this.#linux = followKernel(this.#booted, loaded, true);
    }
    // Where the kernel runs is seen when somebody asks for a name.
    for (const core of this.#booted.machine.cpus) this.#linux?.look(core);
    return this.#table;
  }

  get machine(): Machine {
    return this.#booted.machine;
  }

  get isLinux(): boolean {
    return this.symbols.images.length > 0 && this.#linux !== null;
  }

  /** Images without symbols are not described. */
  placeOf(): null {
    return null;
  }

  /** "kmain+4", or null. */
  describe(address: bigint): string | null {
    return describeAddress(this.symbols, address);
  }

  /** For the monitor, where a symbol stands for its address, with or without `&`: `x/8i kernel_main`. */
  names(core: Core): Names {
    return {
      ...machineNames(core),
      symbol: (name) => {
        const [found] = this.symbols.symbolsNamed(name);
        return found === undefined ? null : { address: found.address, type: LABEL };
      },
      describe: (address) => this.describe(address),
    };
  }
}
