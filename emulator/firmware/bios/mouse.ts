/**
 * The pointing device interface, INT 15h AH=C2h, and the mouse's interrupt (IBM PS/2 BIOS Interface Technical Reference).
 *
 * A command to the mouse is a conversation: bytes are sent one by one, each is answered. The stub `mouseWait` waits for the next byte without interrupts and
 * hands it to `mouseReply`. Packets arrive by interrupt and go to the program's handler by a far call: status, x, y and 0 on the stack, a word each.
 */
import { SEG } from "../../cpu/layout.ts";
import type { Call } from "./call.ts";
import type { BiosContext, MouseState, Service } from "./context.ts";
import { CODE } from "./rom.ts";

const STATUS = { badFunction: 1, badInput: 2, interfaceError: 3, noHandler: 5 } as const;
const COMMAND = { scale1: 0xe6, scale2: 0xe7, resolution: 0xe8, status: 0xe9, identify: 0xf2, rate: 0xf3, enable: 0xf4, disable: 0xf5, reset: 0xff } as const; // oxfmt-ignore
const ACK = 0xfa;
const RATES = [10, 20, 40, 60, 80, 100, 200] as const;
/** i8042 mode byte: interrupt of the mouse on, its clock off. */
const MODE = { irq12: 2, mouseOff: 0x20 } as const;

export const noMouse = (): MouseState => ({
  enabled: false,
  handler: 0,
  packetBytes: 3,
  received: [],
  command: null,
});

export function mouse(call: Call, context: BiosContext): void {
  const { mouse: state } = context.state;
  switch (call.al) {
    case 0x00:
      if (call.bh > 1) return refuse(call, STATUS.badInput);
      if (call.bh === 1 && state.handler === 0) return refuse(call, STATUS.noHandler);
      return talk(call, state, call.bh === 1 ? [COMMAND.enable] : [COMMAND.disable], 0);
    case 0x01:
      return talk(call, state, [COMMAND.reset], 2);
    case 0x02: {
      const rate = RATES[call.bh];
      if (rate === undefined) return refuse(call, STATUS.badInput);
      return talk(call, state, [COMMAND.rate, rate], 0);
    }
    case 0x03:
      if (call.bh > 3) return refuse(call, STATUS.badInput);
      return talk(call, state, [COMMAND.resolution, call.bh], 0);
    case 0x04:
      return talk(call, state, [COMMAND.identify], 1);
    case 0x05:
      if (call.bh !== 3) return refuse(call, STATUS.badInput);
      return talk(call, state, [COMMAND.reset], 2);
    case 0x06:
      if (call.bh === 0) return talk(call, state, [COMMAND.status], 3);
      if (call.bh > 2) return refuse(call, STATUS.badInput);
      return talk(call, state, [call.bh === 1 ? COMMAND.scale1 : COMMAND.scale2], 0);
    case 0x07:
      state.handler = ((call.core.selector(SEG.es) << 16) | call.bx) >>> 0;
      return accept(call);
    default:
      return refuse(call, STATUS.badFunction);
  }
}

function accept(call: Call): void {
  call.ah = 0;
  call.carry = false;
}
function refuse(call: Call, status: number): void {
  call.ah = status;
  call.carry = true;
}

/** Begins a conversation: `data` is how many bytes follow the last acknowledgement. */
function talk(call: Call, state: MouseState, send: number[], data: number): void {
  state.command = { send, awaited: send.length + data, answers: [], ax: call.ax };
  state.received = [];
  setMode(call, (mode) => mode & ~(MODE.irq12 | MODE.mouseOff));
  sendNext(call, state);
}
function sendNext(call: Call, state: MouseState): void {
  const byte = state.command?.send.shift();
  if (byte !== undefined) {
    call.out(0x64, 0xd4);
    call.out(0x60, byte);
  }
  call.continueAt(CODE.mouseWait);
}

/** AL: the next byte of the mouse's answer. */
export const mouseReply: Service = (call, { state: { mouse: state } }) => {
  const { command } = state;
  if (command === null) return;
  command.answers.push(call.al);
  if (command.answers.length < command.awaited) {
    if (command.send.length > 0) return sendNext(call, state);
    return call.continueAt(CODE.mouseWait);
  }
  state.command = null;
  call.ax = command.ax;
  finish(call, state, command.answers);
};

function finish(call: Call, state: MouseState, answers: readonly number[]): void {
  const fn = call.al;
  if (fn === 0x00) state.enabled = call.bh === 1;
  if (fn === 0x01 || fn === 0x05) state.enabled = false;
  setMode(call, (mode) => (state.enabled ? mode | MODE.irq12 : mode & ~MODE.irq12));
  if (state.enabled) unmask(call);
  if (answers[0] !== ACK) return refuse(call, STATUS.interfaceError);
  if (fn === 0x01) call.bx = (answers[2]! << 8) | answers[1]!;
  if (fn === 0x04) call.bh = answers[1]!;
  if (fn === 0x06 && call.bh === 0) {
    call.bl = answers[1]!;
    call.cl = answers[2]!;
    call.dl = answers[3]!;
  }
  accept(call);
}

/** The i8042's mode byte: its answer to "read" is there at once. */
function setMode(call: Call, change: (mode: number) => number): void {
  call.out(0x64, 0x20);
  const mode = call.in(0x60);
  call.out(0x64, 0x60);
  call.out(0x60, change(mode));
}

function unmask(call: Call): void {
  call.out(0xa1, call.in(0xa1) & ~0x10);
  call.out(0x21, call.in(0x21) & ~4);
}

/** INT 74h, AL: a byte of a packet. */
export const mouseByte: Service = (call, { state: { mouse: state } }) => {
  state.received.push(call.al);
  if (state.received.length < state.packetBytes) return;
  const [status, x, y] = state.received;
  state.received = [];
  if (!state.enabled || state.handler === 0) return;
  for (const word of [status!, x!, y!, 0]) call.push(word);
  call.callFar(state.handler >>> 16, state.handler & 0xffff, CODE.mouseReturn);
};
