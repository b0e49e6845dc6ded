/**
 * The Display panel's front end: shows what the host sends, turns keys and the mouse into messages.
 *
 * Invariant: it holds no state of the machine but the last picture; closing and reopening it changes nothing for the guest.
 */
import { element } from "../kit/element.ts";
import { DisplayCanvas } from "./canvas.ts";
import { connectKeyboard } from "./keyboard.ts";
import type { FromDisplayPanel, ToDisplayPanel } from "./messages.ts";
import { connectMouse } from "./mouse.ts";

interface Kept {
  readonly scale: string;
}
declare function acquireVsCodeApi(): {
  postMessage(message: FromDisplayPanel): void;
  getState(): Kept | undefined;
  setState(state: Kept): void;
};

const editor = acquireVsCodeApi();

const canvas = element("canvas", HTMLCanvasElement);
const frame = element("frame", HTMLDivElement);
const text = element("text", HTMLPreElement);
const note = element("note", HTMLSpanElement);
const hint = element("hint", HTMLSpanElement);
const machine = element("machine", HTMLSpanElement);
const size = element("size", HTMLSpanElement);
const scale = element("scale", HTMLSelectElement);
const mouseButton = element("mouse", HTMLButtonElement);
const copyButton = element("copy", HTMLButtonElement);

const painter = new DisplayCanvas(canvas);
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
let isText = true;
/** What the frame has for the picture, in CSS pixels. */
let space = { width: 0, height: 0 };

/** Sizes the canvas on the page. "whole": as many device pixels for each of the guest's as there is room for, a whole number if there is room for one. */
function fit(): void {
  const ratio = window.devicePixelRatio;
  const room = Math.min(space.width / canvas.width, space.height / canvas.height);
  const whole = Math.floor(room * ratio) / ratio;
  const factor =
    scale.value === "fill" ? room : scale.value === "whole" ? whole || room : Number(scale.value) / ratio;
  canvas.style.imageRendering = factor * ratio >= 1 ? "pixelated" : "auto";
  canvas.style.width = `${canvas.width * factor}px`;
  canvas.style.height = `${canvas.height * factor}px`;
}

function setState(state: string): void {
  document.body.dataset["state"] = state;
  painter.blinks = (state === "running" || state === "stopped") && !reducedMotion.matches;
}

async function show(message: ToDisplayPanel): Promise<void> {
  switch (message.kind) {
    case "none":
      setState("empty");
      return;
    case "state":
      setState(message.state);
      machine.textContent = message.machine;
      note.textContent = message.state;
      fit();
      return;
    case "picture": {
      await painter.update(message.width, message.height, message.bands, message.cursor);
      isText = message.text !== null;
      const words = message.text?.lines ?? "";
      if (text.textContent !== words) text.textContent = words;
      size.textContent =
        message.text === null
          ? `${message.width} × ${message.height}`
          : `text, ${message.text.columns} × ${message.text.rows}`;
      copyButton.disabled = !isText;
      fit();
      editor.postMessage({ kind: "drawn" });
      return;
    }
  }
}

/** Messages are shown one after the other: a picture's bands take a moment to be unpacked. */
let shown: Promise<void> = Promise.resolve();
window.addEventListener("message", (event: MessageEvent<ToDisplayPanel>) => {
  shown = shown.then(async () => show(event.data));
});

function tellHint(): void {
  const hasKeys = document.activeElement === frame;
  const hasMouse = document.pointerLockElement === frame;
  frame.classList.toggle("captured", hasKeys);
  mouseButton.setAttribute("aria-pressed", String(hasMouse));
  hint.textContent = hasMouse
    ? "Keys and mouse go to the guest. Ctrl+Alt gives them back."
    : hasKeys
      ? "Keys go to the guest. Ctrl+Alt gives them back."
      : "Click the display to type into the guest.";
}

const keyboard = connectKeyboard(
  frame,
  (key) => editor.postMessage({ kind: "key", key }),
  () => {
    mouse.release();
    frame.blur();
  },
);
const mouse = connectMouse(frame, (report) => editor.postMessage({ kind: "mouse", mouse: report }), tellHint);
frame.addEventListener("focus", tellHint);
frame.addEventListener("blur", tellHint);
window.addEventListener("blur", keyboard.release);
// Text screens rarely use a mouse, and a person may only want to type.
canvas.addEventListener("click", () => {
  if (!isText && document.pointerLockElement === null) mouse.capture();
});
mouseButton.addEventListener("click", () => {
  frame.focus();
  mouse.capture();
});

for (const [id, command] of [
  ["sample", "debugSample"],
  ["keys", "sendKeys"],
  ["copy", "copyDisplayText"],
  ["save", "saveDisplay"],
] as const) {
  element(id, HTMLButtonElement).addEventListener("click", () =>
    editor.postMessage({ kind: "command", command }),
  );
}

const kept = editor.getState();
if (kept !== undefined) scale.value = kept.scale;
scale.addEventListener("change", () => {
  editor.setState({ scale: scale.value });
  fit();
});
new ResizeObserver(([entry]) => {
  if (entry !== undefined) space = entry.contentRect;
  fit();
}).observe(frame);
reducedMotion.addEventListener("change", () => setState(document.body.dataset["state"] ?? "empty"));
tellHint();
editor.postMessage({ kind: "ready" });
