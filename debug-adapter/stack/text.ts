/** The picture of a stack as text, for `info stack`: frames from the innermost on, each with its bytes from the highest address down. */
import type { StackBody, StackFrame, StackSlot, StackSummary, RedZoneWindow } from "../../media/protocol.ts";

const WIDTH = 18;
/** A word; of more only that it has changed. */
const LONGEST_BEFORE = 18;

/** "CPU 0: RSP 0x210e60 in stack_bottom (0x20d000-0x211000, 16384 bytes): 416 bytes used …" */
export function stackText(body: StackBody, stacks: readonly StackSummary[]): string {
  const own = stacks.find(({ id }) => id === body.stack);
  const lines = [
    `CPU ${body.cpu}: ${body.pointerName} ${body.pointer}${own === undefined ? "" : ` in ${ownText(own, body)}`}`,
  ];
  for (const { severity, text } of body.warnings) lines.push(`${severity}: ${text}`);
  const [window] = body.windows;
  if (window !== undefined) lines.push(window.text, ...windowLines(window));
  for (const frame of body.frames) lines.push(...frameLines(frame));
  if (body.hasMore) lines.push(`... more frames: info stack ${body.start + body.frames.length + 1}`);
  else if (body.end !== null) lines.push(`No caller: ${body.end}.`);
  return lines.map((line) => `${line}\n`).join("");
}

/** A line for each stack of the machine. */
export function stacksText(stacks: readonly StackSummary[]): string {
  return stacks
    .map((stack) => {
      const { name, low, high, roles, highWater, guard, pointer, warnings } = stack;
      const size = low === null ? "" : `, ${Number(BigInt(high) - BigInt(low))} bytes`;
      const used = pointer === null ? [] : [`${Math.max(0, Number(BigInt(high) - BigInt(pointer)))} used`];
      const mark = highWater === null ? [] : [`high water ${highWater.bytes} (${highWater.method})`];
      const facts = [...used, ...mark, guard.text].join(", ");
      const lines = [`${low ?? "?"}-${high}${size}  ${name}: ${roles.join("; ")}`, `  ${facts}`];
      for (const { severity, text } of warnings) lines.push(`  ${severity}: ${text}`);
      return lines.map((line) => `${line}\n`).join("");
    })
    .join("");
}

function ownText({ name, low, high, highWater, guard }: StackSummary, { pointer }: StackBody): string {
  const used = Number(BigInt(high) - BigInt(pointer));
  const ends = low === null ? "" : ` (${low}-${high}, ${Number(BigInt(high) - BigInt(low))} bytes)`;
  const mark = highWater === null ? "" : `, high water ${highWater.bytes} (${highWater.method})`;
  return `${name}${ends}: ${used} bytes used${mark}; ${guard.text}`;
}

function frameLines(frame: StackFrame): string[] {
  const { index, label, functions, low, high, slots, isInterrupted, switchedTo, method, registers } = frame;
  const place =
    functions[0]?.file === undefined || functions[0].file === null
      ? ""
      : ` at ${functions[0].file}:${functions[0].line}`;
  const size = high === null ? "" : `, ${Number(BigInt(high) - BigInt(low))} bytes`;
  const notes = [
    ...(isInterrupted ? ["interrupted"] : []),
    ...(switchedTo === null ? [] : ["on another stack"]),
    ...(method === "guess" ? ["guessed"] : []),
  ];
  const lines = [
    `#${index} ${label}${place}${notes.length === 0 ? "" : ` [${notes.join(", ")}]`}  ${low}-${high ?? "?"}${size}`,
  ];
  for (const slot of (slots ?? []).toReversed()) lines.push(`  ${slotText(slot)}`);
  for (const { name, value, where } of registers)
    lines.push(`  ${"".padEnd(WIDTH)}  ${name} ${value === "" ? "" : `= ${value} `}(${where})`);
  return lines;
}

function slotText({ address, kind, name, value, type, target, before, note, sizeBytes }: StackSlot): string {
  const title =
    kind === "saved" ? `saved ${name}` : name === "" ? (kind === "padding" ? "padding" : "") : name;
  const what = `${title}${type === null ? "" : ` (${type})`}`;
  const points = target === null || target.text === "" || value.includes("<") ? "" : ` <${target.text}>`;
  const shown = value === "" ? `${sizeBytes} bytes` : value;
  const notes = [
    ...(note === null || kind === "padding" ? [] : [note]),
    ...(before === null ? [] : [before.length > LONGEST_BEFORE ? "changed" : `was ${before}`]),
  ];
  return `${address.padEnd(WIDTH)}  ${what.padEnd(24)} ${shown}${points}${notes.length === 0 ? "" : `  ; ${notes.join("; ")}`}`.trimEnd();
}

/** What is not known or dead is left out: it says nothing. */
function windowLines({ runs }: RedZoneWindow): string[] {
  return runs
    .filter(({ state, name }) => state === "live" || state === "overwritten" || name !== "")
    .map(
      ({ offset, sizeBytes, state, name }) =>
        `  RSP${offset} ${sizeBytes} bytes ${state}${name === "" ? "" : `: ${name}`}`,
    );
}
