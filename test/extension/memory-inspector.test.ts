/** What the Memory Inspector extension is told, with an editor and an extension made of the few calls that are used. */
import { expect, it, vi } from "vitest";
import type { Machines } from "../../extension/machines.ts";
import type { Navigation } from "../../extension/panels/navigation.ts";
import type { Place } from "../../media/protocol/place.ts";

interface Resident {
  readonly name: string;
  readonly type?: string;
  readonly startAddress: string;
  readonly endAddress?: string;
}
interface Adapter {
  getResidents(session: object, range: object): Promise<Resident[]>;
  getAddressOfVariable(session: object, name: string): Promise<string | undefined>;
  getSizeOfVariable(session: object, name: string): Promise<bigint | undefined>;
}

const registered: [Adapter, string][] = [];
const executed: unknown[][] = [];

vi.mock("vscode", () => {
  const registry = {
    registerAdapter(adapter: Adapter, type: string) {
      registered.push([adapter, type]);
      return { dispose: () => undefined };
    },
  };
  return {
    extensions: {
      getExtension: (id: string) =>
        id === "eclipse-cdt.memory-inspector" ? { activate: () => Promise.resolve(registry) } : undefined,
      onDidChange: () => ({ dispose: () => undefined }),
    },
    commands: {
      executeCommand: (...words: unknown[]) => {
        executed.push(words);
        return Promise.resolve();
      },
    },
    Disposable: class {
      static from(): object {
        return { dispose: () => undefined };
      }
      dispose(): void {}
    },
    EventEmitter: class {},
  };
});

it("gives it names and registers, and opens addresses in it", async () => {
  const { MemoryInspector } = await import("../../extension/memory-inspector.ts");
  const session = {
    id: "1",
    customRequest: (_: string, { expression }: { expression: string }) =>
      Promise.resolve({ result: expression === "sizeof(boot)" ? "48" : "?" }),
  };
  const asked: unknown[] = [];
  const machine = {
    session,
    request: (name: string, body: object) => {
      asked.push([name, body]);
      if (name === "redzone/ramLayoutConvert")
        return Promise.resolve({ readings: [{ place: { space: "linear", offset: "0x2000" } }] });
      return Promise.resolve({
        marks: [
          { kind: "register", name: "rsp", offset: 4, length: 0, type: null, value: "0x1014" },
          { kind: "variable", name: "boot", offset: -8, length: 48, type: "struct boot", value: null },
        ],
      });
    },
  };
  let started: () => void = () => undefined;
  const machines = {
    active: machine,
    all: [machine],
    onDidStart: (listener: () => void) => {
      started = listener;
      return { dispose: () => undefined };
    },
  };
  const shown = new Map<string, (place: Place) => Promise<void>>();
  const navigation = {
    register: (view: string, show: (place: Place) => Promise<void>) => {
      shown.set(view, show);
      return { dispose: () => undefined };
    },
  };
  new MemoryInspector(machines as unknown as Machines, navigation as unknown as Navigation);
  expect(registered).toEqual([]);
  started();
  await vi.waitFor(() => expect(registered).toHaveLength(1));
  const [adapter, type] = registered[0]!;
  expect(type).toBe("redzone");

  const residents = await adapter.getResidents(session, {
    memoryReference: "p:0x1000",
    offset: 16,
    count: 64,
  });
  expect(asked).toEqual([
    ["redzone/memoryBytes", { place: { space: "physical", offset: "0x1010" }, count: 64 }],
  ]);
  expect(residents).toEqual([
    { name: "$rsp", value: "0x1014", startAddress: String(0x1014) },
    { name: "boot", type: "struct boot", startAddress: String(0x1008), endAddress: String(0x1038) },
  ]);
  expect(await adapter.getAddressOfVariable(session, "boot")).toBe("v:0x2000");
  expect(await adapter.getSizeOfVariable(session, "boot")).toBe(48n);

  await vi.waitFor(() => expect(executed).toContainEqual(["setContext", "redzone.memoryInspector", true]));
  await shown.get("memoryInspector")!({ space: "ram", offset: "0xc0001000" });
  expect(executed.at(-1)).toMatchObject([
    "memory-inspector.show-variable",
    { container: { name: "r:0xc0001000" }, variable: { memoryReference: "r:0xc0001000" } },
  ]);
});
