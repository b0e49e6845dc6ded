/** What the red-zone detector has found, for the Stack panel (`media/protocol/red-zone.ts`). Answered while the machine runs, too. */
import type { ClobberGroup, StackClobber, StackClobbersBody } from "../../media/protocol.ts";
import type { Clobber, LiveBytes } from "../../emulator/index.ts";
import { causeText, type Group } from "../red-zone/index.ts";
import type { Target } from "../target.ts";
import type { State } from "./state.ts";
import type { Handlers } from "./table.ts";

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const bytesText = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function redZone(state: State): Handlers {
  return {
    "redzone/stackClobbers": (): StackClobbersBody => {
      const target = state.launched();
      const { isOn, counts, groups, reports } = target.clobbers;
      return {
        isOn,
        counts: { ...counts },
        groups: groups.map((group) => groupBody(target, group)),
        recent: reports.map((clobber) => clobberBody(target, clobber)),
      };
    },
  };
}

function groupBody(target: Target, { functionName, address, vector, counts, first }: Group): ClobberGroup {
  const { event } = first;
  const cause = causeText(target, event);
  return { functionName, address: hex(address), vector, cause, instant: event.instant, ...counts };
}

function clobberBody(target: Target, { kind, event, before, after, live, read }: Clobber): StackClobber {
  return {
    kind,
    cpu: event.cpu,
    instant: event.instant,
    vector: event.vector,
    cause: causeText(target, event),
    ist: event.ist,
    functionName: target.describe(event.rip)?.replace(/\+0x[0-9a-f]+$/, "") ?? "",
    pc: hex(event.rip),
    pointer: hex(event.rsp),
    handler: hex(event.handler),
    frame: hex(event.frame),
    before: bytesText(before),
    after: bytesText(after),
    live: live === null ? null : runsOf(live),
    read: read === null ? null : { pc: hex(read.rip), address: hex(read.address), sizeBytes: read.size },
  };
}

function runsOf({ mask }: LiveBytes): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (const [n, bit] of mask.entries()) {
    const offset = n - mask.length;
    const last = runs.at(-1);
    if (bit === 0) continue;
    if (last?.to === offset) last.to = offset + 1;
    else runs.push({ from: offset, to: offset + 1 });
  }
  return runs;
}
