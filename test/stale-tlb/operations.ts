/**
 * A machine that does a list of operations on its paging structures (`operations.asm`), in one paging mode, with everything but a few pages mapped one to one: the
 * list is data, so tests write guests in TypeScript.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  CR0,
  CR4,
  createMachine,
  EFER,
  physical,
  SEG,
  WATCH,
  type Core,
  type Machine,
  type StaleUse,
  type TranslatorMode,
} from "../../emulator/index.ts";
import { made } from "../support/made.ts";

export type Mode = "32-bit" | "PAE" | "4-level";
export const MODES: readonly Mode[] = ["32-bit", "PAE", "4-level"];

const KINDS = ["end", "store", "store4", "high4", "read", "write", "modify", "fetch", "invlpg", "cr3", "cr4", "clear", "signal", "wait"] as const; // oxfmt-ignore
export interface Operation {
  readonly kind: (typeof KINDS)[number];
  readonly at?: bigint;
  readonly value?: bigint;
}

const CODE = 0x100000;
const STACK = 0x200000;
const OPERATIONS = 0x300000;
const IDT = 0x2000;
const GDT = 0x1000;
/** Where tables are: the root first. */
export const TABLES = 0x400000;
export const ROOT = TABLES;
/** RET in every byte: pages to be mapped, also as code. 4 MiB, so that large pages fit. */
export const FRAMES = 0x800000;
const FRAMES_BYTES = 0x400000;
export const OPERATION_BYTES = 32;

const P = 1n;
const RW = 2n;
const PS = 0x80n;

const assembled = new Map<number, Uint8Array>();
function code(bits: 32 | 64): Uint8Array {
  const known = assembled.get(bits);
  if (known !== undefined) return known;
  const folder = fileURLToPath(new URL("../../.cache/guests/", import.meta.url));
  const source = fileURLToPath(new URL("operations.asm", import.meta.url));
  const file = made(`${folder}operations-${bits}.bin`, (out) =>
    execFileSync("nasm", ["-f", "bin", `-DBITS=${bits}`, "-o", out, source]),
  );
  const bytes = new Uint8Array(readFileSync(file));
  assembled.set(bits, bytes);
  return bytes;
}

export interface Setup {
  readonly mode: Mode;
  readonly translator?: TranslatorMode;
  readonly cpus?: number;
}

export const entryBytes = (mode: Mode): 4 | 8 => (mode === "32-bit" ? 4 : 8);
/** CR4 as the machine begins with it. */
export const cr4Of = (mode: Mode): number => (mode === "32-bit" ? CR4.PSE : CR4.PAE) | CR4.PGE;

/** Writes an entry behind the guest's back, before it runs. */
export function poke(machine: Machine, address: number, value: bigint, bytes: 1 | 4 | 8 = 8): void {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, value, true);
  machine.memory.poke(physical(address), data.subarray(0, bytes));
}

/** The machine, about to begin with the operations of `lists`, one list per CPU. */
export function start({ mode, translator = "early", cpus = 1 }: Setup, lists: readonly (readonly Operation[])[]): Machine {
  const machine = createMachine({ ramBytes: 16 << 20, translator, cpus });
  const long = mode === "4-level";
  const bytes = entryBytes(mode);
  machine.memory.poke(physical(CODE), code(long ? 64 : 32));
  machine.memory.poke(physical(FRAMES), new Uint8Array(FRAMES_BYTES).fill(0xc3));
  // The first 16 MiB one to one, in large pages.
  if (mode === "32-bit") for (let n = 0; n < 4; n++) poke(machine, ROOT + n * 4, BigInt(n * 0x400000) | PS | RW | P, 4);
  else {
    const directory = ROOT + 0x2000;
    const pointers = long ? ROOT + 0x1000 : ROOT;
    if (long) poke(machine, ROOT, BigInt(pointers) | RW | P);
    poke(machine, pointers, BigInt(directory) | (long ? RW : 0n) | P);
    for (let n = 0; n < 8; n++) poke(machine, directory + n * 8, BigInt(n * 0x200000) | PS | RW | P, bytes);
  }
  const [begin, handler] = new Uint32Array(code(long ? 64 : 32).slice(0, 8).buffer) as unknown as [number, number];
  poke(machine, GDT + 8, long ? 0xaf9b000000ffffn : 0xcf9b000000ffffn);
  poke(machine, GDT + 16, 0xcf93000000ffffn);
  poke(machine, IDT + 14 * (long ? 16 : 8), BigInt(handler & 0xffff) | (8n << 16n) | (0x8en << 40n) | (BigInt(handler >>> 16) << 48n));
  for (const [n, list] of lists.entries()) {
    const at = OPERATIONS + n * 0x40000;
    for (const [index, { kind, at: address = 0n, value = 0n }] of [...list, { kind: "end" } as Operation].entries()) {
      const to = at + index * OPERATION_BYTES;
      poke(machine, to, BigInt(KINDS.indexOf(kind)));
      poke(machine, to + 8, address);
      poke(machine, to + 16, value);
    }
    enter(machine.cpus[n]!, mode, n, begin);
  }
  return machine;
} // oxfmt-ignore

function enter(core: Core, mode: Mode, n: number, begin: number): void {
  const long = mode === "4-level";
  core.setCr0(CR0.PE);
  core.setCr4(cr4Of(mode));
  core.setCr3(BigInt(ROOT));
  if (mode !== "32-bit") core.setEfer(EFER.NXE | (long ? EFER.LME | EFER.LMA : 0));
  core.setSegment(SEG.cs, { selector: 8, base: 0n, limit: 0xffffffff, attributes: long ? 0xa09b : 0xc09b });
  for (const segment of [SEG.ss, SEG.ds, SEG.es])
    core.setSegment(segment, { selector: 16, base: 0n, limit: 0xffffffff, attributes: 0xc093 });
  core.gdtr = { base: BigInt(GDT), limit: 0x17 };
  core.idtr = { base: BigInt(IDT), limit: 0xfff };
  core.setCr0((CR0.PE | CR0.PG | CR0.WP) >>> 0);
  if (mode === "PAE") loadDirectories(core);
  core.activity = 0;
  core.rsp = BigInt(STACK - n * 0x10000);
  core.rip = BigInt(begin);
  core.setGpr(6, BigInt(OPERATIONS + n * 0x40000));
}

function loadDirectories(core: Core): void {
  // As MOV CR3 does.
  core.setQuad(0x2b0, BigInt(ROOT + 0x2000) | P);
}

/** Number of the operation that a CPU is at. */
export const operationOf = (core: Core): number =>
  Math.floor(((Number(core.gpr(6)) - OPERATIONS) % 0x40000) / OPERATION_BYTES) - 1;

/** Runs to the end, and says what was reported: by number of the operation. */
export function run(machine: Machine, options: { readonly watched?: boolean; readonly slice?: number } = {}): { readonly operation: number; readonly use: StaleUse }[] {
  const found: { operation: number; use: StaleUse }[] = [];
  if (options.watched !== false)
    machine.debug.addEvent(1, WATCH.staleTlb, (event, core) => {
      if (event.kind === "stale-tlb") found.push({ operation: operationOf(core), use: event.use });
      return false;
    });
  for (let rounds = 0; ; rounds++) {
    const stop = machine.run({ instants: options.slice ?? 1e6 });
    if (stop.kind === "dead") return found;
    if (stop.kind !== "limit" || rounds > 1e5) throw new Error(`the guest stopped: ${stop.kind} at ${machine.cpus[0]!.rip.toString(16)}`);
  }
} // oxfmt-ignore
