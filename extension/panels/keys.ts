/** Combinations of keys that an editor or its host keeps for itself, so that they cannot be typed into the guest. */
import * as vscode from "vscode";
import type { Machine } from "../machines.ts";

const CTRL_ALT = ["ControlLeft", "AltLeft"] as const;

interface Combination {
  readonly label: string;
  readonly description?: string;
  /** Down in this order and up in the reverse; several are typed one after the other. */
  readonly codes: readonly string[];
}

const COMBINATIONS: readonly Combination[] = [
  { label: "Ctrl-Alt-Del", codes: [...CTRL_ALT, "Delete"] },
  { label: "Escape", description: "while the guest has the mouse, it gives it back", codes: ["Escape"] },
  ...[1, 2, 3, 4, 5, 6, 7].map((n) => ({ label: `Ctrl-Alt-F${n}`, codes: [...CTRL_ALT, `F${n}`] })),
  { label: "Alt-Tab", codes: ["AltLeft", "Tab"] },
  { label: "Alt-F4", codes: ["AltLeft", "F4"] },
  { label: "Ctrl-W", codes: ["ControlLeft", "KeyW"] },
  { label: "Ctrl-Escape", codes: ["ControlLeft", "Escape"] },
  { label: "Meta", description: "the key with the Windows logo", codes: ["MetaLeft"] },
  { label: "Print Screen", codes: ["PrintScreen"] },
  { label: "Pause", codes: ["Pause"] },
  { label: "Ctrl-Break", codes: ["ControlLeft", "Pause"] },
  ...Object.entries({
    H: "help",
    T: "tasks",
    W: "blocked tasks",
    L: "backtraces of all CPUs",
    M: "memory",
    S: "sync",
    U: "remount read-only",
    C: "crash",
    B: "reboot",
  }).map(([letter, does]) => ({
    label: `Alt-SysRq-${letter}`,
    description: `Linux: ${does}`,
    codes: ["AltLeft", "PrintScreen", `Key${letter}`],
  })),
];

export async function typeKeys(machine: Machine, codes: readonly string[]): Promise<void> {
  for (const code of codes) await machine.request("redzone/key", { code, down: true });
  for (const code of codes.toReversed()) await machine.request("redzone/key", { code, down: false });
}

export const sendCtrlAltDel = (machine: Machine): Promise<void> => typeKeys(machine, [...CTRL_ALT, "Delete"]);

/** Asks for a combination and types it. */
export async function sendKeys(machine: Machine): Promise<void> {
  const choice = await vscode.window.showQuickPick(COMBINATIONS, {
    title: `Keys for ${machine.name}`,
    matchOnDescription: true,
  });
  if (choice !== undefined) await typeKeys(machine, choice.codes);
}
