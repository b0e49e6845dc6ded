/**
 * The Memory Inspector extension, where it is installed: it asks here what lies in the memory that it shows, and addresses open in it.
 *
 * Its interface is what its `activate` returns: a registry of adapters by debug type. (Its setting `debugTypes` is for adapters that are part of it.)
 * Invariant: without the extension nothing of this is there, and nothing asks for it.
 */
import * as vscode from "vscode";
import type { MarkBody } from "../media/protocol.ts";
import { formatPlace, parsePlace } from "./address-text.ts";
import { DEBUG_TYPE, type Machines } from "./machines.ts";
import type { Navigation } from "./panels/navigation.ts";

const EXTENSION = "eclipse-cdt.memory-inspector";
/** Takes what the Variables view gives its menus. */
const SHOW = "memory-inspector.show-variable";
/** Tells menus that it is there. */
const CONTEXT = "redzone.memoryInspector";
const MOST_BYTES = 65_536;

/** Something with a name, [startAddress, endAddress), as numbers in text. */
interface VariableRange {
  readonly name: string;
  readonly type?: string;
  readonly value?: string;
  readonly startAddress: string;
  readonly endAddress?: string;
}

interface ReadMemoryArguments {
  readonly memoryReference: string;
  readonly offset?: number;
  readonly count: number;
}

/** The part of its adapters' interface that is made here. */
interface AdapterCapabilities {
  getResidents(session: vscode.DebugSession, range: ReadMemoryArguments): Promise<VariableRange[]>;
  getAddressOfVariable(session: vscode.DebugSession, name: string): Promise<string | undefined>;
  getSizeOfVariable(session: vscode.DebugSession, name: string): Promise<bigint | undefined>;
}

interface AdapterRegistry {
  registerAdapter(adapter: AdapterCapabilities, ...debugTypes: string[]): vscode.Disposable;
}

const isRegistry = (value: unknown): value is AdapterRegistry =>
  typeof value === "object" && value !== null && "registerAdapter" in value;

export class MemoryInspector implements vscode.Disposable {
  readonly #machines: Machines;
  readonly #navigation: Navigation;
  readonly #subscriptions: vscode.Disposable[];
  #registered: vscode.Disposable | null = null;
  #isLooking = false;

  constructor(machines: Machines, navigation: Navigation) {
    this.#machines = machines;
    this.#navigation = navigation;
    this.#subscriptions = [
      machines.onDidStart(() => void this.#look()),
      vscode.extensions.onDidChange(() => {
        if (machines.active !== undefined) void this.#look();
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#registered?.dispose();
  }

  /** Registers with the extension once there is something to inspect. */
  async #look(): Promise<void> {
    const extension = vscode.extensions.getExtension(EXTENSION);
    if (this.#registered !== null || this.#isLooking || extension === undefined) return;
    this.#isLooking = true;
    try {
      const registry: unknown = await extension.activate();
      if (!isRegistry(registry)) return;
      this.#registered = vscode.Disposable.from(
        registry.registerAdapter(this.#adapter(), DEBUG_TYPE),
        this.#navigation.register("memoryInspector", async (place) => {
          const memoryReference = formatPlace(place);
          const variable = { name: memoryReference, value: "", variablesReference: 0, memoryReference };
          await vscode.commands.executeCommand(SHOW, { container: variable, variable });
        }),
      );
      await vscode.commands.executeCommand("setContext", CONTEXT, true);
    } finally {
      this.#isLooking = false;
    }
  }

  #adapter(): AdapterCapabilities {
    const place = async (session: vscode.DebugSession, name: string) => {
      const machine = this.#machines.all.find((each) => each.session.id === session.id);
      return (await machine?.request("redzone/ramLayoutConvert", { text: name }))?.readings[0]?.place;
    };
    return {
      getResidents: async (session, { memoryReference, offset, count }) => {
        const machine = this.#machines.all.find((each) => each.session.id === session.id);
        const base = parsePlace(memoryReference);
        if (machine === undefined || base === null || base.space === "io") return [];
        const start = BigInt(base.offset) + BigInt(offset ?? 0);
        const { marks } = await machine.request("redzone/memoryBytes", {
          place: { space: base.space, offset: `0x${start.toString(16)}` },
          count: Math.min(count, MOST_BYTES),
        });
        return marks.map((mark) => residentAt(start, mark));
      },
      getAddressOfVariable: async (session, name) => {
        const found = await place(session, name);
        return found === undefined ? undefined : formatPlace(found);
      },
      getSizeOfVariable: async (session, name) => {
        const { result } = (await session.customRequest("evaluate", {
          expression: `sizeof(${name})`,
          context: "watch",
        })) as { readonly result: string };
        return /^\d+$/u.test(result) ? BigInt(result) : undefined;
      },
    };
  }
}

/** A register's mark has no end: it points to a byte, and what is there has its own size. */
function residentAt(start: bigint, { kind, name, type, value, offset, length }: MarkBody): VariableRange {
  const from = start + BigInt(offset);
  return {
    name: kind === "register" ? `$${name}` : name,
    ...(type === null ? {} : { type }),
    ...(value === null ? {} : { value }),
    startAddress: from.toString(),
    ...(length === 0 ? {} : { endAddress: (from + BigInt(length)).toString() }),
  };
}
