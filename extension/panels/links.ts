/** Addresses that a guest prints on its serial lines are links: they open in any view. */
import * as vscode from "vscode";
import { addressesIn } from "../address-text.ts";
import type { Machines } from "../machines.ts";
import type { SerialTerminals } from "../serial.ts";
import { guarded, type Navigation } from "./navigation.ts";

class AddressLink extends vscode.TerminalLink {
  /** What the adapter evaluates. */
  readonly text: string;

  constructor(start: number, length: number, text: string) {
    super(start, length, "Open the address in another view");
    this.text = text;
  }
}

export function addressLinks(
  machines: Machines,
  serial: SerialTerminals,
  navigation: Navigation,
): vscode.Disposable {
  const open = guarded(async (text: string) => navigation.choose(text));
  return vscode.window.registerTerminalLinkProvider({
    provideTerminalLinks: ({ line, terminal }) =>
      machines.active === undefined || !serial.has(terminal)
        ? []
        : addressesIn(line).map(({ start, length, text }) => new AddressLink(start, length, text)),
    handleTerminalLink: async (link) => {
      if (link instanceof AddressLink) await open(link.text);
    },
  });
}
