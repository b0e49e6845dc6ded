/** The guest's symbols for the autopsy and the monitor. They are read when somebody asks for a name: most runs end without. */
import type { Core } from "../../emulator/index.ts";
import type { Booted } from "../boot.ts";
import type { Names } from "../expressions/index.ts";
import { loadSymbols } from "../images.ts";
import { machineNames } from "../monitor/names.ts";
import { describeAddress } from "../stack/frame.ts";
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

export class GuestNames {
  readonly #booted: Booted;
  readonly #host: Host;
  #table: SymbolTable | null = null;

  constructor(booted: Booted, host: Host) {
    this.#booted = booted;
    this.#host = host;
  }

  get #symbols(): SymbolTable {
    const { directory, files } = this.#host;
    this.#table ??= loadSymbols(this.#booted, [], directory, files).table;
    return this.#table;
  }

  /** "kmain+4", or null. */
  describe(address: bigint): string | null {
    return describeAddress(this.#symbols, address);
  }

  /** For the monitor, where a symbol stands for its address, with or without `&`: `x/8i kernel_main`. */
  names(core: Core): Names {
    return {
      ...machineNames(core),
      symbol: (name) => {
        const [found] = this.#symbols.symbolsNamed(name);
        return found === undefined ? null : { address: found.address, type: LABEL };
      },
      describe: (address) => this.describe(address),
    };
  }
}
