/** The kinds of bytes on a stack, and their legend. */
import { html, render } from "lit";
import type { StackSlotKind } from "../../protocol.ts";

export const KIND_WORDS: Record<StackSlotKind, string> = {
  local: "local variable",
  parameter: "parameter",
  argument: "argument of the call below",
  saved: "saved register",
  return: "return address",
  interrupt: "pushed by the processor",
  canary: "stack protector",
  pointed: "part of a structure that is pointed to",
  padding: "padding",
  unnamed: "no name: a temporary, room for calls or padding",
};

const LEGEND: readonly (readonly [StackSlotKind, string])[] = [
  ["local", "variable"],
  ["parameter", "parameter"],
  ["saved", "saved register"],
  ["return", "return address"],
  ["interrupt", "pushed by the processor"],
  ["canary", "stack protector"],
  ["pointed", "pointed to"],
  ["unnamed", "no name"],
];

export function drawLegend(host: HTMLElement): void {
  render(
    html`${LEGEND.map(
        ([kind, text]) =>
          html`<span class="key slot ${kind}"><i class="mark" aria-hidden="true"></i>${text}</span>`,
      )}<span class="key"><i class="cell live" aria-hidden="true"></i>red zone: live</span
      ><span class="key"><i class="cell dead" aria-hidden="true"></i>dead</span
      ><span class="key"><i class="cell overwritten" aria-hidden="true"></i>overwritten</span>`,
    host,
  );
}
