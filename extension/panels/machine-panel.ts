/**
 * Panels that look at a machine: one of each kind in a window, its front end made with `media/panels/kit/`.
 *
 * Invariant: a panel is a client of the session like any other. Closing it, hiding it or reloading the window changes nothing for the guest,
 * nothing is asked of the machine while nobody looks, and the front end reaches only the requests its kind lists.
 */
import * as vscode from "vscode";
import type { FromPanel, MachineState, ToPanel } from "../../media/panels/kit/messages.ts";
import type { CustomRequests } from "../../media/protocol.ts";
import type { Place, View } from "../../media/protocol/place.ts";
import type { Machine, Machines } from "../machines.ts";
import { lockGroupOf } from "./front.ts";
import { panelHtml } from "./html.ts";
import type { Navigation } from "./navigation.ts";

const NOTICE_MILLISECONDS = 4000;
/** The editor names the view types of webviews with this before them. */
const PREFIX = "mainThreadWebview-";

export interface PanelKind {
  /** "redzone." and the name of the view, as in `redzone.reveal`. */
  readonly view: `redzone.${View}`;
  readonly title: string;
  /** `media/icons/<icon>-light.svg` and `-dark.svg`. */
  readonly icon: string;
  /** Folder under `media/panels/`, and name of the bundle. */
  readonly bundle: string;
  /** What `#panel` holds before the front end draws into it. */
  readonly body: string;
  /** Said while no machine has run: what will appear here. */
  readonly empty: string;
  /** What the front end may ask. */
  readonly requests: readonly (keyof CustomRequests)[];
}

class MachinePanel {
  readonly panel: vscode.WebviewPanel;
  readonly #kind: PanelKind;
  readonly #machines: Machines;
  readonly #navigation: Navigation;
  readonly #subscriptions: vscode.Disposable[];
  #isReady = false;
  #version = 0;
  #last: Machine | null = null;
  #told = "";
  /** What is to be revealed when the front end is there. */
  #waiting: Place | null = null;

  constructor(
    panel: vscode.WebviewPanel,
    extensionUri: vscode.Uri,
    machines: Machines,
    navigation: Navigation,
    kind: PanelKind,
  ) {
    this.panel = panel;
    this.#kind = kind;
    this.#machines = machines;
    this.#navigation = navigation;
    panel.iconPath = {
      light: vscode.Uri.joinPath(extensionUri, `media/icons/${kind.icon}-light.svg`),
      dark: vscode.Uri.joinPath(extensionUri, `media/icons/${kind.icon}-dark.svg`),
    };
    panel.webview.html = panelHtml(
      panel.webview,
      extensionUri,
      kind.bundle,
      `<div id="empty"><h2>No machine is running</h2><p>${kind.empty}</p>
      <button id="sample" class="primary">Debug the Sample Kernel</button></div>
      <main id="panel">${kind.body}</main>`,
    );
    this.#subscriptions = [
      panel.webview.onDidReceiveMessage((message: FromPanel) => void this.#receive(message)),
      panel.onDidChangeViewState(() => {
        // A hidden front end is gone; the one that is made when it is shown says that it is ready.
        if (!panel.visible) this.#isReady = false;
      }),
      machines.onDidChange(() => {
        this.#version++;
        this.#tellMachine();
      }),
      vscode.debug.onDidChangeActiveStackItem(() => this.#tellMachine()),
    ];
    panel.onDidDispose(() => {
      for (const subscription of this.#subscriptions) subscription.dispose();
    });
  }

  reveal(place: Place): void {
    if (this.#isReady) this.#post({ kind: "reveal", place });
    else this.#waiting = place;
  }

  #post(message: ToPanel): void {
    void this.panel.webview.postMessage(message);
  }

  #tellMachine(): void {
    if (!this.#isReady) return;
    const machine = this.#state();
    const text = JSON.stringify(machine);
    if (text === this.#told) return;
    this.#told = text;
    this.#post({ kind: "machine", machine });
  }

  #state(): MachineState {
    const active = this.#machines.active;
    const machine = active ?? this.#last;
    if (machine === null) return { state: "none" };
    this.#last = machine;
    const { status, session } = machine;
    const item = vscode.debug.activeStackItem;
    const chosen = item?.session.id === session.id ? item : undefined;
    return {
      state: active === undefined ? "ended" : (status?.running ?? true) ? "running" : "stopped",
      session: session.id,
      name: machine.name,
      version: this.#version,
      status,
      threadId: chosen?.threadId ?? null,
      frameId: chosen !== undefined && "frameId" in chosen ? chosen.frameId : null,
    };
  }

  async #receive(message: FromPanel): Promise<void> {
    switch (message.kind) {
      case "ready":
        this.#isReady = true;
        this.#told = "";
        this.#tellMachine();
        if (this.#waiting !== null) this.#post({ kind: "reveal", place: this.#waiting });
        this.#waiting = null;
        break;
      case "request":
        this.#post(await this.#answer(message));
        break;
      case "open":
        await this.#navigation.reveal(message.view, message.place);
        break;
      case "source":
        await this.#navigation.openSource(message.path, message.line);
        break;
      case "copy":
        await vscode.env.clipboard.writeText(message.text);
        vscode.window.setStatusBarMessage(`$(clippy) Copied ${message.what}`, NOTICE_MILLISECONDS);
        break;
      case "command":
        await vscode.commands.executeCommand(`redzone.${message.command}`);
        break;
    }
  }

  async #answer({ id, name, arguments: body }: Extract<FromPanel, { kind: "request" }>): Promise<ToPanel> {
    const failure = (text: string): ToPanel => ({ kind: "failure", id, message: text });
    const machine = this.#machines.active;
    if (!this.#kind.requests.includes(name)) return failure(`The panel may not ask for ${name}.`);
    if (machine === undefined) return failure("No machine is running.");
    try {
      const answer: unknown = await machine.session.customRequest(name, body);
      return { kind: "answer", id, body: answer };
    } catch (error) {
      return failure(error instanceof Error ? error.message : String(error));
    }
  }
}

/** The one panel of a kind in a window. */
export class MachinePanels implements vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #machines: Machines;
  readonly #navigation: Navigation;
  readonly #kind: PanelKind;
  readonly #subscriptions: readonly vscode.Disposable[];
  #shown: MachinePanel | null = null;

  constructor(extensionUri: vscode.Uri, machines: Machines, navigation: Navigation, kind: PanelKind) {
    this.#extensionUri = extensionUri;
    this.#machines = machines;
    this.#navigation = navigation;
    this.#kind = kind;
    this.#subscriptions = [
      vscode.window.registerWebviewPanelSerializer(kind.view, {
        deserializeWebviewPanel: async (panel) => void this.#adopt(panel),
      }),
      navigation.register(kind.view.slice("redzone.".length) as View, async (place) => this.open(place)),
    ];
  }

  /** Opens the panel, or brings it to the front, and puts the keyboard into it. @param place what it is to show. */
  async open(place?: Place): Promise<void> {
    if (this.#shown === null) {
      const column = await columnOfPanels();
      const panel = vscode.window.createWebviewPanel(this.#kind.view, this.#kind.title, column);
      this.#shown = this.#adopt(panel);
      if (place !== undefined) this.#shown.reveal(place);
      await lockGroupOf(this.#kind.view);
      return;
    }
    this.#shown.panel.reveal();
    if (place !== undefined) this.#shown.reveal(place);
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#shown?.panel.dispose();
  }

  #adopt(panel: vscode.WebviewPanel): MachinePanel {
    panel.webview.options = {
      enableScripts: true,
      localResourceRoots: [vscode.Uri.joinPath(this.#extensionUri, "dist", "media")],
    };
    const shown = new MachinePanel(panel, this.#extensionUri, this.#machines, this.#navigation, this.#kind);
    this.#shown = shown;
    panel.onDidDispose(() => {
      if (this.#shown === shown) this.#shown = null;
    });
    return shown;
  }
}

/** Panels share a group: where one is already, else beside the source, else one that leaves room for the source. */
async function columnOfPanels(): Promise<vscode.ViewColumn> {
  const { all } = vscode.window.tabGroups;
  const group = all.find(({ tabs }) =>
    tabs.some(({ input }) => input instanceof vscode.TabInputWebview && isOurs(input.viewType)),
  );
  if (group !== undefined) return group.viewColumn;
  if (all.some(({ tabs }) => tabs.length > 0)) return vscode.ViewColumn.Beside;
  await vscode.commands.executeCommand("workbench.action.newGroupRight");
  return vscode.ViewColumn.Active;
}

const isOurs = (viewType: string): boolean => viewType.startsWith(`${PREFIX}redzone.`);
