/**
 * `-m`, memory backends and DIMMs: gathered while a command line is read, checked against each other at its end, in QEMU's order and with its texts.
 *
 * Elsewhere: single options as data (`dimm.ts`), the rules (`emulator/memory/dimm.ts`), files behind backends (`debug-adapter/memory-files.ts`).
 */
import {
  backendRefusal,
  limitsRefusal,
  planDimm,
  type Dimm,
  type DimmConfig,
  type MachineConfig,
  type MemoryBackendConfig,
} from "../../emulator/index.ts";
import { OPTION, parseBackend, parseDimm } from "./dimm.ts";
import { PropertyRefusal, Refusal } from "./refusal.ts";
import { keyValues, parseSize } from "./words.ts";

const MIB = 2 ** 20;
const DEFAULT_RAM = 128 * MIB;
/** QEMU rounds the size of RAM up to this. */
const RAM_UNIT = 8192;
/** RAMBlocks that the machine makes itself, of those whose names could be a backend's. */
const OWN_BLOCKS: readonly string[] = ["pc.bios", "pc.rom"];

/** Properties of a backend that no guest sees. */
const UNSEEN: readonly string[] = [
  "merge",
  "dump",
  "prealloc",
  "prealloc-threads",
  "reserve",
  "discard-data",
];

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export class MemoryTable {
  readonly #size: { bytes: number | null; slots?: number; most?: number } = { bytes: null };
  readonly #backends: MemoryBackendConfig[] = [];
  readonly #dimms: { readonly config: DimmConfig; readonly text: string }[] = [];
  readonly #notes: string[];
  /** `-machine memory-backend=` */
  ramBackend: string | null = null;

  constructor(notes: string[]) {
    this.#notes = notes;
  }

  /** `-m`; what is given again replaces what was given before, key by key. */
  size(text: string): void {
    const refuse = (words: string): Refusal => new Refusal(`-m ${text}: ${words}`);
    const bytes = (key: string, value: string, unit: number): number => {
      const parsed = parseSize(value, unit);
      if (parsed === null)
        throw refuse(
          `Parameter '${key}' expects a non-negative number below 2^64\nOptional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.`,
        );
      return parsed;
    };
    for (const [key, value] of keyValues(text, "size")) {
      if (key === "size") this.#size.bytes = bytes(key, value, MIB);
      else if (key === "maxmem") this.#size.most = bytes(key, value, 1);
      else if (key === "slots") {
        if (!/^-?(?:0x[0-9a-f]+|\d+)$/i.test(value)) throw refuse("Parameter 'slots' expects a number");
        const count = value.startsWith("-") ? 2 ** 64 - Number(value.slice(1)) : Number(value);
        if (count >= 2 ** 53)
          throw new Refusal(`unsupported amount of memory slots: ${BigInt.asUintN(64, BigInt(value))}`);
        this.#size.slots = count;
      } else throw refuse(`Invalid parameter '${key}'`);
    }
  }

  /** `-object memory-backend-…` */
  object(
    type: MemoryBackendConfig["type"],
    text: string,
    values: ReadonlyMap<string, string>,
    others: ReadonlySet<string>,
  ): void {
    const backend = within(`-object ${text}`, () => parseBackend(type, values, OPTION));
    if (others.has(backend.id) || this.#backends.some(({ id }) => id === backend.id))
      throw new Refusal(`-object ${text}: Duplicate ID '${backend.id}' for object`);
    this.#backends.push(backend);
    for (const [key, value] of values)
      if (UNSEEN.includes(key))
        this.#notes.push(
          `-object ${type},${key}=${value} has no effect: it says what QEMU is to do with the host's memory`,
        );
  }

  /** `-device pc-dimm` */
  device(text: string, values: ReadonlyMap<string, string>): void {
    const config = within(`-device ${text}`, () => parseDimm(values));
    if (config.id !== undefined && this.#dimms.some((other) => other.config.id === config.id))
      throw new Refusal(`-device ${text}: Duplicate ID '${config.id}' for device`);
    this.#dimms.push({ config, text });
  }

  /** Checks everything against everything, and puts it into the machine. */
  resolve(machine: Writable<MachineConfig>): void {
    const { bytes, slots, most } = this.#size;
    const ram = this.ramBackend === null ? null : this.#backends.find(({ id }) => id === this.ramBackend);
    if (ram === undefined) throw new Refusal(`Memory backend '${this.ramBackend}' not found`);
    const given = bytes === null || bytes === 0 ? null : roundUp(bytes, RAM_UNIT);
    machine.ramBytes = ram?.sizeBytes ?? given ?? DEFAULT_RAM;
    if (slots !== undefined) machine.slots = slots;
    if (most !== undefined) machine.maxRamBytes = most;
    // QEMU compares maxmem before it knows of the backend; how far addresses reach it looks at afterwards.
    const { ramBytes, maxRamBelow4G } = machine;
    const wrong =
      limitsRefusal({ ...machine, ramBytes: given ?? DEFAULT_RAM }) ??
      limitsRefusal({ ramBytes, ...(maxRamBelow4G === undefined ? {} : { maxRamBelow4G }) });
    if (wrong !== null) throw new Refusal(wrong);
    for (const backend of this.#backends) {
      const refusal = backendRefusal(backend);
      if (refusal !== null) throw new Refusal(refusal);
      if (backend.id === "pc.ram" && ram === null)
        throw new Refusal(
          `object name 'pc.ram' is reserved for the default RAM backend, it can't be used for any other purposes. Change the object's 'id' to something else`,
        );
      if (OWN_BLOCKS.includes(backend.id))
        throw new Refusal(`RAMBlock "${backend.id}" already registered, abort!`);
    }
    if (ram !== null && given !== null && given !== ram.sizeBytes)
      throw new Refusal("Machine memory size does not match the size of the memory backend");
    if (machine.ramBytes % 4096 !== 0)
      throw new Refusal(`-machine memory-backend=${ram?.id}: its size is not a multiple of 4096 bytes`);
    if (this.#backends.length > 0) machine.memoryBackends = this.#backends;
    if (ram !== null) machine.ramBackend = ram.id;
    this.#plug(machine);
  }

  #plug(machine: Writable<MachineConfig>): void {
    const plugged: Dimm[] = [];
    const dimms: DimmConfig[] = [];
    for (const { config, text } of this.#dimms) {
      const plan = planDimm(config, {
        limits: machine,
        plugged,
        backend: (id) => this.#backends.find((backend) => backend.id === id),
        isMapped: (id) => id === machine.ramBackend || plugged.some(({ memdev }) => memdev === id),
      });
      if (plan.kind === "refusal") throw new Refusal(`-device ${text}: ${plan.text}`);
      const { slot, address, sizeBytes, memdev } = plan;
      plugged.push({ id: config.id ?? null, memdev, slot, address, sizeBytes, node: 0, hotplugged: false });
      dimms.push(config);
    }
    if (dimms.length > 0) machine.dimms = dimms;
  }
}

/** Puts the option in front of what a Refusal says. */
function within<T>(option: string, parse: () => T): T {
  try {
    return parse();
  } catch (refusal) {
    if (!(refusal instanceof Refusal) || refusal instanceof PropertyRefusal) throw refusal;
    throw new Refusal(`${option}: ${refusal.text}`);
  }
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;
