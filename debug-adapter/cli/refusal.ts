/** Why a word of a command line is not taken. Thrown and caught within the parser only (`options.ts`). */
import { parseNumber } from "./words.ts";

export class Refusal {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** About what a property is, which QEMU says without the option in front. */
export class PropertyRefusal extends Refusal {}

/** `option` ends with "=" or is followed by a blank in the message. */
export function wholeNumber(option: string, text: string): number {
  const value = parseNumber(text);
  if (value === null)
    throw new Refusal(`${option}${option.endsWith("=") ? "" : " "}${text}: not a whole number`);
  return value;
}

/** A switch of QEMU's. */
export function onOff(option: string, text: string): boolean {
  if (/^(?:on|yes|true|y)$/.test(text)) return true;
  if (/^(?:off|no|false|n)$/.test(text)) return false;
  throw new Refusal(`${option}${text}: must be on or off`);
}
