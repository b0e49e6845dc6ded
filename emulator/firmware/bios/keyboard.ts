/**
 * The keyboard: what the interrupt (INT 09h) does with a scan code, and INT 16h, which takes keys from the buffer in the BIOS data area (IBM PS/2 BIOS
 * Interface Technical Reference). LEDs are not driven: their state is kept for whoever asks.
 */
import type { Call } from "./call.ts";
import type { BiosContext, Service } from "./context.ts";
import { BDA } from "./data-area.ts";
import { isKeypad, isLetter, meaningOf } from "./keymap.ts";
import { CODE } from "./rom.ts";

/** Shift state, 0040:0017 and 0040:0018. */
const SHIFT = { right: 1, left: 2, ctrl: 4, alt: 8, scrollLock: 0x10, numLock: 0x20, capsLock: 0x40, insert: 0x80 } as const; // oxfmt-ignore
const SHIFT2 = { leftCtrl: 1, leftAlt: 2, sysRq: 4, pause: 8, scrollDown: 0x10, numDown: 0x20, capsDown: 0x40, insertDown: 0x80 } as const; // oxfmt-ignore
/** 0040:0096 */
const MODE = { prefixE1: 1, prefixE0: 2, rightCtrl: 4, rightAlt: 8 } as const;

/** Scan codes that are no keys: answers of the keyboard. */
const ANSWERS: readonly number[] = [0xfa, 0xfe, 0xee, 0x00, 0xff];
const RELEASED = 0x80;

/** AL: a scan code of set 1, after INT 15h AH=4Fh. */
export const key: Service = (call) => {
  const byte = call.al;
  if (ANSWERS.includes(byte)) return;
  const mode = call.data(BDA.keyMode);
  if (byte === 0xe0) return call.setData(BDA.keyMode, mode | MODE.prefixE0);
  if (byte === 0xe1) return call.setData(BDA.keyMode, mode | MODE.prefixE1);
  const isExtended = (mode & MODE.prefixE0) !== 0;
  const code = byte & 0x7f;
  const isDown = (byte & RELEASED) === 0;
  if (mode & MODE.prefixE1) {
    // Pause sends E1 1D 45, then the same let go. It stops nothing here: the second byte ends the sequence.
    if (code !== 0x1d) call.setData(BDA.keyMode, mode & ~MODE.prefixE1);
    return;
  }
  call.setData(BDA.keyMode, mode & ~MODE.prefixE0);
  if (modifier(call, code, isExtended, isDown)) return;
  if (!isDown) {
    if (code === 0x52) call.setData(BDA.shift2, call.data(BDA.shift2) & ~SHIFT2.insertDown);
    if (code === 0x54) request(call, 0x8501);
    return;
  }
  pressed(call, isExtended ? 0xe000 | code : code);
};

/** Shift, Ctrl, Alt and the locks. */
function modifier(call: Call, code: number, isExtended: boolean, isDown: boolean): boolean {
  const set = (offset: number, bit: number): void =>
    call.setData(offset, isDown ? call.data(offset) | bit : call.data(offset) & ~bit);
  const lock = (bit: number, down: number): void => {
    if (isDown && (call.data(BDA.shift2) & down) === 0) {
      call.setData(BDA.shift, call.data(BDA.shift) ^ bit);
      call.setData(BDA.keyLeds, (call.data(BDA.keyLeds) & ~7) | ((call.data(BDA.shift) >> 4) & 7));
    }
    set(BDA.shift2, down);
  };
  switch (code) {
    case 0x2a:
    case 0x36:
      // With a prefix these are made up by the keyboard around the keys between the blocks.
      if (!isExtended) set(BDA.shift, code === 0x2a ? SHIFT.left : SHIFT.right);
      return true;
    case 0x1d:
    case 0x38: {
      const isCtrl = code === 0x1d;
      if (isExtended) set(BDA.keyMode, isCtrl ? MODE.rightCtrl : MODE.rightAlt);
      else set(BDA.shift2, isCtrl ? SHIFT2.leftCtrl : SHIFT2.leftAlt);
      const left = call.data(BDA.shift2) & (isCtrl ? SHIFT2.leftCtrl : SHIFT2.leftAlt);
      const right = call.data(BDA.keyMode) & (isCtrl ? MODE.rightCtrl : MODE.rightAlt);
      const bit = isCtrl ? SHIFT.ctrl : SHIFT.alt;
      const shift = call.data(BDA.shift);
      call.setData(BDA.shift, left | right ? shift | bit : shift & ~bit);
      if (!isDown && !isCtrl) finishAltNumber(call);
      return true;
    }
    case 0x3a:
      lock(SHIFT.capsLock, SHIFT2.capsDown);
      return true;
    case 0x45:
      lock(SHIFT.numLock, SHIFT2.numDown);
      return true;
    case 0x46:
      if (call.data(BDA.shift) & SHIFT.ctrl) return false;
      lock(SHIFT.scrollLock, SHIFT2.scrollDown);
      return true;
    default:
      return false;
  }
}

function pressed(call: Call, code: number): void {
  const shift = call.data(BDA.shift);
  const ctrl = (shift & SHIFT.ctrl) !== 0;
  const alt = (shift & SHIFT.alt) !== 0;
  if (ctrl && alt && (code & 0xff) === 0x53) {
    call.setData(BDA.resetFlag, 0x1234, 2);
    return call.continueAt(CODE.reset);
  }
  if (code === 0x54) return request(call, 0x8500);
  if (code === 0xe037) return call.continueAt(CODE.keyboardPrint);
  if ((code & 0xff) === 0x46 && ctrl) return controlBreak(call);
  if ((code & 0xff) === 0x52 && !alt && !ctrl) {
    if ((call.data(BDA.shift2) & SHIFT2.insertDown) === 0) call.setData(BDA.shift, shift ^ SHIFT.insert);
    call.setData(BDA.shift2, call.data(BDA.shift2) | SHIFT2.insertDown);
  }
  if (alt && code < 0x100 && isKeypad(code)) return altDigit(call, code);
  const meaning = meaningOf(code);
  if (meaning === null) return;
  let isShifted = (shift & (SHIFT.left | SHIFT.right)) !== 0;
  if (isLetter(code) && shift & SHIFT.capsLock) isShifted = !isShifted;
  if (isKeypad(code) && shift & SHIFT.numLock) isShifted = !isShifted;
  const word = meaning[alt ? 3 : ctrl ? 2 : isShifted ? 1 : 0];
  if (word !== null) store(call, word);
}

/** Alt and digits of the keypad make a character by its number. */
function altDigit(call: Call, code: number): void {
  const value = "789-456+1230"[code - 0x47];
  if (value === undefined || value === "-" || value === "+") return;
  call.setData(BDA.altNumber, (call.data(BDA.altNumber) * 10 + Number(value)) & 0xff);
}
function finishAltNumber(call: Call): void {
  const number = call.data(BDA.altNumber);
  if (number === 0) return;
  call.setData(BDA.altNumber, 0);
  store(call, number);
}

/** Empties the buffer, puts 0 into it, and on to INT 1Bh. */
function controlBreak(call: Call): void {
  const start = call.data(BDA.keyStart, 2);
  call.setData(BDA.keyHead, start, 2);
  call.setData(BDA.keyTail, start, 2);
  call.setData(BDA.ctrlBreak, 0x80);
  store(call, 0);
  call.continueAt(CODE.keyboardBreak);
}

/** SysRq pressed or let go: on to INT 15h AH=85h. */
function request(call: Call, ax: number): void {
  call.ax = ax;
  call.continueAt(CODE.keyboardRequest);
}

/** Puts a word into the buffer; false if it is full. */
function store(call: Call, word: number): boolean {
  const tail = call.data(BDA.keyTail, 2);
  let next = tail + 2;
  if (next >= call.data(BDA.keyEnd, 2)) next = call.data(BDA.keyStart, 2);
  if (next === call.data(BDA.keyHead, 2)) return false;
  call.setData(tail, word, 2);
  call.setData(BDA.keyTail, next, 2);
  return true;
}

/** The oldest word; null if there is none. */
function first(call: Call, take: boolean): number | null {
  const head = call.data(BDA.keyHead, 2);
  if (head === call.data(BDA.keyTail, 2)) return null;
  const word = call.data(head, 2);
  if (take) {
    const next = head + 2;
    call.setData(BDA.keyHead, next >= call.data(BDA.keyEnd, 2) ? call.data(BDA.keyStart, 2) : next, 2);
  }
  return word;
}

/** What the calls of an 84-key keyboard's time see of the keys that it did not have. */
function classic(word: number): number {
  if (word === 0xe00d || word === 0xe00a) return 0x1c00 | (word & 0xff);
  if (word === 0xe02f) return 0x352f;
  return (word & 0xff) === 0xe0 && word >> 8 !== 0 ? word & 0xff00 : word;
}

/** INT 16h */
export const keyboard: Service = (call, context) => {
  switch (call.ah) {
    case 0x00:
    case 0x10:
    case 0x20: {
      const word = first(call, true);
      if (word === null) return call.waitForInterrupt();
      call.ax = call.ah === 0 ? classic(word) : word;
      return;
    }
    case 0x01:
    case 0x11:
    case 0x21: {
      const word = first(call, false);
      call.zero = word === null;
      if (word !== null) call.ax = call.ah === 0x01 ? classic(word) : word;
      return;
    }
    case 0x02:
      call.al = call.data(BDA.shift);
      return;
    case 0x12:
    case 0x22: {
      const shift2 = call.data(BDA.shift2);
      const right = call.data(BDA.keyMode) & (MODE.rightCtrl | MODE.rightAlt);
      call.al = call.data(BDA.shift);
      call.ah = (shift2 & ~(SHIFT2.sysRq | SHIFT2.pause)) | right;
      return;
    }
    case 0x03: // typematic rate: the host's business
      return;
    case 0x05:
      call.al = store(call, call.cx) ? 0 : 1;
      return;
    case 0x09: // functions: 10h … 12h and 20h … 22h are there
      call.al = 0x30 | 0x40;
      return;
    case 0x0a:
      call.bx = 0x41ab;
      return;
    case 0x92: // asked for by programs to see whether 10h … 12h work: "AH ≠ 92h" says yes
      call.ah = 0x80;
      return;
    case 0xa2: // the same for 20h … 22h
      return;
    default:
      unknown(call, context);
  }
};

function unknown(call: Call, { log }: BiosContext): void {
  log(`INT 16h AH=${call.ah.toString(16)}h is not known`);
}
