/**
 * Why an address resolves to a region: the walk that renders a flat view, for one address, with everybody who would have liked to answer.
 *
 * Invariant: the candidate that answers is the flat view's (a test compares them over whole address spaces). Regions are asked in the order in
 * which QEMU's `render_memory_region` draws them: subregions by falling priority, of equal ones the youngest first, then the region itself.
 * Elsewhere: the flat view (`emulator/memory/flat-view.ts`).
 */
import type { MemoryRegion } from "../../emulator/index.ts";
import type { RegionKind, Verdict } from "../../media/protocol.ts";

export interface Candidate {
  readonly region: MemoryRegion;
  /** What of it can be seen, in the address space; exclusive of `end`. */
  readonly start: number;
  readonly end: number;
  /** Address in the space of the region's first byte; below 0 if an alias shows a later part only. */
  readonly base: number;
  readonly parent: Candidate | null;
  readonly depth: number;
  readonly verdict: Verdict;
  /** A sentence. */
  readonly why: string;
}

export interface Resolution {
  /** Containers before what they contain, else in the order in which they are asked. */
  readonly candidates: readonly Candidate[];
  readonly winner: Candidate | null;
}

type Found = { -readonly [Key in keyof Candidate]: Candidate[Key] };

export function regionKind(region: MemoryRegion): RegionKind {
  if (region.alias !== null) return "alias";
  if (!region.terminates) return "container";
  if (region.block === null) return "mmio";
  if (region.ops !== null) return "rom device";
  return region.readonly ? "rom" : "ram";
}

/** The names on the way from the root to a candidate. */
export function pathOf(candidate: Candidate): string[] {
  const names: string[] = [];
  for (let at: Candidate | null = candidate; at !== null; at = at.parent) names.unshift(at.region.name);
  return names;
}

export function resolve(root: MemoryRegion, address: number): Resolution {
  const found: Found[] = [];
  const claims: Found[] = [];
  visit(root, address, 0, 0, root.size, null, found, claims);
  const winner = claims[0] ?? null;
  for (let at: Candidate | null = winner; at !== null; at = at.parent) {
    const passed = at as Found;
    passed.verdict = at === winner ? "answers" : "passes";
    passed.why = at === winner ? answerText(at) : passText(at);
  }
  for (const claim of claims) {
    for (let at: Candidate | null = claim; at !== null && at.verdict === "empty"; at = at.parent) {
      const loser = at as Found;
      loser.verdict = "loses";
      loser.why = winner === null ? "" : lossText(loser, winner);
    }
  }
  return { candidates: found, winner };
}

/** Collects who covers `address` in [clipStart, clipEnd); see `renderRegion` of the flat view. */
function visit(
  region: MemoryRegion,
  address: number,
  containerBase: number,
  clipStart: number,
  clipEnd: number,
  parent: Found | null,
  found: Found[],
  claims: Found[],
): void {
  const base = containerBase + region.address;
  if (address < base || address - base >= region.size) return;
  const start = Math.max(clipStart, base);
  const end = Math.min(clipEnd, base + region.size);
  const here: Found = {
    region,
    start,
    end,
    base,
    parent,
    depth: parent === null ? 0 : parent.depth + 1,
    verdict: "empty",
    why: "It has nothing at this address, so whatever comes after it shows through.",
  };
  found.push(here);
  if (!region.enabled) {
    here.verdict = "disabled";
    here.why = "It is disabled: nothing of it can be seen.";
    here.start = Math.max(base, 0);
    here.end = base + region.size;
    return;
  }
  if (address < clipStart || address >= clipEnd) {
    here.verdict = "outside";
    here.why = `It reaches beyond "${parent?.region.name ?? ""}", and the address is in the part that is cut off.`;
    here.start = Math.max(base, 0);
    here.end = base + region.size;
    return;
  }
  if (region.alias !== null) {
    const { target, offset } = region.alias;
    visit(target, address, base - target.address - offset, start, end, here, found, claims);
    return;
  }
  for (const sub of region.subregions) visit(sub, address, base, start, end, here, found, claims);
  if (region.terminates) claims.push(here);
}

function answerText({ parent }: Candidate): string {
  const container = containerOf(parent);
  if (container === null) return "It is the whole address space, and nothing in it goes before it.";
  return `Nothing that is asked before it in "${container.region.name}" has anything at this address.`;
}

const passText = ({ region }: Candidate): string =>
  region.alias === null
    ? "It contains the one that answers."
    : `A window onto "${region.alias.target.name}", from 0x${region.alias.offset.toString(16)} of it on.`;

/** Why `winner` goes before `loser`: decided where their ways part. */
function lossText(loser: Candidate, winner: Candidate): string {
  const chain = new Set<Candidate>();
  for (let at: Candidate | null = loser; at !== null; at = at.parent) chain.add(at);
  let before: Candidate = winner;
  while (before.parent !== null && !chain.has(before.parent)) before = before.parent;
  const fork = before.parent;
  if (fork === loser) return `Its own subregion "${before.region.name}" goes before it.`;
  let after: Candidate = loser;
  while (after.parent !== null && after.parent !== fork) after = after.parent;
  const [first, second] = [before.region, after.region];
  const where = fork === null ? "" : ` in "${fork.region.name}"`;
  const what = after === loser ? "it" : `"${second.name}", through which it would be seen`;
  return first.priority === second.priority
    ? `"${first.name}" and ${what} have priority ${first.priority}${where}, and the one added last goes first.`
    : `"${first.name}" (priority ${first.priority}) goes before ${what} (priority ${second.priority})${where}.`;
}

function containerOf(candidate: Candidate | null): Candidate | null {
  let at = candidate;
  while (at !== null && at.region.alias !== null) at = at.parent;
  return at;
}
