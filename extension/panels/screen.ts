/**
 * The Screen panel's host half: fetches the guest's text screen while the panel is visible and passes keys on.
 *
 * Invariant: it is a client of the session like any other. Closing it, hiding it or reloading the window changes nothing for the guest,
 * and nothing is asked of the machine while nobody looks.
 */
import * as vscode from "vscode";
import type { FromScreenPanel, ToScreenPanel } from "../../media/panels/screen/messages.ts";
import type { Machine, Machines } from "../machines.ts";
import { panelHtml } from "./html.ts";

export const SCREEN_VIEW = "redzone.screen";

const RUNNING_MILLISECONDS = 50;
/** A stopped guest's screen changes only by the debugger's own writes. */
const STOPPED_MILLISECONDS = 500;
/** A panel that another has taken the place of by then will not come to the front. */
const FRONT_MILLISECONDS = 1000;
/** Ctrl-Alt-Del, down in this order and up in the reverse. */
const CTRL_ALT_DEL = ["ControlLeft", "AltLeft", "Delete"] as const;

const body = `
  <div id="empty">
    <h2>No machine is running</h2>
    <p>The guest's 80 × 25 text screen appears here as soon as a kernel boots. Start debugging with F5, or try the sample.</p>
    <button id="sample" class="primary">Debug the Sample Kernel</button>
  </div>
  <div id="frame" tabindex="0" role="application" aria-label="The guest's screen. Keys go to the guest; Shift and Escape give them back.">
    <canvas id="canvas" width="640" height="400" aria-hidden="true"></canvas>
  </div>
  <pre id="text" role="log" aria-label="Text on the guest's screen"></pre>
  <footer>
    <span id="machine"></span><span id="note"></span>
    <span id="hint">Click the screen to type into the guest.</span>
    <button id="copy">Copy Text</button><button id="reset">Ctrl-Alt-Del</button>
  </footer>`;

/** Sends Ctrl-Alt-Del to a machine. */
export async function sendCtrlAltDel(machine: Machine): Promise<void> {
  for (const code of CTRL_ALT_DEL) await machine.request("redzone/key", { code, down: true });
  for (const code of CTRL_ALT_DEL.toReversed()) await machine.request("redzone/key", { code, down: false });
}

class ScreenPanel {
  readonly panel: vscode.WebviewPanel;
  readonly #machines: Machines;
  readonly #subscriptions: vscode.Disposable[];
  #timer: NodeJS.Timeout | undefined;
  #asking = false;
  #last = "";
  #picture: Extract<ToScreenPanel, { kind: "screen" }> | null = null;

  constructor(panel: vscode.WebviewPanel, extensionUri: vscode.Uri, machines: Machines) {
    this.panel = panel;
    this.#machines = machines;
    panel.iconPath = {
      light: vscode.Uri.joinPath(extensionUri, "media/icons/screen-light.svg"),
      dark: vscode.Uri.joinPath(extensionUri, "media/icons/screen-dark.svg"),
    };
    panel.webview.html = panelHtml(panel.webview, extensionUri, "screen", body);
    this.#subscriptions = [
      panel.webview.onDidReceiveMessage((message: FromScreenPanel) => void this.#receive(message)),
      panel.onDidChangeViewState(() => this.#refreshSoon(0)),
      machines.onDidChange(() => this.#refreshSoon(0)),
    ];
    panel.onDidDispose(() => {
      clearTimeout(this.#timer);
      for (const subscription of this.#subscriptions) subscription.dispose();
    });
    this.#refreshSoon(0);
  }

  #post(message: ToScreenPanel): void {
    const text = JSON.stringify(message);
    if (text === this.#last) return;
    this.#last = text;
    void this.panel.webview.postMessage(message);
  }

  #refreshSoon(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#refresh(), milliseconds);
  }

  async #refresh(): Promise<void> {
    if (!this.panel.visible || this.#asking) return;
    const machine = this.#machines.active;
    if (machine === undefined) {
      this.#post(this.#picture === null ? { kind: "none" } : { ...this.#picture, state: "ended" });
      return;
    }
    this.#asking = true;
    const running = machine.status?.running ?? false;
    try {
      const screen = await machine.request("redzone/screen");
      this.#picture = {
        kind: "screen",
        screen,
        machine: machine.name,
        state: running ? "running" : "stopped",
      };
      this.#post(this.#picture);
    } catch {
      // The session is starting or ending; the next status or the next turn tells.
    } finally {
      this.#asking = false;
    }
    this.#refreshSoon(running ? RUNNING_MILLISECONDS : STOPPED_MILLISECONDS);
  }

  async #receive(message: FromScreenPanel): Promise<void> {
    const machine = this.#machines.active;
    switch (message.kind) {
      case "ready":
        this.#last = "";
        this.#refreshSoon(0);
        break;
      case "key":
        await machine?.request("redzone/key", message.key);
        break;
      case "ctrlAltDel":
        if (machine !== undefined) await sendCtrlAltDel(machine);
        break;
      case "debugSample":
        await vscode.commands.executeCommand("redzone.debugSample");
        break;
    }
  }
}

/** The one Screen panel of a window. */
export class ScreenPanels implements vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #machines: Machines;
  readonly #serializer: vscode.Disposable;
  #shown: ScreenPanel | null = null;

  constructor(extensionUri: vscode.Uri, machines: Machines) {
    this.#extensionUri = extensionUri;
    this.#machines = machines;
    this.#serializer = vscode.window.registerWebviewPanelSerializer(SCREEN_VIEW, {
      deserializeWebviewPanel: async (panel) => this.#adopt(panel),
    });
  }

  /** Opens the panel beside the editor, or brings it to the front. */
  async open(): Promise<void> {
    if (this.#shown !== null) {
      this.#shown.panel.reveal(undefined, true);
      return;
    }
    // A group of its own, even beside nothing, and locked: the next stop would otherwise open its source over the screen.
    const besideSomething = vscode.window.tabGroups.all.some(({ tabs }) => tabs.length > 0);
    if (!besideSomething) await vscode.commands.executeCommand("workbench.action.newGroupRight");
    const column = besideSomething ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active;
    const panel = vscode.window.createWebviewPanel(SCREEN_VIEW, "Screen", column);
    this.#adopt(panel);
    await isInFront();
    if (vscode.window.tabGroups.activeTabGroup.tabs.length === 1) {
      await vscode.commands.executeCommand("workbench.action.lockEditorGroup");
    }
    await vscode.commands.executeCommand("workbench.action.focusPreviousGroup");
  }

  dispose(): void {
    this.#serializer.dispose();
    this.#shown?.panel.dispose();
  }

  #adopt(panel: vscode.WebviewPanel): void {
    panel.webview.options = {
      enableScripts: true,
      localResourceRoots: [vscode.Uri.joinPath(this.#extensionUri, "dist", "media")],
    };
    const shown = new ScreenPanel(panel, this.#extensionUri, this.#machines);
    this.#shown = shown;
    panel.onDidDispose(() => {
      if (this.#shown === shown) this.#shown = null;
    });
  }
}

/** Resolves when the Screen's tab is the active one of the active group: the editor opens panels after the call that makes them. */
async function isInFront(): Promise<void> {
  const { tabGroups } = vscode.window;
  const inFront = (): boolean => {
    const input = tabGroups.activeTabGroup.activeTab?.input;
    return input instanceof vscode.TabInputWebview && input.viewType.endsWith(SCREEN_VIEW);
  };
  if (inFront()) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      for (const subscription of subscriptions) subscription.dispose();
      resolve();
    };
    const look = (): void => void (inFront() && finish());
    const subscriptions = [tabGroups.onDidChangeTabs(look), tabGroups.onDidChangeTabGroups(look)];
    const timer = setTimeout(finish, FRONT_MILLISECONDS);
  });
}
