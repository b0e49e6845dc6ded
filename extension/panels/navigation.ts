/**
 * An address anywhere opens in any other view: panels, memory, disassembly, the source.
 *
 * `redzone.reveal` takes a view and a place; the commands in menus take whatever the menu gives them (a variable, an editor's selection, a
 * link in a panel) and find the address in it. Nothing given: they ask.
 */
import * as vscode from "vscode";
import type { DebugProtocol } from "@vscode/debugprotocol";
import type { Place, RevealArguments, View } from "../../media/protocol/place.ts";
import { addressesIn, formatPlace, parsePlace } from "../address-text.ts";
import { ASSEMBLY_WORD, assemblyExpression } from "../assembly-word.ts";
import type { Machine, Machines } from "../machines.ts";
import { DisassemblyDocuments } from "./disassembly.ts";

type Show = (place: Place, machine: Machine) => Promise<void>;

const VIEWS: readonly { readonly view: View; readonly command: string; readonly label: string }[] = [
  { view: "memory", command: "redzone.openAddressInMemory", label: "$(table) Memory" },
  { view: "disassembly", command: "redzone.openAddressInDisassembly", label: "$(symbol-array) Disassembly" },
  { view: "source", command: "redzone.openAddressInSource", label: "$(go-to-file) Source" },
  { view: "pageTables", command: "redzone.openAddressInPageTables", label: "$(list-tree) Page Tables" },
  { view: "ramLayout", command: "redzone.openAddressInRamLayout", label: "$(layout) RAM Layout" },
  { view: "stack", command: "redzone.openAddressInStack", label: "$(layers) Stack" },
  { view: "hexEditor", command: "redzone.openAddressInHexEditor", label: "$(file-binary) Hex Editor" },
  {
    view: "memoryInspector",
    command: "redzone.openAddressInMemoryInspector",
    label: "$(search) Memory Inspector",
  },
];

/** VS Code's command behind "View Binary Data", which the Hex Editor extension shows; it offers to install that. */
const VIEW_MEMORY = "workbench.debug.viewlet.action.viewMemory";

const NUMBER_WORD = /\b(?:0x[\da-f]+|\d+)\b/iu;

export class Navigation implements vscode.Disposable {
  readonly #machines: Machines;
  readonly #views = new Map<View, Show>();
  readonly #subscriptions: vscode.Disposable[];
  #asked = "";

  constructor(machines: Machines) {
    this.#machines = machines;
    const disassembly = new DisassemblyDocuments(machines);
    this.#subscriptions = [
      disassembly,
      this.register("hexEditor", async (place, { session }) => {
        const memoryReference = formatPlace(place);
        await vscode.commands.executeCommand(VIEW_MEMORY, {
          sessionId: session.id,
          variable: { memoryReference },
        });
      }),
      this.register("disassembly", async (place) => disassembly.show(place)),
      this.register("source", async (place, machine) => {
        if (!(await this.#showSource(place, machine))) await disassembly.show(place);
      }),
      vscode.commands.registerCommand("redzone.reveal", async ({ view, place }: RevealArguments) =>
        this.reveal(view, place),
      ),
      vscode.commands.registerCommand(
        "redzone.openAddress",
        guarded(async (given) => this.choose(given)),
      ),
      vscode.commands.registerCommand(
        "redzone.copyAddress",
        guarded(async (given) => {
          const place = await this.#placeOf(given);
          if (place !== null) await vscode.env.clipboard.writeText(place.offset);
        }),
      ),
      ...VIEWS.map(({ view, command }) =>
        vscode.commands.registerCommand(
          command,
          guarded(async (given) => {
            const place = await this.#placeOf(given);
            if (place !== null) await this.reveal(view, place);
          }),
        ),
      ),
    ];
  }

  /** Says how a view shows an address. A later one takes the place of an earlier. */
  register(view: View, show: Show): vscode.Disposable {
    this.#views.set(view, show);
    return new vscode.Disposable(() => {
      if (this.#views.get(view) === show) this.#views.delete(view);
    });
  }

  async reveal(view: View, place: Place): Promise<void> {
    const show = this.#views.get(view);
    const machine = this.#machines.active;
    if (machine === undefined || show === undefined) {
      await vscode.window.showInformationMessage(
        "No machine is running, so there is nothing at any address.",
      );
      return;
    }
    await show(place, machine);
  }

  /** @param line from 1 on. */
  async openSource(path: string, line: number): Promise<void> {
    const position = new vscode.Position(Math.max(0, line - 1), 0);
    await vscode.window.showTextDocument(fileUri(path), {
      selection: new vscode.Range(position, position),
      viewColumn: vscode.ViewColumn.One,
    });
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  /** The line of the instruction at an address. False if no file is known that has it. */
  async #showSource(place: Place, { session }: Machine): Promise<boolean> {
    const body = (await session.customRequest("disassemble", {
      memoryReference: formatPlace(place),
      instructionCount: 1,
    })) as DebugProtocol.DisassembleResponse["body"];
    const [first] = body?.instructions ?? [];
    if (first?.location?.path === undefined || first.line === undefined) return false;
    await this.openSource(first.location.path, first.line);
    return true;
  }

  /** Asks for the view. */
  async choose(given: unknown): Promise<void> {
    const place = await this.#placeOf(given);
    if (place === null) return;
    const choice = await vscode.window.showQuickPick(
      VIEWS.filter(({ view }) => this.#views.has(view) && (view !== "stack" || place.space === "linear")),
      { title: formatPlace(place).replace(/^v:/u, ""), placeHolder: "Where to show the address" },
    );
    if (choice !== undefined) await this.reveal(choice.view, place);
  }

  /** The address in what a menu or the palette gave. Null: the user gave none after all. */
  async #placeOf(given: unknown): Promise<Place | null> {
    if (typeof given === "string") return this.#evaluate(given);
    if (isRecord(given)) {
      if (isPlace(given["place"])) return given["place"];
      const variable = given["variable"];
      if (isRecord(variable)) return this.#placeOfVariable(variable);
    }
    const selected = textAtCursor();
    const isMenu = given instanceof vscode.Uri;
    if (isMenu && selected !== "") return this.#evaluate(selected);
    const text = await vscode.window.showInputBox({
      title: "Open Address",
      prompt:
        "An address, a register or any expression; p: before a physical address, r: before a ram_addr_t",
      value: selected === "" ? this.#asked : selected,
    });
    if (text === undefined || text.trim() === "") return null;
    this.#asked = text;
    return this.#evaluate(text);
  }

  /** A pointer's row means what it points at; others with a place in memory mean that. */
  async #placeOfVariable(variable: Readonly<Record<string, unknown>>): Promise<Place | null> {
    const { memoryReference, evaluateName, value } = variable;
    if (typeof memoryReference === "string") return parsePlace(memoryReference);
    if (typeof value === "string") {
      const [first] = addressesIn(value);
      if (first !== undefined) return parsePlace(first.text);
    }
    return typeof evaluateName === "string" ? this.#evaluate(evaluateName) : null;
  }

  async #evaluate(text: string): Promise<Place | null> {
    const place = parsePlace(text);
    if (place !== null) return place;
    const machine = this.#machines.active;
    if (machine === undefined) throw new Error("No machine is running.");
    const item = vscode.debug.activeStackItem;
    const { result, memoryReference } = (await machine.session.customRequest("evaluate", {
      expression: text,
      context: "watch",
      ...(item !== undefined && "frameId" in item ? { frameId: item.frameId } : {}),
    })) as DebugProtocol.EvaluateResponse["body"];
    const [first] = addressesIn(result);
    const found =
      (memoryReference === undefined ? null : parsePlace(memoryReference)) ??
      parsePlace(result) ??
      (first === undefined ? null : parsePlace(first.text));
    if (found === null) throw new Error(`${text} is ${result}, which is no address.`);
    return found;
  }
}

/** Where the editor is not on this machine, it gives paths in the adapter's answers as addresses of its own ("vscode-remote://host/home/…"). */
const fileUri = (path: string): vscode.Uri =>
  vscode.Uri.file(path.startsWith("vscode-remote://") ? vscode.Uri.parse(path).path : path);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const isPlace = (value: unknown): value is Place =>
  isRecord(value) && typeof value["space"] === "string" && typeof value["offset"] === "string";

/** The selection, or the word at the cursor, as the adapter evaluates it. */
function textAtCursor(): string {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) return "";
  const { document, selection } = editor;
  if (!selection.isEmpty) return selection.isSingleLine ? document.getText(selection).trim() : "";
  const number = document.getWordRangeAtPosition(selection.active, NUMBER_WORD);
  if (number !== undefined) return document.getText(number);
  const range = document.getWordRangeAtPosition(selection.active, ASSEMBLY_WORD);
  return range === undefined ? "" : (assemblyExpression(document.getText(range)) ?? "");
}

/** What fails says so to the user, in the adapter's words. */
export const guarded =
  <Given>(run: (given: Given) => Promise<void>) =>
  async (given: Given): Promise<void> => {
    try {
      await run(given);
    } catch (error) {
      await vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  };
