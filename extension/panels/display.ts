/**
 * The Display panel's host half: fetches what has changed on the guest's display while the panel is visible, and passes keys and the mouse on.
 *
 * Invariant: it is a client of the session like any other. Closing it, hiding it or reloading the window changes nothing for the guest,
 * and nothing is asked of the machine while nobody looks. A picture is asked for when the one before has been drawn.
 */
import * as vscode from "vscode";
import type { FromDisplayPanel, ToDisplayPanel } from "../../media/panels/display/messages.ts";
import type { DisplayArguments, DisplayBody } from "../../media/protocol.ts";
import type { Machine, Machines } from "../machines.ts";
import { lockGroupOf } from "./front.ts";
import { panelHtml } from "./html.ts";
import { KeptPicture } from "./picture.ts";

export const DISPLAY_VIEW = "redzone.display";

/** At most 30 pictures a second. */
const RUNNING_MILLISECONDS = 33;
/** A stopped guest's display changes only by the debugger's own writes. */
const STOPPED_MILLISECONDS = 500;
/** A picture that the panel has not drawn by then is lost: it was reloaded. */
const DRAWN_MILLISECONDS = 3000;
const NOTICE_MILLISECONDS = 4000;

const body = `
  <div id="empty">
    <h2>No machine is running</h2>
    <p>The guest's display, text or graphics, appears here as soon as a kernel boots. Start debugging with F5, or try the sample.</p>
    <button id="sample" class="primary">Debug the Sample Kernel</button>
  </div>
  <div id="frame" tabindex="0" role="application" aria-label="The guest's display. Keys go to the guest; Control and Alt, pressed together and let go, give them back.">
    <canvas id="canvas" width="720" height="400" aria-hidden="true"></canvas>
  </div>
  <pre id="text" role="log" aria-label="Text on the guest's display"></pre>
  <footer>
    <span id="machine"></span><span id="note"></span><span id="size"></span>
    <span id="hint"></span>
    <select id="scale" title="Size of the picture: Fit takes whole device pixels for each of the guest's, Fill all the room there is" aria-label="Size of the picture">
      <option value="whole">Fit</option><option value="fill">Fill</option>
      <option value="1">1×</option><option value="2">2×</option><option value="3">3×</option><option value="4">4×</option>
    </select>
    <button id="mouse" aria-pressed="false" title="Give the mouse to the guest, too">Mouse</button>
    <button id="keys" title="Send Ctrl-Alt-Del and other keys that the editor keeps for itself">Keys…</button>
    <button id="copy" title="Copy the text on the display">Copy</button><button id="save" title="Save the picture as a PNG file">Save…</button>
  </footer>`;

/** What is on the text screen of a machine goes to the clipboard. */
export async function copyDisplayText(machine: Machine): Promise<void> {
  const { text } = await machine.request("redzone/display", {});
  await copyText(text);
}

async function copyText(text: { readonly lines: string } | null): Promise<void> {
  if (text === null) {
    await vscode.window.showInformationMessage("The display is in a graphics mode; it has no text to copy.");
    return;
  }
  await vscode.env.clipboard.writeText(`${text.lines}\n`);
  vscode.window.setStatusBarMessage("$(clippy) The display's text is in the clipboard", NOTICE_MILLISECONDS);
}

/** Writes the picture into a file that the user chooses. */
export async function saveDisplay(machine: Machine): Promise<void> {
  // The picture is that of the moment of the command, not of the end of the dialog.
  const { png } = await machine.request("redzone/capture");
  const name = `${machine.name.replaceAll(/[^\p{L}\p{N}]+/gu, "-")}.png`;
  const folder = (machine.session.workspaceFolder ?? vscode.workspace.workspaceFolders?.[0])?.uri;
  const target = await vscode.window.showSaveDialog({
    title: "Save the Display as PNG",
    filters: { "PNG picture": ["png"] },
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, name) }),
  });
  if (target !== undefined)
    await vscode.workspace.fs.writeFile(target, new Uint8Array(Buffer.from(png, "base64")));
}

class DisplayPanel {
  readonly panel: vscode.WebviewPanel;
  readonly #machines: Machines;
  readonly #subscriptions: vscode.Disposable[];
  #timer: NodeJS.Timeout | undefined;
  #asking = false;
  /** Whose picture the panel holds, and its version. */
  #shown: { readonly machine: Machine; version: number; readonly picture: KeptPicture } | null = null;
  /** What the panel was told last about the machine. */
  #state = "";
  /** Since when a picture is on its way; 0: none is. */
  #sentAt = 0;

  constructor(panel: vscode.WebviewPanel, extensionUri: vscode.Uri, machines: Machines) {
    this.panel = panel;
    this.#machines = machines;
    panel.iconPath = {
      light: vscode.Uri.joinPath(extensionUri, "media/icons/display-light.svg"),
      dark: vscode.Uri.joinPath(extensionUri, "media/icons/display-dark.svg"),
    };
    panel.webview.html = panelHtml(panel.webview, extensionUri, "display", body);
    this.#subscriptions = [
      panel.webview.onDidReceiveMessage((message: FromDisplayPanel) => void this.#receive(message)),
      panel.onDidChangeViewState(() => this.#refreshSoon(0)),
      machines.onDidChange(() => this.#refreshSoon(0)),
    ];
    panel.onDidDispose(() => {
      clearTimeout(this.#timer);
      for (const subscription of this.#subscriptions) subscription.dispose();
    });
    this.#refreshSoon(0);
  }

  #post(message: ToDisplayPanel): void {
    void this.panel.webview.postMessage(message);
  }

  /** Says whose display it is and whether it runs, if that is new. */
  #tellState(message: Exclude<ToDisplayPanel, { kind: "picture" }>): void {
    const state = JSON.stringify(message);
    if (state === this.#state) return;
    this.#state = state;
    this.#post(message);
  }

  #refreshSoon(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#refresh(), milliseconds);
  }

  async #refresh(): Promise<void> {
    if (!this.panel.visible || this.#asking) return;
    const machine = this.#machines.active;
    if (machine === undefined) {
      const before = this.#shown?.machine;
      this.#tellState(
        before === undefined ? { kind: "none" } : { kind: "state", machine: before.name, state: "ended" },
      );
      return;
    }
    const running = machine.status?.running ?? false;
    const began = Date.now();
    if (this.#sentAt === 0 || began - this.#sentAt > DRAWN_MILLISECONDS) {
      this.#asking = true;
      try {
        this.#show(machine, await machine.request("redzone/display", this.#held(machine)));
        this.#tellState({ kind: "state", machine: machine.name, state: running ? "running" : "stopped" });
      } catch {
        // The session is starting or ending; the next status or the next turn tells.
      } finally {
        this.#asking = false;
      }
    }
    // A picture that is much work is asked for less often.
    const spent = Date.now() - began;
    this.#refreshSoon(running ? Math.max(RUNNING_MILLISECONDS - spent, spent) : STOPPED_MILLISECONDS);
  }

  #held(machine: Machine): DisplayArguments {
    const shown = this.#shown;
    return shown?.machine === machine && !shown.picture.isInManyPieces ? { since: shown.version } : {};
  }

  #show(machine: Machine, display: DisplayBody): void {
    const shown = this.#shown;
    let message: ToDisplayPanel | null;
    if (shown?.machine === machine) {
      message = shown.picture.update(display);
      shown.version = display.version;
    } else {
      const picture = new KeptPicture(display);
      this.#shown = { machine, version: display.version, picture };
      message = picture.whole;
    }
    if (message !== null) this.#send(message);
  }

  #send(picture: ToDisplayPanel): void {
    this.#sentAt = Date.now();
    this.#post(picture);
  }

  async #receive(message: FromDisplayPanel): Promise<void> {
    const machine = this.#machines.active;
    switch (message.kind) {
      case "ready":
        this.#state = "";
        this.#sentAt = 0;
        if (this.#shown !== null) this.#send(this.#shown.picture.whole);
        this.#refreshSoon(0);
        break;
      case "drawn":
        this.#sentAt = 0;
        break;
      case "key":
        await machine?.request("redzone/key", message.key);
        break;
      case "mouse":
        await machine?.request("redzone/mouse", message.mouse);
        break;
      case "command":
        // The last picture of a session that is over is all there is.
        if (message.command === "copyDisplayText" && machine === undefined)
          await copyText(this.#shown?.picture.whole.text ?? null);
        else await vscode.commands.executeCommand(`redzone.${message.command}`);
        break;
    }
  }
}

/** The one Display panel of a window. */
export class DisplayPanels implements vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #machines: Machines;
  readonly #serializer: vscode.Disposable;
  #shown: DisplayPanel | null = null;

  constructor(extensionUri: vscode.Uri, machines: Machines) {
    this.#extensionUri = extensionUri;
    this.#machines = machines;
    this.#serializer = vscode.window.registerWebviewPanelSerializer(DISPLAY_VIEW, {
      deserializeWebviewPanel: async (panel) => this.#adopt(panel),
    });
  }

  /** Opens the panel beside the editor, or brings it to the front. */
  async open(): Promise<void> {
    if (this.#shown !== null) {
      this.#shown.panel.reveal(undefined, true);
      return;
    }
    // A group of its own, even beside nothing, and locked: the next stop would otherwise open its source over the display.
    const besideSomething = vscode.window.tabGroups.all.some(({ tabs }) => tabs.length > 0);
    if (!besideSomething) await vscode.commands.executeCommand("workbench.action.newGroupRight");
    const column = besideSomething ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active;
    const panel = vscode.window.createWebviewPanel(DISPLAY_VIEW, "Display", column);
    this.#adopt(panel);
    await lockGroupOf(DISPLAY_VIEW);
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
    const shown = new DisplayPanel(panel, this.#extensionUri, this.#machines);
    this.#shown = shown;
    panel.onDidDispose(() => {
      if (this.#shown === shown) this.#shown = null;
    });
  }
}
