/** A bar between two parts of a panel, one above the other, that is moved with the mouse or with the arrow keys. */
import { keep, kept } from "./host.ts";

const STEP_PERCENT = 4;
const LEAST_PERCENT = 10;
const MOST_PERCENT = 90;

/**
 * @param bar gets the role of a separator. @param above what it makes higher; its parent's height is the whole.
 * @param key under which the place is kept. A double click gives the place back to the style sheet.
 */
export function splitter(bar: HTMLElement, above: HTMLElement, key: string, label: string): void {
  const set = (percent: number | null): void => {
    keep(key, percent);
    show(percent);
  };
  const show = (percent: number | null): void => {
    above.style.flex = percent === null ? "" : `0 0 ${percent}%`;
    above.style.maxHeight = percent === null ? "" : "none";
    bar.setAttribute("aria-valuenow", String(Math.round(percent ?? current())));
  };
  const whole = (): number => above.parentElement?.clientHeight ?? 1;
  const current = (): number => (above.offsetHeight / whole()) * 100;
  const within = (percent: number): number => Math.min(MOST_PERCENT, Math.max(LEAST_PERCENT, percent));

  bar.className = "splitter";
  bar.tabIndex = 0;
  bar.role = "separator";
  bar.ariaOrientation = "horizontal";
  bar.ariaLabel = label;
  bar.ariaValueMin = String(LEAST_PERCENT);
  bar.ariaValueMax = String(MOST_PERCENT);
  bar.addEventListener("keydown", (event) => {
    const step = Number(event.key === "ArrowDown") - Number(event.key === "ArrowUp");
    if (step === 0) return;
    event.preventDefault();
    set(within(current() + step * STEP_PERCENT));
  });
  bar.addEventListener("pointerdown", (event) => {
    bar.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  bar.addEventListener("pointermove", (event) => {
    if (!bar.hasPointerCapture(event.pointerId)) return;
    set(within(((event.clientY - above.getBoundingClientRect().top) / whole()) * 100));
  });
  bar.addEventListener("dblclick", () => set(null));
  const before = kept<number | null>(key, null);
  if (before !== null) show(before);
}
