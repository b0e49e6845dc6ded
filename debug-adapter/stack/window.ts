/**
 * The 128 bytes below a stack pointer, byte by byte: what the function keeps there, what may still be read of it, and what has been written over it.
 *
 * The System V ABI lets a function that calls nothing keep its variables there (psABI x86-64 §3.2.2, "red zone"). A handler that runs on the same stack
 * overwrites them, and the first words already before its first instruction: the processor pushes SS, RSP, RFLAGS, CS and RIP there.
 * Elsewhere: which bytes a function uses and when they are live (`analysis/`), catching it in the act (the exception filter).
 */
import type { ByteRange } from "../analysis/index.ts";
import type { RedZoneRun, RedZoneWindow, StackSlot } from "../../media/protocol.ts";
import type { Chain, Stretch } from "./chain.ts";
import { hexBytes, type Earlier } from "./slots.ts";
import { hex } from "./target.ts";
import type { FunctionUses } from "./use.ts";
import { variablesIn } from "./variables.ts";

export const RED_ZONE_BYTES = 128;

/** What static analysis says of a function at an instruction. */
interface Use {
  /** Deepest byte that the function uses below its stack pointer; 0: none. */
  readonly bytes: number;
  /** What may still be read; null if nobody knows. */
  readonly live: readonly ByteRange[] | null;
}

export interface WindowContext {
  readonly chain: Chain;
  readonly uses: FunctionUses;
  readonly earlier: Earlier | null;
  /** The slots of a frame. */
  readonly slots: (stretch: Stretch) => readonly StackSlot[];
}

/** What is said of one byte. */
interface Cell {
  readonly state: RedZoneRun["state"];
  readonly name: string;
  readonly by: string | null;
  readonly isChanged: boolean;
}

/** The windows of the innermost frame and of interrupted ones among the first `count` frames. */
export function windowsOf(context: WindowContext, count: number): readonly RedZoneWindow[] {
  const { chain } = context;
  if (chain.bits !== 64) return [];
  const windows: RedZoneWindow[] = [];
  for (let index = 0; index < count; index++) {
    const stretch = chain.at(index);
    if (stretch === null) break;
    if (index > 0 && !stretch.physical.isInterrupted) continue;
    const window = windowOf(context, stretch);
    if (window !== null) windows.push(window);
  }
  return windows;
}

function windowOf(context: WindowContext, stretch: Stretch): RedZoneWindow | null {
  const { chain, uses } = context;
  const { index, low: pointer } = stretch;
  const low = pointer - BigInt(RED_ZONE_BYTES);
  if (low < 0n) return null;
  const fun = uses.at(stretch.pc);
  const use: Use | null = fun === null ? null : { bytes: fun.redZoneBytes, live: fun.liveAt(stretch.pc) };
  const covers = index === 0 ? [] : coversOf(context, stretch);
  const kept = variablesIn(chain, stretch).located.filter(
    ({ address, sizeBytes }) => address < pointer && address + BigInt(sizeBytes) > low,
  );
  // The window of a frame that was interrupted says something only if there was something, and the handler is on the same stack.
  if (index > 0 && (covers.length === 0 || ((use?.bytes ?? 0) === 0 && kept.length === 0))) return null;
  const { bytes } = chain.space.readUpTo({ space: "linear", offset: low }, RED_ZONE_BYTES);
  const cells: Cell[] = [];
  for (let offset = -1; offset >= -RED_ZONE_BYTES; offset--) {
    const address = pointer + BigInt(offset);
    const variable = kept.find(
      (each) => address >= each.address && address < each.address + BigInt(each.sizeBytes),
    );
    const cover = covers.find((each) => address >= each.low && address < each.high);
    const isLive = use?.live?.some(({ from, to }) => offset >= from && offset < to) ?? null;
    const state =
      isLive === null ? "unknown" : !isLive ? "dead" : cover === undefined ? "live" : "overwritten";
    cells.push({
      state,
      name: variable?.variable.name ?? "",
      by: cover?.text ?? null,
      isChanged: isChanged(context.earlier, address, bytes[RED_ZONE_BYTES + offset]),
    });
  }
  const name = stretch.frames.at(-1)?.symbols?.function.name ?? hex(stretch.pc);
  return {
    frame: index,
    functionName: name,
    low: hex(low),
    high: hex(pointer),
    bytes: bytes.length === RED_ZONE_BYTES ? hexBytes(bytes) : "",
    runs: runsOf(cells),
    usedBytes: use?.bytes ?? null,
    text: textOf(name, index, use, cells, kept.length > 0),
  };
}

interface Cover {
  readonly low: bigint;
  readonly high: bigint;
  readonly text: string;
}

/** What handlers have put over the window of the frame they interrupted. */
function coversOf({ chain, slots }: WindowContext, { index, low: pointer }: Stretch): readonly Cover[] {
  const covers: Cover[] = [];
  for (let n = index - 1; n >= 0; n--) {
    const stretch = chain.at(n)!;
    if (stretch.high === null || stretch.low >= pointer) continue;
    if (stretch.high <= pointer - BigInt(RED_ZONE_BYTES)) break;
    const name = stretch.frames.at(-1)?.symbols?.function.name ?? hex(stretch.pc);
    for (const slot of slots(stretch)) {
      const low = BigInt(slot.address);
      const high = low + BigInt(slot.sizeBytes);
      const text =
        slot.kind === "interrupt"
          ? `${slot.name}, pushed by the processor`
          : `${slot.kind === "saved" ? `${slot.name} saved by ` : slot.name === "" ? "" : `${slot.name} of `}${name}`;
      covers.push({ low, high, text });
    }
  }
  return covers;
}

function isChanged(earlier: Earlier | null, address: bigint, byte: number | undefined): boolean {
  if (earlier === null || byte === undefined) return false;
  const old = earlier.bytes[Number(address - earlier.low)];
  return old !== undefined && old !== byte;
}

function runsOf(cells: readonly Cell[]): readonly RedZoneRun[] {
  const runs: RedZoneRun[] = [];
  let from = 0;
  for (let i = 1; i <= cells.length; i++) {
    const [first, next] = [cells[from]!, cells[i]];
    if (
      next !== undefined &&
      next.state === first.state &&
      next.name === first.name &&
      next.by === first.by &&
      next.isChanged === first.isChanged
    )
      continue;
    runs.push({ offset: -i, sizeBytes: i - from, ...first });
    from = i;
  }
  return runs;
}

function textOf(
  name: string,
  index: number,
  use: Use | null,
  cells: readonly Cell[],
  hasVariables: boolean,
): string {
  const count = (state: Cell["state"]): number => cells.filter((cell) => cell.state === state).length;
  if (index > 0) {
    const lost = count("overwritten");
    if (use === null || use.live === null)
      return `${name} was interrupted with variables below its stack pointer, and its handler runs on the same stack: what lies there now is the handler's.`;
    return lost === 0
      ? `${name} was interrupted with the handler on the same stack. Nothing that it still needs lies below its stack pointer.`
      : `${name} was interrupted, and ${bytesText(lost)} that it still needs below its stack pointer are overwritten: use -mno-red-zone, or a stack of its own (IST) for the handler.`;
  }
  if (use === null)
    return hasVariables
      ? `${name} has variables below its stack pointer: an interrupt on this stack would overwrite them.`
      : `${name} was not analysed: nobody knows whether it keeps something below its stack pointer.`;
  if (use.bytes === 0) return `${name} keeps nothing below its stack pointer.`;
  if (use.live === null)
    return `${name} uses ${bytesText(use.bytes)} below its stack pointer; which of them it needs at this instruction is not known.`;
  const live = count("live");
  return live === 0
    ? `${name} uses ${bytesText(use.bytes)} below its stack pointer, and needs none of them at this instruction.`
    : `${name} uses ${bytesText(use.bytes)} below its stack pointer and needs ${live} of them now: an interrupt on this stack would overwrite them.`;
}

const bytesText = (count: number): string => `${count} byte${count === 1 ? "" : "s"}`;
