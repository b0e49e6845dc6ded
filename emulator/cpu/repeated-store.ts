/**
 * REP MOVS and REP STOS over code: the first store that meets some drops all that the instruction will overwrite in this page.
 *
 * Without it every element would go through TypeScript, as long as its granule holds code. Nobody can tell: a trace may be dropped at any time.
 * Elsewhere: iterations done at once, as soon as the page holds no code (`interpreter/bulk.ts`).
 */
import { FLAG, type Core } from "./core.ts";
import { variantOf } from "./interpreter/variant.ts";
import { RECORD, RUN } from "./layout.ts";
import type { TraceCache } from "./traces.ts";

const PAGE = 4096;
const CX = 1;

/** Call it before a store that an instruction of a trace has left to `commit`. */
export function dropAhead(core: Core, traces: TraceCache): void {
  // Most are stores to devices.
  if (!core.guest.hasCode(core.commitPage)) return;
  const bytes = bytesAhead(core);
  if (bytes > 0) traces.invalidate(core.commitPage, core.commitOffset, bytes);
}

/**
 * How many bytes of its page the instruction at RUN.record writes from the store under way on, if it is not interrupted and its offset does not wrap. 0 for all but
 * those that repeat a store upwards.
 */
function bytesAhead(core: Core): number {
  const variant = variantOf(core.view.getUint16(core.word(RUN.record) + RECORD.handler, true));
  const name = variant?.family.name;
  if (variant === undefined || (name !== "rep_stos" && name !== "rep_movs")) return 0;
  if (core.systemFlag(FLAG.DF)) return 0;
  const elements = Number(BigInt.asUintN(variant.address, core.gpr(CX)));
  return Math.min((elements * variant.width) / 8, PAGE - core.commitOffset);
}
