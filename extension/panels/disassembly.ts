/**
 * Instructions from any address on, as a document. VS Code's own Disassembly view shows the code of a stack frame and takes no address from
 * an extension, so what is elsewhere is shown here.
 *
 * Invariant: the document says what memory holds now: it is made anew at every stop.
 */
import * as vscode from "vscode";
import type { DebugProtocol } from "@vscode/debugprotocol";
import type { Place } from "../../media/protocol/place.ts";
import { formatPlace } from "../address-text.ts";
import type { Machines } from "../machines.ts";

const SCHEME = "redzone-disassembly";
const BEFORE = 16;
const INSTRUCTIONS = 400;
/** Of instruction bytes: the longest usual ones; longer push the text aside. */
const BYTES_COLUMNS = 30;

export class DisassemblyDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #machines: Machines;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #subscriptions: readonly vscode.Disposable[];
  readonly onDidChange = this.#changed.event;

  constructor(machines: Machines) {
    this.#machines = machines;
    this.#subscriptions = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      machines.onDidChange((machine) => {
        if (machine?.status?.running !== false) return;
        for (const { uri } of vscode.workspace.textDocuments)
          if (uri.scheme === SCHEME) this.#changed.fire(uri);
      }),
    ];
  }

  async show(place: Place): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${place.offset}.s`, query: formatPlace(place) });
    const document = await vscode.workspace.openTextDocument(uri);
    const line = document
      .getText()
      .split("\n")
      .findIndex((text) => text.startsWith(">"));
    const position = new vscode.Position(Math.max(0, line), 0);
    const editor = await vscode.window.showTextDocument(document, {
      preview: true,
      viewColumn: vscode.ViewColumn.One,
      selection: new vscode.Range(position, position),
    });
    editor.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.InCenter);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const machine = this.#machines.active;
    if (machine === undefined) return `The machine is switched off.\n`;
    const { instructions } = (await machine.session.customRequest("disassemble", {
      memoryReference: uri.query,
      instructionOffset: -BEFORE,
      instructionCount: BEFORE + INSTRUCTIONS,
      resolveSymbols: true,
    })) as DebugProtocol.DisassembleResponse["body"] & object;
    const asked = uri.query.replace(/^\w+:/u, "");
    return `${instructions.flatMap((each) => lines(each, asked)).join("\n")}\n`;
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }
}

/** An instruction, with its symbol in a line before it; ">" marks the one that was asked for. */
function lines(each: DebugProtocol.DisassembledInstruction, asked: string): string[] {
  const { address, symbol, instruction, instructionBytes = "", location, line } = each;
  const mark = BigInt(address) === BigInt(asked) ? ">" : " ";
  const text = `${mark} ${address}  ${instructionBytes.padEnd(BYTES_COLUMNS)}  ${instruction}`;
  const file = location?.name;
  return [
    ...(symbol === undefined ? [] : ["", `${symbol}:`]),
    line === undefined ? text : `${text.padEnd(90)}  # ${file === undefined ? "" : `${file} `}line ${line}`,
  ];
}
