/** Compares the emulator's result of an integer case with the host's, and tells differences so that they can be read and repeated. */
import type { Result } from "./case.ts";
import { TIMED_OUT } from "./case.ts";
import { ALL_FLAGS, STRING } from "./forms.ts";
import type { IntegerCase } from "./generator.ts";
import { isMakersOwn, makersFlags, sharesFaultAddress } from "./maker.ts";

const LOW = 0xffff_ffffn;
/** RFLAGS bits that are compared: status flags, TF, IF, DF, IOPL, NT, RF, AC and ID. */
const COMPARED_FLAGS = 0x25_7fd5;
/** Above this, Linux reports a present page whatever the tables say. */
const USER_END = 0x7fff_ffff_f000n;
const GPR = [
  "rax",
  "rcx",
  "rdx",
  "rbx",
  "rsp",
  "rbp",
  "rsi",
  "rdi",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
] as const;
const SELECTORS = ["es", "cs", "ss", "ds", "fs", "gs"] as const;

const nulled = (selector: number): number => (selector < 4 ? 0 : selector);

const hex = (value: number | bigint): string => value.toString(16);

/** The names of flags in a mask. */
function flagNames(mask: number): string {
  const names = [
    "cf",
    "",
    "pf",
    "",
    "af",
    "",
    "zf",
    "sf",
    "tf",
    "if",
    "df",
    "of",
    "iopl",
    "iopl",
    "nt",
    "",
    "rf",
    "vm",
    "ac",
    "vif",
    "vip",
    "id",
  ];
  return names.filter((name, i) => name !== "" && ((mask >>> i) & 1) !== 0).join(" ");
}

/** What differs, one text for each thing; empty if nothing does. */
export function differences(item: IntegerCase, ours: Result, host: Result): string[] {
  const found: string[] = [];
  // BOUND may compare with the lower bound before it reads the upper one.
  if (item.name === "bound" && host.vector === 5 && ours.vector === 14) return found;
  // A locked access across a cache line: Linux answers the #AC of a split lock by trying again, slowly.
  if (host.vector === TIMED_OUT && (item.code.includes(0xf0) || item.name === "xchg")) return found;
  if (isMakersOwn(item, ours, host)) return found;
  const note = (what: string, a: number | bigint, b: number | bigint): void => {
    if (a !== b) found.push(`${what} ${hex(a)}, host ${hex(b)}`);
  };
  note("vector", ours.vector, host.vector);
  // The two were stopped at different iterations.
  if (ours.vector === TIMED_OUT && host.vector === TIMED_OUT) return found;
  const wide = item.mode.bits === 64 && host.selectors.cs === 0x33;
  // PUSHA, POPA and ENTER access memory several times, and may have done part of it when they fault.
  const partial = /^(pusha|popa|enter)$/.test(item.name) && host.vector >= 10;
  const repeats = STRING.test(item.name) && item.code.includes(0x67);
  for (let n = 0; n < (wide ? 16 : 8); n++) {
    const [a, b] = [ours.gpr[n]!, host.gpr[n]!];
    // Outside 64-bit mode the upper halves are undefined; so is whether a string instruction with 32-bit addresses and no iteration clears them.
    if (partial) continue;
    // LAR leaves the limit's upper bits (19:16) undefined (SDM 2A LAR).
    const isWhole = wide && !(repeats && (b & LOW) === (item.gpr[n]! & LOW));
    const bits = (isWhole ? ~0n : LOW) & (item.name === "lar" ? ~0xf_0000n : ~0n);
    note(GPR[n]!, a & bits, b & bits);
  }
  note("rip", ours.rip, host.rip);
  // Hosts show the status flags of REP CMPS and SCAS only when it is over; here every iteration is an instant with flags of its own.
  const unsettled = /^(cmps|scas)$/.test(item.name) && host.rip === item.rip ? ALL_FLAGS : 0;
  const flags =
    (ours.rflags ^ host.rflags) & COMPARED_FLAGS & ~item.undefinedFlags & ~unsettled & ~makersFlags(item);
  if (flags !== 0) found.push(`flags ${flagNames(flags)}: ${hex(ours.rflags)}, host ${hex(host.rflags)}`);
  // On the way back from the kernel IRET clears the RPL of null selectors.
  for (const name of SELECTORS) note(name, nulled(ours.selectors[name]), host.selectors[name]);
  if (wide) {
    note("fs base", ours.fsBase, host.fsBase);
    note("gs base", ours.gsBase, host.gsBase);
  }
  if (host.vector === 14 && ours.vector === 14) {
    // Which word of its frame IRET or RETF reads first is the processor's affair.
    if (!/^(iret|ret_far)$/.test(item.name) && sharesFaultAddress(item)) note("cr2", ours.cr2, host.cr2);
    const ignored = host.cr2 >= USER_END ? 1 : 0;
    note("error code", ours.error & ~ignored, host.error & ~ignored);
  } else if (host.vector >= 8 && host.vector !== 14 && host.vector !== 16)
    note("error code", ours.error, host.error);
  const list = (result: Result): string =>
    result.changes.map((c) => `${hex(c.offset)}=${hex(c.value)}`).join(" ");
  if (!partial && list(ours) !== list(host))
    found.push(`memory\n      ours ${list(ours)}\n      host ${list(host)}`);
  return found;
}

/** Everything needed to repeat a case by hand. */
export function describe(item: IntegerCase): string {
  const registers = item.gpr
    .slice(0, item.mode.bits === 64 ? 16 : 8)
    .map((value, n) => `${GPR[n]} ${hex(value)}`);
  const selectors = SELECTORS.map((name) => `${name} ${hex(item.selectors[name])}`);
  const memory = item.pokes.map((poke) => `${hex(poke.offset)}=${hex(poke.value)}`);
  return [
    `    code ${[...item.code].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")} at ${hex(item.codeOffset)}, ${item.mode.name}, rip ${hex(item.rip)} rflags ${hex(item.rflags)}`,
    `    ${registers.join(" ")}`,
    `    ${selectors.join(" ")} fsbase ${hex(item.fsBase)} gsbase ${hex(item.gsBase)}`,
    ...(memory.length > 0 ? [`    memory ${memory.join(" ")}`] : []),
  ].join("\n");
}

/** Mismatches by mnemonic: how many, and the shortest case of each in full. */
export class Report {
  readonly #byName = new Map<string, { count: number; item: IntegerCase; texts: string[] }>();
  cases = 0;

  add(item: IntegerCase, texts: string[]): void {
    this.cases++;
    if (texts.length === 0) return;
    const known = this.#byName.get(item.name);
    if (known === undefined) this.#byName.set(item.name, { count: 1, item, texts });
    else {
      known.count++;
      if (item.code.length + item.pokes.length < known.item.code.length + known.item.pokes.length)
        Object.assign(known, { item, texts });
    }
  }

  get mismatches(): number {
    return [...this.#byName.values()].reduce((sum, { count }) => sum + count, 0);
  }

  text(): string {
    return [...this.#byName]
      .sort(([, a], [, b]) => b.count - a.count)
      .map(
        ([name, { count, item, texts }]) => `${name}: ${count}\n  ${texts.join("\n  ")}\n${describe(item)}`,
      )
      .join("\n");
  }
}
