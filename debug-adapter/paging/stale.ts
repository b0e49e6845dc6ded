/**
 * A stale translation in sentences that a student understands: what the page tables say, what the processor remembers, who changed the one without the other, what the
 * access did because of it, and what is missing.
 *
 * Invariant: says what was found when it was found, and changes nothing. Each line stands alone.
 * Elsewhere: how it is found (`emulator/machine/table-watch.ts`).
 */
import {
  CR4,
  TLB_FLAG,
  type Core,
  type PageWalk,
  type StaleUse,
  type TableWrite,
  type WalkStep,
} from "../../emulator/index.ts";

/** What of a session the sentences need. */
export interface StaleExplainer {
  readonly core: Core;
  /** "kmain+4", or null. */
  readonly describe: (address: bigint) => string | null;
  /** An instruction with its place: "0x… <kmain+4>: mov …". */
  readonly instruction: (rip: bigint) => string;
}

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
const ACCESS = { read: "read", write: "write", fetch: "instruction fetch" } as const;
const PAGE = 4096;

/** One line: "Stale TLB entry: read of 0x40000000 went to the frame at 0x11d000, but the page tables say 0x11e000". */
export function staleText(use: StaleUse): string {
  const { linear, access, cached, now } = use;
  const what = `Stale TLB entry: ${ACCESS[access]} of ${hex(linear)}`;
  if (now.physical === null) return `${what} went to the frame at ${hex(cached.page)}, but ${problem(now)}.`;
  if (now.fault !== null) return `${what} went through although the page tables now forbid it.`;
  const frame = now.physical - (now.physical % PAGE);
  return `${what} went to the frame at ${hex(cached.page)}, but the page tables say ${hex(frame)}.`;
}

/** Why the walk in memory ends without a page. */
const problem = (now: PageWalk): string => now.fault?.why ?? "nothing is mapped there any more";

/** Everything that can be said, line by line. */
export function explainStale(explainer: StaleExplainer, use: StaleUse, rip: bigint): string[] {
  const { core, describe, instruction } = explainer;
  const name = describe(use.linear);
  const lines = [
    staleText(use),
    `${use.access === "fetch" ? "About to run" : "By"} ${instruction(rip)}.`,
    `The page tables changed, but this processor had ${hex(use.linear & ~0xfffn)}${name === null ? "" : ` <${name}>`} in its TLB, where it remembers translations, and was not told to forget it, so it went by what it remembered.`,
    ...changed(explainer, use),
    ...consequence(use),
    ...remedy(core, use),
    ...levels(use),
  ];
  return lines;
}

/** Each level as it is in memory, and where it is known and different, as it was when the TLB remembered it. */
function levels({ now, was: past, cached }: StaleUse): string[] {
  const lines = [`In memory now (${now.paging} paging):`];
  const old = new Map((past?.steps ?? []).map((step) => [step.address, step]));
  const below: WalkStep[] = [];
  for (const step of now.steps) {
    const was = old.get(step.address);
    old.delete(step.address);
    const isSame = was === undefined || was.value === step.value;
    lines.push(
      `  ${step.level} at ${hex(step.address)} = ${hex(step.value)} (${entryText(step)})${isSame ? "" : `; it was ${hex(was.value)}: ${difference(was, step)}`}`,
    );
  }
  for (const step of past?.steps ?? []) if (old.has(step.address)) below.push(step);
  for (const step of below) lines.push(`  before, the walk went on to ${step.level} at ${hex(step.address)} = ${hex(step.value)} (${entryText(step)})`);
  lines.push(`In the TLB: the frame at ${hex(cached.page)}, ${rightsText(cached.flags)}${(cached.flags & TLB_FLAG.global) === 0 ? "" : ", global"}.`);
  return lines;
} // oxfmt-ignore

function entryText({ value, pageBytes, level }: WalkStep): string {
  if ((value & 1n) === 0n) return "not present";
  const to = value & 0xffffffffff000n;
  const flags = [
    pageBytes === 0 ? `table at ${hex(to)}` : pageBytes === PAGE || level === "PTE" ? `frame at ${hex(to)}` : `page of ${pageBytes >= 2 ** 30 ? "1 GiB" : `${pageBytes / 2 ** 20} MiB`} at ${hex(to & ~BigInt(pageBytes - 1))}`,
    (value & 2n) !== 0n ? "writable" : "read-only",
    (value & 4n) !== 0n ? "user" : "supervisor",
    ...((value & (1n << 63n)) !== 0n ? ["no-execute"] : []),
  ];
  return flags.join(", ");
} // oxfmt-ignore

const rightsText = (flags: number): string =>
  [
    (flags & TLB_FLAG.writable) !== 0 ? "writable" : "read-only",
    (flags & TLB_FLAG.user) !== 0 ? "user" : "supervisor",
    (flags & TLB_FLAG.executable) !== 0 ? "executable" : "no-execute",
  ].join(", ");

/** What differs between an entry as it was and as it is. */
function difference(was: WalkStep, is: WalkStep): string {
  const bit = (n: bigint): number => Number((is.value >> n) & 1n);
  const changed = (n: bigint): boolean => ((was.value ^ is.value) >> n) % 2n !== 0n;
  if (changed(0n)) return `present is ${bit(0n)} now`;
  const parts: string[] = [];
  const address = 0xffffffffff000n;
  if (((was.value ^ is.value) & address) !== 0n)
    parts.push(`its address was ${hex(was.value & address)} and is ${hex(is.value & address)}`);
  if (changed(1n)) parts.push(`writable is ${bit(1n)} now`);
  if (changed(2n)) parts.push(`user is ${bit(2n)} now`);
  if (changed(7n) && is.level !== "PTE") parts.push(`page size is ${bit(7n)} now`);
  if (changed(63n)) parts.push(`no-execute is ${bit(63n)} now`);
  return parts.length === 0 ? "nothing that matters here" : parts.join(", ");
}

/** What the access did because of it. */
function consequence({ access, now, cached, linear, isUser }: StaleUse): string[] {
  const at = hex(cached.page + Number(linear & 0xfffn));
  const did = { read: `read ${at}`, write: `wrote to ${at}`, fetch: `fetched code from ${at}` }[access];
  if (now.physical === null)
    return [`So it ${did}, a page that is no longer mapped here, where a processor that had looked would have raised a page fault.`];
  if (now.fault !== null)
    return [`So ${isUser ? "user code" : "it"} ${did} although that is forbidden now (${now.fault.why}): a processor that had looked would have raised a page fault.`];
  return [`So it ${did}, the old frame, and not ${hex(now.physical)}, the new one.`];
} // oxfmt-ignore

/** The instructions that changed it. */
function changed({ instruction }: StaleExplainer, { changes, root, cpu }: StaleUse): string[] {
  const lines = changes.map((change) => `${writerText(change, cpu, instruction)}.`);
  if (root !== null)
    lines.push(
      `CR3 was changed from ${hex(root.before)} to ${hex(root.after)} at instant ${root.instant}, by ${instruction(root.rip)}; this translation was kept, and the new tables say something else.`,
    );
  if (lines.length === 0)
    lines.push("The entry was changed before the detector was on (or before this state was loaded), so who did it is not known.");
  return lines;
} // oxfmt-ignore

/** "The entry at 0x… was changed from 0x… to 0x… at instant …, by 0x… <f+4>: mov …". */
export function writerText(
  { address, by, cpu, rip, instant, before, after }: TableWrite,
  reader: number,
  instruction: (rip: bigint) => string,
): string {
  const what = `The entry at ${hex(address)} was changed from ${hex(before)}${after === null ? "" : ` to ${hex(after)}`} at instant ${instant}`;
  if (by === "other") return `${what}, not by an instruction: by a device (DMA) or the debugger`;
  return `${what}, by ${cpu === reader ? "" : `CPU ${cpu}: `}${instruction(rip)}`;
}

/** What is missing. */
function remedy(core: Core, { linear, cached, changes, root, cpu, now }: StaleUse): string[] {
  const page = hex(linear & ~0xfffn);
  const isGlobal = (cached.flags & TLB_FLAG.global) !== 0;
  const others = changes.length > 0 && changes.every((change) => change.by === "instruction" && change.cpu !== cpu);
  if (root !== null)
    return [
      isGlobal
        ? `The page is global (bit 8 of its entry), so a write of CR3 keeps it: that bit is only for pages that every address space maps alike. Otherwise use INVLPG on ${page}, or clear and set CR4.PGE.`
        : "The PCID was used again for other tables with bit 63 of CR3 set, which keeps what is cached: load CR3 with bit 63 clear, or use INVPCID.",
    ];
  const lines: string[] = [];
  if (others)
    lines.push(
      `The entry was changed by another CPU, and each CPU has a TLB of its own: a TLB shootdown is missing. Send the others an interrupt whose handler executes INVLPG on ${page}, and wait until they have, before the old page is used for something else.`,
      "Until that is done, a processor may use either translation (SDM 3A 4.10.5).",
    );
  else {
    lines.push(
      isGlobal
        ? `Execute INVLPG on ${page} after changing the entry. A write of CR3 is not enough: the page is global, and for all of those CR4.PGE has to be cleared and set.`
        : `Execute INVLPG on ${page} after changing the entry, or write CR3 if much has changed: that makes the processor forget every page that is not global.`,
    );
    const culprit = now.steps.find((step) => step.address === changes[0]?.address);
    if (culprit !== undefined && culprit.level !== "PTE" && culprit.pageBytes === 0)
      lines.push(`A changed ${culprit.level} concerns every page below it: each that may be cached needs INVLPG, or all go with CR3.`);
  }
  if ((core.cr4 & CR4.PCIDE) !== 0) lines.push("PCIDs are in use (CR4.PCIDE): INVLPG concerns the current one and global pages; INVPCID the others.");
  return lines;
} // oxfmt-ignore
