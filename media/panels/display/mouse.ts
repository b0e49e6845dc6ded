/**
 * The mouse for the guest: a PS/2 mouse only knows how far it moved, so the pointer is locked to the display while the guest has it.
 *
 * Invariant: as many counts arrive as the host's mouse made, however seldom they are sent; buttons that are down when the mouse is given back are let go.
 */
import type { MouseArguments } from "../../protocol.ts";

const SEND_MILLISECONDS = 20;
/** Lines of text that a turn of the wheel by one notch scrolls, and pixels. */
const NOTCH = { lines: 3, pixels: 100 } as const;
/** Bits of a PS/2 packet by the DOM's button numbers: left, middle, right. */
const BUTTONS = [1, 4, 2] as const;

export interface MouseCapture {
  /** Gives the guest the mouse, if the host lets the pointer be locked. */
  readonly capture: () => void;
  readonly release: () => void;
}

/** @param changed called when the guest gets the mouse or loses it. */
export function connectMouse(
  target: HTMLElement,
  send: (mouse: MouseArguments) => void,
  changed: (captured: boolean) => void,
): MouseCapture {
  let [dx, dy, wheel, buttons] = [0, 0, 0, 0];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const dz = Math.trunc(wheel);
    send({ dx, dy, dz, buttons });
    wheel -= dz;
    dx = dy = 0;
  };
  const soon = (): void => {
    timer ??= setTimeout(flush, SEND_MILLISECONDS);
  };
  const isCaptured = (): boolean => document.pointerLockElement === target;

  target.addEventListener("mousemove", (event) => {
    if (!isCaptured()) return;
    dx += event.movementX;
    dy += event.movementY;
    soon();
  });
  target.addEventListener(
    "wheel",
    (event) => {
      if (!isCaptured()) return;
      event.preventDefault();
      wheel += event.deltaY / (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? NOTCH.lines : NOTCH.pixels);
      soon();
    },
    { passive: false },
  );
  for (const [type, isDown] of [
    ["mousedown", true],
    ["mouseup", false],
  ] as const) {
    target.addEventListener(type, (event) => {
      const bit = BUTTONS[event.button];
      if (!isCaptured() || bit === undefined) return;
      event.preventDefault();
      buttons = isDown ? buttons | bit : buttons & ~bit;
      flush();
    });
  }
  target.addEventListener("contextmenu", (event) => {
    if (isCaptured()) event.preventDefault();
  });
  document.addEventListener("pointerlockchange", () => {
    if (!isCaptured() && buttons !== 0) {
      buttons = 0;
      flush();
    }
    changed(isCaptured());
  });

  return {
    // A host that refuses answers with an event, and newer ones with a rejected promise, too; the display then goes on without the mouse.
    capture: () => void Promise.resolve(target.requestPointerLock()).catch(() => changed(false)),
    release: () => document.exitPointerLock(),
  };
}
