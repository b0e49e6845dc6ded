/** What the red-zone detector has reported, if a filter of the Breakpoints view has it looked for: functions that lost bytes, and to whom. */
import { html, nothing, render, type TemplateResult } from "lit";
import { address, place } from "../kit/address.ts";
import { plural } from "../kit/size.ts";
import type {
  ClobberGroup,
  RedZoneRun,
  RedZoneWindow,
  StackClobber,
  StackClobbersBody,
} from "../../protocol.ts";

const MOST_GROUPS = 8;

export function drawClobbers(host: HTMLElement, body: StackClobbersBody | null): void {
  const { groups = [], recent = [] } = body ?? {};
  host.hidden = groups.length === 0;
  if (groups.length === 0) {
    render(nothing, host);
    return;
  }
  const last = recent.at(-1);
  render(
    html`<h3>Red zones overwritten</h3>
      <ul>
        ${groups.slice(0, MOST_GROUPS).map((group) => html`<li>${groupText(group)}</li>`)}
      </ul>
      ${groups.length > MOST_GROUPS ? html`<p class="muted">and ${groups.length - MOST_GROUPS} more</p>` : nothing}
      ${last === undefined ? nothing : html`<p>${lastText(last)}</p>`}`,
    host,
  );
}

function groupText({
  functionName,
  address: at,
  cause,
  latent,
  confirmed,
  ist,
}: ClobberGroup): TemplateResult {
  const counts = [
    ...(confirmed > 0 ? [`${plural(confirmed, "time")} read afterwards`] : []),
    ...(latent > 0 ? [`${plural(latent, "time")} latent`] : []),
    ...(ist > 0 ? [`${plural(ist, "time")} on an interrupt stack in use`] : []),
  ].join(", ");
  return html`${address(place("linear", at), "source", functionName)} by ${cause}:
    <span class=${confirmed > 0 ? "error" : "warning"}>${counts}</span>`;
}

function lastText({ functionName, pc, pointer, read }: StackClobber): TemplateResult {
  return html`The last: ${functionName} at ${address(place("linear", pc), "source")}, below
  ${address(place("linear", pointer), "stack")}${
    read === null
      ? nothing
      : html`; read by the instruction at ${address(place("linear", read.pc), "disassembly")}`
  }.`;
}

const ZONE_BYTES = 128;

/** The windows of a stack, with the bytes marked that a report says were overwritten and that still hold what came over them. */
export const withClobbers = (
  windows: readonly RedZoneWindow[],
  body: StackClobbersBody,
): readonly RedZoneWindow[] =>
  windows.map((window) => {
    const report = body.recent.findLast((each) => each.pointer === window.high && each.kind !== "ist");
    return report === undefined || window.bytes === "" ? window : marked(window, report);
  });

function marked(window: RedZoneWindow, { before, after, cause }: StackClobber): RedZoneWindow {
  const runs: RedZoneRun[] = [];
  for (let offset = -1; offset >= -ZONE_BYTES; offset--) {
    const run = window.runs.find((each) => offset >= each.offset && offset < each.offset + each.sizeBytes);
    if (run === undefined) continue;
    const digits = (text: string): string =>
      text.slice((ZONE_BYTES + offset) * 2, (ZONE_BYTES + offset) * 2 + 2);
    const isLost =
      run.state !== "dead" && digits(before) !== digits(after) && digits(window.bytes) === digits(after);
    const own: RedZoneRun = isLost
      ? { ...run, offset, sizeBytes: 1, state: "overwritten", by: run.by ?? `written when ${cause} came` }
      : { ...run, offset, sizeBytes: 1 };
    const last = runs.at(-1);
    const isSame =
      last !== undefined &&
      last.state === own.state &&
      last.name === own.name &&
      last.by === own.by &&
      last.isChanged === own.isChanged;
    if (isSame) runs[runs.length - 1] = { ...last, offset, sizeBytes: last.sizeBytes + 1 };
    else runs.push(own);
  }
  return { ...window, runs };
}
