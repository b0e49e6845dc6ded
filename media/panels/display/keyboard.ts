/**
 * Keys for the guest: while the display has the focus every key goes there, by its place on the keyboard, not by its letter. Ctrl and Alt, pressed and let go with
 * nothing else, give the keys back.
 *
 * Invariant: what goes down comes up. Keys still held when the focus leaves are released, or the guest would see them held for ever.
 * Elsewhere: the scan codes are the adapter's.
 */
import type { KeyArguments } from "../../protocol.ts";

const isControl = (code: string): boolean => code === "ControlLeft" || code === "ControlRight";
/** Not the right one: some keyboards say that AltGr is a Control and a right Alt. */
const isAlt = (code: string): boolean => code === "AltLeft";

export interface Keyboard {
  /** Lets go of whatever the guest believes to be held. */
  readonly release: () => void;
}

/**
 * @param send called for each press, each repeat by the host while a key is held, and each release.
 * @param leave called when the keys are to be given back.
 */
export function connectKeyboard(
  target: HTMLElement,
  send: (key: KeyArguments) => void,
  leave: () => void,
): Keyboard {
  const held = new Set<string>();
  /** Control and Alt are down, and nothing else has been since. */
  let leaves = false;

  const release = (): void => {
    for (const code of held) send({ code, down: false });
    held.clear();
    leaves = false;
  };

  target.addEventListener("keydown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (event.code === "") return;
    held.add(event.code);
    const codes = [...held];
    leaves =
      codes.some(isControl) && codes.some(isAlt) && codes.every((code) => isControl(code) || isAlt(code));
    send({ code: event.code, down: true });
  });
  target.addEventListener("keyup", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const isLast = leaves;
    if (held.delete(event.code)) send({ code: event.code, down: false });
    if (!isLast) return;
    release();
    leave();
  });
  target.addEventListener("blur", release);
  return { release };
}
