/**
 * The whole of one stack to scale, a narrow strip: frames, what is free, how deep it was used, and the guard below.
 *
 * Invariant: only a picture. Whatever it shows can be read in the list and the details, so screen readers get one sentence.
 */
import { html, nothing, render, svg, type TemplateResult } from "lit";
import type { StackFrame, StackSummary } from "../../protocol.ts";
import { size } from "../kit/size.ts";

const WIDTH = 34;
const HEIGHT = 1000;
/** Thinner frames are not drawn: they would be a smear of lines. */
const THINNEST = 2;

export interface ScaleEvents {
  readonly choose: (address: bigint) => void;
}

export function drawScale(
  host: HTMLElement,
  stack: StackSummary | null,
  frames: readonly StackFrame[],
  isHighFirst: boolean,
  events: ScaleEvents,
): void {
  if (stack === null || stack.low === null) {
    host.hidden = true;
    render(nothing, host);
    return;
  }
  host.hidden = false;
  const low = BigInt(stack.low);
  const high = BigInt(stack.high);
  const whole = Number(high - low);
  // From the top of the strip, in its units.
  const at = (address: bigint): number => {
    const fraction = Number(address - low) / whole;
    return Math.max(0, Math.min(HEIGHT, (isHighFirst ? 1 - fraction : fraction) * HEIGHT));
  };
  const block = (from: bigint, to: bigint, name: string, title: string): TemplateResult | typeof nothing => {
    const [a, b] = [at(from), at(to)];
    const height = Math.abs(b - a);
    return svg`<rect class=${name} x="0" y=${Math.min(a, b)} width=${WIDTH} height=${height}><title>${title}</title></rect>`;
  };
  const pointer = stack.pointer === null ? null : BigInt(stack.pointer);
  const mark = stack.highWater === null ? null : BigInt(stack.highWater.address);
  const drawn = frames.flatMap((frame) => {
    if (frame.high === null) return [];
    const [from, to] = [BigInt(frame.low), BigInt(frame.high)];
    if (from < low || to > high || Math.abs(at(to) - at(from)) < THINNEST) return [];
    const name = frame.functions[0]?.name ?? frame.label;
    return [
      block(from, to, `frame ${frame.index % 2 === 0 ? "even" : "odd"}`, `${name}, ${to - from} bytes`),
    ];
  });
  const click = (event: MouseEvent): void => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const fraction = Math.max(0, Math.min(1, (event.clientY - box.top) / box.height));
    const bytes = Math.round((isHighFirst ? 1 - fraction : fraction) * whole);
    events.choose(low + BigInt(Math.min(bytes, whole - 1)));
  };
  render(
    html`<div class="end">${isHighFirst ? "high" : "low"}</div>
      <svg
        role="img"
        aria-label=${sentence(stack, whole)}
        viewBox="0 0 ${WIDTH} ${HEIGHT}"
        preserveAspectRatio="none"
        @click=${click}
      >
        ${block(low, high, "free", `${stack.name}, ${size(whole)}`)}
        ${mark === null ? nothing : block(mark, high, "reached", "used at some time")}
        ${pointer === null ? nothing : block(pointer < low ? low : pointer, high, "used", "in use")} ${drawn}
        ${mark === null ? nothing : svg`<line class="water" x1="0" x2=${WIDTH} y1=${at(mark)} y2=${at(mark)}></line>`}
        ${pointer === null ? nothing : svg`<line class="pointer" x1="0" x2=${WIDTH} y1=${at(pointer)} y2=${at(pointer)}></line>`}
      </svg>
      <div class="end ${stack.guard.kind}" title=${stack.guard.text}>${isHighFirst ? "low" : "high"}</div>`,
    host,
  );
}

function sentence({ name, highWater, pointer, high, guard }: StackSummary, whole: number): string {
  const used = pointer === null ? "" : `, ${Number(BigInt(high) - BigInt(pointer))} in use`;
  const deepest = highWater === null ? "" : `, ${highWater.bytes} at most so far`;
  return `${name}: ${whole} bytes${used}${deepest}; ${guard.text}`;
}
