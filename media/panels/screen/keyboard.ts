/**
 * Keys for the guest: while the screen has the focus every key goes there, by its place on the keyboard, not by its letter.
 *
 * Invariant: what goes down comes up. Keys still held when the focus leaves are released, or the guest would see them held for ever.
 * Elsewhere: the scan codes are the adapter's.
 */
import type { KeyArguments } from "../../protocol.ts";

/** @param send called for each press, each repeat by the host while a key is held, and each release. */
export function connectKeyboard(target: HTMLElement, send: (key: KeyArguments) => void): void {
  const held = new Set<string>();

  target.addEventListener("keydown", (event) => {
    if (event.code === "Escape" && event.shiftKey) {
      target.blur();
      event.preventDefault();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (event.code === "") return;
    held.add(event.code);
    send({ code: event.code, down: true });
  });
  target.addEventListener("keyup", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (held.delete(event.code)) send({ code: event.code, down: false });
  });
  target.addEventListener("blur", () => {
    for (const code of held) send({ code, down: false });
    held.clear();
  });
}
