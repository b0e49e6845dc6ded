/**
 * Keys of a PC keyboard as it sends them: scan codes of set 2 by the names that browsers and editors give keys (UI Events KeyboardEvent.code;
 * IBM PS/2 Technical Reference, keyboards, table of scan codes).
 */
const PLAIN =
  "Escape 76 F1 05 F2 06 F3 04 F4 0c F5 03 F6 0b F7 83 F8 0a F9 01 F10 09 F11 78 F12 07 ScrollLock 7e Backquote 0e Digit1 16 Digit2 1e Digit3 26 " +
  "Digit4 25 Digit5 2e Digit6 36 Digit7 3d Digit8 3e Digit9 46 Digit0 45 Minus 4e Equal 55 Backspace 66 Tab 0d KeyQ 15 KeyW 1d KeyE 24 KeyR 2d " +
  "KeyT 2c KeyY 35 KeyU 3c KeyI 43 KeyO 44 KeyP 4d BracketLeft 54 BracketRight 5b Backslash 5d IntlHash 5d CapsLock 58 KeyA 1c KeyS 1b KeyD 23 " +
  "KeyF 2b KeyG 34 KeyH 33 KeyJ 3b KeyK 42 KeyL 4b Semicolon 4c Quote 52 Enter 5a ShiftLeft 12 IntlBackslash 61 KeyZ 1a KeyX 22 KeyC 21 KeyV 2a " +
  "KeyB 32 KeyN 31 KeyM 3a Comma 41 Period 49 Slash 4a ShiftRight 59 ControlLeft 14 AltLeft 11 Space 29 NumLock 77 NumpadMultiply 7c " +
  "NumpadSubtract 7b NumpadAdd 79 NumpadDecimal 71 Numpad0 70 Numpad1 69 Numpad2 72 Numpad3 7a Numpad4 6b Numpad5 73 Numpad6 74 Numpad7 6c " +
  "Numpad8 75 Numpad9 7d IntlRo 51 IntlYen 6a KanaMode 13 Convert 64 NonConvert 67";
const EXTENDED =
  "ControlRight 14 AltRight 11 MetaLeft 1f MetaRight 27 ContextMenu 2f Insert 70 Delete 71 Home 6c End 69 PageUp 7d PageDown 7a ArrowUp 75 " +
  "ArrowDown 72 ArrowLeft 6b ArrowRight 74 NumpadEnter 5a NumpadDivide 4a Power 37 Sleep 3f WakeUp 5e";

const pairs = (text: string): (readonly [string, number])[] => {
  const words = text.split(" ");
  return Array.from(
    { length: words.length / 2 },
    (_, i) => [words[i * 2]!, Number.parseInt(words[i * 2 + 1]!, 16)] as const,
  );
};
const CODES: ReadonlyMap<string, number> = new Map(pairs(PLAIN));
const EXTENDED_CODES: ReadonlyMap<string, number> = new Map(pairs(EXTENDED));

const PREFIX = 0xe0;
const RELEASE = 0xf0;
const PRINT_DOWN = [0xe0, 0x12, 0xe0, 0x7c];
const PRINT_UP = [0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12];
/** Pause sends all of it when pressed and nothing when let go. */
const PAUSE = [0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77];

/** With Alt, Print Screen is System Request; with Control, Pause is Break, which again comes as it is pressed. */
const SYSTEM_REQUEST = 0x84;
const BREAK = [0xe0, 0x7e, 0xe0, 0xf0, 0x7e];

const NONE: ReadonlySet<string> = new Set();

/**
 * What the keyboard sends when a key goes down or up; null for a key that a PC keyboard does not have.
 *
 * @param held the keys that are down already.
 */
export function scancodes(
  code: string,
  down: boolean,
  held: ReadonlySet<string> = NONE,
): readonly number[] | null {
  if (code === "PrintScreen") {
    if (held.has("AltLeft") || held.has("AltRight"))
      return down ? [SYSTEM_REQUEST] : [RELEASE, SYSTEM_REQUEST];
    return down ? PRINT_DOWN : PRINT_UP;
  }
  if (code === "Pause") {
    if (!down) return [];
    return held.has("ControlLeft") || held.has("ControlRight") ? BREAK : PAUSE;
  }
  const plain = CODES.get(code);
  if (plain !== undefined) return down ? [plain] : [RELEASE, plain];
  const extended = EXTENDED_CODES.get(code);
  if (extended === undefined) return null;
  return down ? [PREFIX, extended] : [PREFIX, RELEASE, extended];
}
