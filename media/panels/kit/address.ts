/**
 * Addresses as links. A click opens the view that suits best; the context menu (Shift+F10, or the menu key) lists all views that can show it.
 *
 * The menu is the editor's own: VS Code reads `data-vscode-context` from the elements under the pointer, and package.json contributes the
 * commands to `webview/context`.
 */
import { html, type TemplateResult } from "lit";
import type { Place, PlaceSpace, View } from "../../protocol/place.ts";
import { open } from "./host.ts";

/** "0x…" with as many digits as asked for at least. */
export const hex = (value: bigint | number, digits = 1): string =>
  `0x${value.toString(16).padStart(digits, "0")}`;

export const place = (space: PlaceSpace, offset: bigint | number | string): Place => ({
  space,
  offset: typeof offset === "string" ? offset : hex(offset),
});

/** What `data-vscode-context` says about an address; `preventDefaultContextMenuItems` takes cut, copy and paste out of the menu. */
export const menuContext = (at: Place): string =>
  JSON.stringify({
    webviewSection: "address",
    redzoneSpace: at.space,
    place: at,
    preventDefaultContextMenuItems: true,
  });

const SPACES: Record<PlaceSpace, string> = {
  linear: "virtual address",
  physical: "physical address",
  ram: "ram_addr_t",
  io: "port",
};

/**
 * An address as a link.
 *
 * @param view what a click opens; the others are in the menu.
 * @param label what is shown in place of the number.
 */
export function address(at: Place, view: View = "memory", label?: string): TemplateResult {
  const click = (event: Event): void => {
    event.preventDefault();
    event.stopPropagation();
    open(view, at);
  };
  return html`<a
    class="address"
    href="#"
    draggable="false"
    title="${SPACES[at.space]} ${at.offset}; right-click for views that show it"
    data-vscode-context=${menuContext(at)}
    @click=${click}
    >${label ?? at.offset}</a
  >`;
}

/** Opens the editor's context menu at an element, as a right click there does. */
export function openMenu(element: Element): void {
  const { left, bottom } = element.getBoundingClientRect();
  element.dispatchEvent(
    new MouseEvent("contextmenu", {
      bubbles: true,
      cancelable: true,
      composed: true,
      clientX: left + 16,
      clientY: bottom,
    }),
  );
}
