/**
 * One linear address, every step: the entries of each level, the physical address, the region and RAMBlock that answer there, the bytes, who may do what and why not,
 * and whether the CPU's TLB still says the same.
 */
import {
  physical as physicalAddress,
  TLB_FLAG,
  tlbEntries,
  type Core,
  type Machine,
  type Memory,
} from "../../emulator/index.ts";
import type { EffectiveRights, PageTablesTranslateBody, TranslateStep } from "../../media/protocol.ts";
import { cellOf, notesOf } from "./entries.ts";
import { effective, flagNames, KIND, RIGHT, valueOf } from "./entry.ts";
import { hex, hexPage, linearPage } from "./mode.ts";
import { describeAddress, symbolText, type Naming } from "./name.ts";
import type { View } from "./view.ts";
import { verdicts, walk, type Walk } from "./walk.ts";

const MOST_BYTES = 16;

/** All but its text. */
export type Translation = Omit<PageTablesTranslateBody, "text">;

/** What a translation is asked of. */
export interface Asked {
  readonly machine: Machine;
  readonly naming: Naming;
}

/** `view` null: paging is off. `core`: the CPU whose tables these are; null: they are nobody's now. */
export function translate(
  view: View | null,
  { machine, naming }: Asked,
  linear: bigint,
  core: Core | null,
): Translation {
  const { memory } = machine;
  if (view === null) return unpaged(memory, naming, linear);
  const { tree } = view;
  const { shape } = tree.paging;
  const page = linearPage(shape, linear);
  if (page === null) return notCanonical(view, linear);
  const found = walk(tree, page);
  const steps = found.steps.map((step, i): TranslateStep => {
    const { height, table, index, address, lo, hi, kind, target, rights } = step;
    const { name, shift, entries, pages } = tree.level(height);
    const path = found.steps.slice(0, i + 1).map((above) => above.table);
    const inherited = found.steps[i - 1]?.rights ?? 7;
    const isPage = kind === KIND.page;
    const first = page - (page % pages);
    const old = view.before.get(table);
    const at = tree.wordIndex(height, index);
    const changed = old !== undefined && (old[at] !== lo || (shape.entryBytes === 8 && old[at + 1] !== hi));
    return {
      level: name,
      table: hexPage(table, height === shape.top ? tree.paging.rootOffset : 0),
      index,
      bits: `${shift + Math.log2(entries) - 1}:${shift}`,
      entry: hex(address),
      value: hex(valueOf(lo, hi)),
      present: kind !== KIND.absent,
      flags: flagNames(tree.format(height), lo, hi, isPage),
      target: kind === KIND.absent ? null : hexPage(target),
      pageBytes: isPage ? pages * 4096 : 0,
      effective: isPage || kind === KIND.table ? effective(rights, tree.paging.controls) : NO_RIGHTS,
      notes: notesOf(view, height, cellOf(index, lo, hi, kind, target, changed), first, inherited, path),
    };
  });
  const offset = Number(linear & 0xfffn);
  const physical = found.physical < 0 ? null : found.physical * 4096 + offset;
  return {
    linear: hex(linear),
    canonical: true,
    mode: shape.mode,
    steps,
    physical: physical === null ? null : hex(physical),
    pageBytes: found.pages * 4096,
    ...(physical === null ? NOWHERE : placeOf(memory, physical)),
    host: physical === null ? null : hostOf(memory, physical),
    bytes: physical === null ? null : bytesAt(memory, physical),
    verdicts: verdicts(tree, found, linear),
    tlb: core === null ? null : cached(core, view, linear, found),
    name: describeAddress(view, naming, page, linear),
  };
}

const NO_RIGHTS: EffectiveRights = { user: "---", supervisor: "---" };
const NOWHERE = { region: null, block: null } as const;

/** Without paging, linear addresses are physical ones and everything is allowed. */
function unpaged(memory: Memory, naming: Naming, linear: bigint): Translation {
  const physical = Number(BigInt.asUintN(52, linear));
  return {
    linear: hex(linear),
    canonical: true,
    mode: null,
    steps: [],
    physical: hex(physical),
    pageBytes: 4096,
    ...placeOf(memory, physical),
    host: hostOf(memory, physical),
    bytes: bytesAt(memory, physical),
    verdicts: [],
    tlb: null,
    name: symbolText(naming, linear),
  };
}

function notCanonical({ tree }: View, linear: bigint): Translation {
  const { mode } = tree.paging.shape;
  return {
    linear: hex(linear),
    canonical: false,
    mode,
    steps: [],
    physical: null,
    pageBytes: 0,
    ...NOWHERE,
    host: null,
    bytes: null,
    verdicts: [],
    tlb: null,
    name: null,
  };
}

/** What answers at a physical address, and where RAM or ROM is kept. */
export function placeOf(memory: Memory, physical: number): Pick<PageTablesTranslateBody, "region" | "block"> {
  const address = physicalAddress(physical);
  const range = memory.addressSpace.find(address);
  const place = memory.locate(address);
  return {
    region:
      range === null
        ? null
        : {
            name: range.region.name,
            type: range.readonly ? "rom" : range.region.type,
            offset: hex(physical - range.start + range.offset),
          },
    block:
      place === null
        ? null
        : { idstr: place.block.idstr, offset: hex(place.offset), ramAddress: hex(place.ramAddress) },
  };
}

/** The frame that holds a byte of RAM or ROM. Frames come and go; untouched pages share one of zeros. */
function hostOf(memory: Memory, physical: number): PageTablesTranslateBody["host"] {
  const frame = memory.frameForRead(Math.floor(physical / 4096));
  return frame === 0 ? null : hex(frame + (physical % 4096));
}

/** base64 of the bytes up to the next multiple of 16; null where no memory is. */
function bytesAt(memory: Memory, physical: number): string | null {
  const at = physicalAddress(physical);
  if (memory.locate(at) === null) return null;
  const length = Math.min(MOST_BYTES, 4096 - (physical % 4096));
  const bytes = memory.readBytes(at, length);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** What the TLB of a CPU holds for a page; the data TLB answers first. */
function cached(core: Core, { tree }: View, linear: bigint, found: Walk): PageTablesTranslateBody["tlb"] {
  const base = linear & ~0xfffn;
  const isGlobal = (flags: number): boolean => (flags & TLB_FLAG.global) !== 0;
  const pcid = tree.paging.controls.pcide ? Number(core.cr3 & 0xfffn) : 0;
  const entry = tlbEntries(core).find(
    (one) => (one.linear & ~0xfffn) === base && (isGlobal(one.flags) || one.pcid === pcid),
  );
  if (entry === undefined) return null;
  const rights =
    ((entry.flags & TLB_FLAG.writable) !== 0 ? RIGHT.write : 0) |
    ((entry.flags & TLB_FLAG.user) !== 0 ? RIGHT.user : 0) |
    ((entry.flags & TLB_FLAG.executable) !== 0 ? RIGHT.execute : 0);
  const page = Math.floor(entry.physical / 4096);
  // One that allows less is found out by the processor itself: it walks again before it faults.
  const stale = found.physical !== page || (rights & ~found.rights) !== 0;
  return { physical: hexPage(page), effective: effective(rights, tree.paging.controls), stale };
}
