/**
 * An address anywhere opens in any other view: panels, the editor's memory and disassembly, the source.
 *
 * `redzone.reveal` takes a view and a place; the commands in menus take whatever the menu gives them (a variable, a selection, a link in a
 * panel) and find the address in it.
 */
import * as vscode from "vscode";
import type { Place, RevealArguments, View } from "../../media/protocol/place.ts";
import type { Machines } from "../machines.ts";

type Show = (place: Place) => Promise<void>;

export class Navigation implements vscode.Disposable {
  readonly #machines: Machines;
  readonly #views = new Map<View, Show>();
  readonly #subscriptions: vscode.Disposable[];

  constructor(machines: Machines) {
    this.#machines = machines;
    this.#subscriptions = [
      vscode.commands.registerCommand("redzone.reveal", async ({ view, place }: RevealArguments) =>
        this.reveal(view, place),
      ),
    ];
  }

  /** Says how a view shows an address. */
  register(view: View, show: Show): vscode.Disposable {
    this.#views.set(view, show);
    return new vscode.Disposable(() => this.#views.delete(view));
  }

  async reveal(view: View, place: Place): Promise<void> {
    const show = this.#views.get(view);
    if (show === undefined) {
      await vscode.window.showInformationMessage(`Nothing here shows addresses as ${view}.`);
      return;
    }
    if (this.#machines.active === undefined) {
      await vscode.window.showInformationMessage("No machine is running, so there is nothing to show.");
      return;
    }
    await show(place);
  }

  /** @param line from 1 on. */
  async openSource(path: string, line: number): Promise<void> {
    const position = new vscode.Position(Math.max(0, line - 1), 0);
    await vscode.window.showTextDocument(vscode.Uri.file(path), {
      selection: new vscode.Range(position, position),
      viewColumn: vscode.ViewColumn.One,
    });
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }
}
