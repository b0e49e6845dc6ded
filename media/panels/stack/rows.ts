/**
 * The picture as rows: frames with what lies in them, the stack pointer, the red zone below it; or the words of a stack that nobody runs on.
 *
 * Invariant: rows are made lowest address first and turned round as a whole, so both orders show the same. A row's key is made of what it stands for and is
 * the same at the next stop, as far as that is still there.
 */
import type { RedZoneWindow, StackBody, StackFrame, StackPart, StackSlot } from "../../protocol.ts";

/** Bytes of the red zone in a row: a word, as in the frames. */
export const ZONE_ROW_BYTES = 8;
const ZONE_BYTES = 128;
/** Frames that are unfolded until somebody folds them. */
const OPEN_FRAMES = 3;

interface Common {
  readonly key: string;
  /** Its lowest byte, "0x…"; null where it is no memory. */
  readonly address: string | null;
}
export type Row =
  | (Common & { readonly kind: "frame"; readonly frame: StackFrame; readonly isChosen: boolean })
  | (Common & { readonly kind: "slot"; readonly frame: StackFrame | null; readonly slot: StackSlot })
  | (Common & { readonly kind: "part"; readonly frame: StackFrame | null; readonly part: StackPart })
  | (Common & { readonly kind: "waiting"; readonly frame: StackFrame })
  | (Common & { readonly kind: "pointer"; readonly name: string })
  | (Common & { readonly kind: "zone"; readonly window: RedZoneWindow })
  | (Common & { readonly kind: "bytes"; readonly window: RedZoneWindow; readonly offset: number })
  | (Common & { readonly kind: "gap"; readonly bytes: number })
  | (Common & { readonly kind: "switch"; readonly text: string })
  | (Common & { readonly kind: "more" })
  | (Common & { readonly kind: "end"; readonly text: string });

/** What is folded and unfolded by hand, by key. */
export type Folds = ReadonlyMap<string, boolean>;

export const frameKey = (frame: StackFrame): string =>
  `frame ${frame.low} ${frame.functions.at(-1)?.name ?? ""}`;
const slotKey = (slot: StackSlot): string => `slot ${slot.address}`;
const zoneKey = (window: RedZoneWindow): string => `zone ${window.functionName} ${window.high}`;

export const isOpenFrame = (folds: Folds, frame: StackFrame, isChosen: boolean): boolean =>
  folds.get(frameKey(frame)) ?? (frame.index < OPEN_FRAMES || isChosen);
export const isOpenSlot = (folds: Folds, slot: StackSlot): boolean => folds.get(slotKey(slot)) ?? false;
/** One in which nothing is kept is only said. */
export const isOpenZone = (folds: Folds, window: RedZoneWindow): boolean =>
  folds.get(zoneKey(window)) ?? window.usedBytes !== 0;

/** What has been fetched of a CPU's stack: the first answer, and the frames of all of them. */
export interface Fetched {
  readonly body: StackBody;
  readonly frames: readonly StackFrame[];
  readonly hasMore: boolean;
  readonly end: string | null;
}

/** Rows of a CPU's stack, highest address first or last. */
export function stackRows(
  { body, frames, hasMore, end }: Fetched,
  folds: Folds,
  isHighFirst: boolean,
): Row[] {
  // From the lowest address up.
  const rows: Row[] = [];
  const [own] = body.windows;
  if (own !== undefined && own.frame === 0) rows.push(...zoneRows(own, folds));
  rows.push({ kind: "pointer", key: "pointer", address: body.pointer, name: body.pointerName });
  for (const frame of frames) {
    if (frame.switchedTo !== null)
      rows.push({
        kind: "switch",
        key: `switch ${frame.low}`,
        address: null,
        text: frame.isInterrupted ? "interrupted on another stack" : "on another stack",
      });
    if (frame.alignmentBytes > 0)
      rows.push({ kind: "gap", key: `gap ${frame.low}`, address: null, bytes: frame.alignmentBytes });
    const window = body.windows.find((each) => each.frame === frame.index && each.frame > 0);
    if (window !== undefined) rows.push(...zoneRows(window, folds));
    const isChosen = frame.index === body.chosen;
    if (isOpenFrame(folds, frame, isChosen)) rows.push(...slotRows(frame, folds));
    rows.push({ kind: "frame", key: frameKey(frame), address: frame.low, frame, isChosen });
  }
  if (hasMore) rows.push({ kind: "more", key: "more", address: null });
  else if (end !== null) rows.push({ kind: "end", key: "end", address: null, text: end });
  return ordered(rows, isHighFirst);
}

/** Rows of words without frames. */
export function wordRows(words: readonly StackSlot[], isHighFirst: boolean): Row[] {
  const rows = words.map((slot): Row => ({
    kind: "slot",
    key: slotKey(slot),
    address: slot.address,
    frame: null,
    slot,
  }));
  // They come highest first.
  return isHighFirst ? rows : rows.reverse();
}

function slotRows(frame: StackFrame, folds: Folds): Row[] {
  if (frame.slots === undefined)
    return [{ kind: "waiting", key: `waiting ${frame.low}`, address: null, frame }];
  return frame.slots.flatMap((slot): Row[] => {
    const row: Row = { kind: "slot", key: slotKey(slot), address: slot.address, frame, slot };
    if (slot.parts === undefined || !isOpenSlot(folds, slot)) return [row];
    const parts = slot.parts.map((part): Row => ({
      kind: "part",
      key: `part ${part.address} ${part.name}`,
      address: part.address,
      frame,
      part,
    }));
    return [...parts, row];
  });
}

function zoneRows(window: RedZoneWindow, folds: Folds): Row[] {
  const head: Row = { kind: "zone", key: zoneKey(window), address: null, window };
  if (!isOpenZone(folds, window)) return [head];
  const rows: Row[] = [];
  for (let offset = -ZONE_BYTES; offset < 0; offset += ZONE_ROW_BYTES)
    rows.push({
      kind: "bytes",
      key: `${zoneKey(window)} ${offset}`,
      address: `0x${(BigInt(window.high) + BigInt(offset)).toString(16)}`,
      window,
      offset,
    });
  return [...rows, head];
}

/**
 * What heads a group stands above it in either order: a frame above its words, a zone above its bytes, a slot above its parts.
 */
function ordered(rows: readonly Row[], isHighFirst: boolean): Row[] {
  if (isHighFirst) return rows.toReversed();
  const result: Row[] = [];
  let group: Row[] = [];
  const inner = (row: Row): boolean =>
    row.kind === "slot" || row.kind === "part" || row.kind === "waiting" || row.kind === "bytes";
  let parts: Row[] = [];
  for (const row of rows) {
    if (row.kind === "part") parts.push(row);
    else if (row.kind === "slot") {
      group.push(row, ...parts);
      parts = [];
    } else if (inner(row)) group.push(row);
    else if (row.kind === "frame" || row.kind === "zone") {
      result.push(row, ...group);
      group = [];
    } else {
      result.push(...group, row);
      group = [];
    }
  }
  return [...result, ...group];
}

/** The row in which an address lies, by key; the frame's if that is folded. */
export function rowOf(rows: readonly Row[], address: bigint): string | null {
  let best: { readonly key: string; readonly size: bigint } | null = null;
  for (const row of rows) {
    const range = rangeOf(row);
    if (range === null || !contains(row, address)) continue;
    const size = range.high - range.low;
    if (best === null || size <= best.size) best = { key: row.key, size };
  }
  return best?.key ?? null;
}

/** Whether an address lies in a row. */
export function contains(row: Row, address: bigint): boolean {
  const range = rangeOf(row);
  return range !== null && address >= range.low && address < range.high;
}

function rangeOf(row: Row): { readonly low: bigint; readonly high: bigint } | null {
  switch (row.kind) {
    case "frame":
      return row.frame.high === null ? null : { low: BigInt(row.frame.low), high: BigInt(row.frame.high) };
    case "slot":
      return sized(row.slot.address, row.slot.sizeBytes);
    case "part":
      return sized(row.part.address, row.part.sizeBytes);
    case "bytes":
      return sized(row.address!, ZONE_ROW_BYTES);
    case "waiting":
    case "pointer":
    case "zone":
    case "gap":
    case "switch":
    case "more":
    case "end":
      return null;
  }
}

const sized = (address: string, bytes: number): { readonly low: bigint; readonly high: bigint } => ({
  low: BigInt(address),
  high: BigInt(address) + BigInt(bytes),
});
