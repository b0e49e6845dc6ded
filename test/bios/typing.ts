/** Types on the guest's keyboard as a person would: one key at a time. */
import { scancodes } from "../../debug-adapter/keyboard.ts";
import type { Guest } from "./machine.ts";

const NAMES: Readonly<Record<string, string>> = {
  " ": "Space", "\n": "Enter", "/": "Slash", ".": "Period", "-": "Minus", "=": "Equal", "\b": "Backspace",
}; // oxfmt-ignore

function nameOf(character: string): string {
  const name = NAMES[character];
  if (name !== undefined) return name;
  if (/[a-z]/.test(character)) return `Key${character.toUpperCase()}`;
  if (/[0-9]/.test(character)) return `Digit${character}`;
  throw new Error(`no key for ${JSON.stringify(character)}`);
}

/** Presses and lets go a key by its name (KeyboardEvent.code). */
export function press(guest: Guest, name: string): void {
  for (const down of [true, false])
    guest.machine.input({ kind: "key", scancodes: [...scancodes(name, down)!] });
}

export function type(guest: Guest, text: string, nanosecondsPerKey = 5e6): void {
  for (const character of text) {
    press(guest, nameOf(character));
    guest.settle(nanosecondsPerKey);
  }
}
