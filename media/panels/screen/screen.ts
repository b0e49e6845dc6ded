/**
 * The Screen panel's front end: shows what the host sends, turns key presses into key messages.
 *
 * Invariant: it holds no state of the machine but the last picture; closing and reopening it changes nothing for the guest.
 */
import { ScreenCanvas, type Picture } from "./canvas.ts";
import { screenText } from "./font.ts";
import { connectKeyboard } from "./keyboard.ts";
import type { FromScreenPanel, ToScreenPanel } from "./messages.ts";

declare function acquireVsCodeApi(): { postMessage(message: FromScreenPanel): void };

const BLINK_MILLISECONDS = 530;

const editor = acquireVsCodeApi();

function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the panel has no ${type.name} #${id}`);
  return found;
}

const canvas = element("canvas", HTMLCanvasElement);
const frame = element("frame", HTMLDivElement);
const text = element("text", HTMLPreElement);
const note = element("note", HTMLSpanElement);
const hint = element("hint", HTMLSpanElement);
const machine = element("machine", HTMLSpanElement);

const painter = new ScreenCanvas(canvas);
let picture: Picture | null = null;
let cursorOn = true;

function redraw(): void {
  if (picture !== null) painter.draw(picture, cursorOn);
}

function fit(): void {
  // Whole device pixels per dot where there is room for one, so that every dot is as large as the next.
  const ratio = window.devicePixelRatio;
  const room = Math.min(frame.clientWidth / canvas.width, frame.clientHeight / canvas.height);
  const whole = Math.floor(room * ratio) / ratio;
  const scale = whole > 0 ? whole : room;
  canvas.style.imageRendering = whole > 0 ? "pixelated" : "auto";
  canvas.style.width = `${canvas.width * scale}px`;
  canvas.style.height = `${canvas.height * scale}px`;
}

function show(message: ToScreenPanel): void {
  document.body.dataset["state"] = message.kind === "none" ? "empty" : message.state;
  if (message.kind === "none") return;
  const { columns, rows, cursor } = message.screen;
  const cells = Uint8Array.from(atob(message.screen.cells), (character) => character.charCodeAt(0));
  picture = { columns, rows, cells, cursor };
  machine.textContent = message.machine;
  note.textContent = message.state;
  const words = screenText(cells, columns, rows);
  if (text.textContent !== words) text.textContent = words;
  cursorOn = true;
  redraw();
  fit();
}

window.addEventListener("message", (event: MessageEvent<ToScreenPanel>) => show(event.data));
new ResizeObserver(fit).observe(frame);
setInterval(() => {
  if (picture?.cursor === null || document.body.dataset["state"] === "ended") return;
  cursorOn = !cursorOn;
  redraw();
}, BLINK_MILLISECONDS);

connectKeyboard(frame, (key) => editor.postMessage({ kind: "key", key }));
frame.addEventListener(
  "focus",
  () => (hint.textContent = "Keys go to the guest. Shift+Escape gives them back."),
);
frame.addEventListener("blur", () => (hint.textContent = "Click the screen to type into the guest."));
element("sample", HTMLButtonElement).addEventListener("click", () =>
  editor.postMessage({ kind: "debugSample" }),
);
element("reset", HTMLButtonElement).addEventListener("click", () =>
  editor.postMessage({ kind: "ctrlAltDel" }),
);
element("copy", HTMLButtonElement).addEventListener("click", () => {
  void navigator.clipboard.writeText(text.textContent ?? "");
});
editor.postMessage({ kind: "ready" });
