/**
 * A panel's way to its host: requests to the debug session, what the machine does, and what is kept while nobody looks.
 *
 * Invariant: a panel holds nothing that cannot be asked again. It is thrown away when hidden and made anew when shown; `keep` is all that
 * outlives it. An answer that comes after the machine has gone on is the caller's to drop: compare `machine().version`.
 */
import type { CustomRequests } from "../../protocol.ts";
import type { Place, View } from "../../protocol/place.ts";
import type { FromPanel, MachineState, ToPanel } from "./messages.ts";

export type { MachineState } from "./messages.ts";

type Kept = { readonly [key: string]: unknown };
declare function acquireVsCodeApi(): {
  postMessage(message: FromPanel): void;
  getState(): Kept | undefined;
  setState(state: Kept): void;
};

interface Waiting {
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
}

const editor = acquireVsCodeApi();
const waiting = new Map<number, Waiting>();
const machineListeners: ((machine: MachineState) => void)[] = [];
const revealListeners: ((place: Place) => void)[] = [];
let current: MachineState = { state: "none" };
let nextId = 1;

/** What the machine does now, as far as the panel was told. */
export const machine = (): MachineState => current;

/** Calls the listener when the machine stops, runs, ends, or is another one. */
export function onMachine(listener: (machine: MachineState) => void): void {
  machineListeners.push(listener);
}

/** Calls the listener when another view wants an address shown here. */
export function onReveal(listener: (place: Place) => void): void {
  revealListeners.push(listener);
}

/** Sends a custom request to the session. Rejects with the adapter's words. The panel's host must list the request's name. */
export async function request<Name extends keyof CustomRequests>(
  name: Name,
  ...[body]: CustomRequests[Name]["arguments"] extends undefined ? [] : [CustomRequests[Name]["arguments"]]
): Promise<CustomRequests[Name]["body"]> {
  const id = nextId++;
  const answer = await new Promise<unknown>((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    editor.postMessage({ kind: "request", id, name, arguments: body });
  });
  return answer as CustomRequests[Name]["body"];
}

/** Shows an address in another view. */
export const open = (view: View, place: Place): void => editor.postMessage({ kind: "open", view, place });

/** Shows a line of a source file. */
export const openSource = (path: string, line: number): void =>
  editor.postMessage({ kind: "source", path, line });

/** Puts text into the clipboard; `what` names it to the user: "12 ranges". */
export const copy = (text: string, what: string): void => editor.postMessage({ kind: "copy", text, what });

/** Remembers a value over hiding the panel and reloading the window. JSON. */
export const keep = (key: string, value: unknown): void =>
  editor.setState({ ...editor.getState(), [key]: value });

/** What was kept under a key, or what to take instead. The caller vouches for its shape: bump the key when it changes. */
export const kept = <T>(key: string, otherwise: T): T =>
  (editor.getState()?.[key] as T | undefined) ?? otherwise;

/** Starts listening. A panel calls it once, when its own listeners are there. */
export function connect(): void {
  window.addEventListener("message", ({ data }: MessageEvent<ToPanel>) => {
    switch (data.kind) {
      case "machine":
        current = data.machine;
        document.body.dataset["state"] = current.state;
        for (const listener of machineListeners) listener(current);
        break;
      case "answer":
        waiting.get(data.id)?.resolve(data.body);
        waiting.delete(data.id);
        break;
      case "failure":
        waiting.get(data.id)?.reject(new Error(data.message));
        waiting.delete(data.id);
        break;
      case "reveal":
        for (const listener of revealListeners) listener(data.place);
        break;
    }
  });
  document
    .getElementById("sample")
    ?.addEventListener("click", () => editor.postMessage({ kind: "command", command: "debugSample" }));
  editor.postMessage({ kind: "ready" });
}
