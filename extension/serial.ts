/**
 * The guest's serial ports and debug console as terminals.
 *
 * A terminal belongs to a channel of a named launch configuration and outlives the session, so that running again writes into the
 * same one. What is typed goes to the guest as UTF-8; the guest echoes, or not.
 */
import * as vscode from "vscode";
import type { Channel } from "../media/protocol.ts";
import { terminalLines } from "./line-endings.ts";
import type { Machine, Machines } from "./machines.ts";

interface Line {
  readonly title: string;
  /** What takes input, and under which number; null: nothing. */
  readonly input:
    | { readonly request: "redzone/serialInput"; readonly port: 0 | 1 }
    | { readonly request: "redzone/consoleInput"; readonly port: number }
    | null;
}

const LINES: { readonly [channel in Exclude<Channel, `console${number}`>]: Line } = {
  serial0: { title: "Serial", input: { request: "redzone/serialInput", port: 0 } },
  serial1: { title: "Serial 2", input: { request: "redzone/serialInput", port: 1 } },
  debugcon: { title: "Debug console port 0xE9", input: null },
  seabios: { title: "Port 0x402", input: null },
};

function lineOf(channel: Channel): Line {
  if (channel === "serial0" || channel === "serial1" || channel === "debugcon" || channel === "seabios")
    return LINES[channel];
  const port = Number(channel.slice("console".length));
  return { title: `Virtio console ${port}`, input: { request: "redzone/consoleInput", port } };
}

class SerialTerminal implements vscode.Pseudoterminal {
  readonly #written = new vscode.EventEmitter<string>();
  readonly #closed: () => void;
  readonly name: string;
  readonly channel: Channel;
  readonly terminal: vscode.Terminal;
  readonly onDidWrite = this.#written.event;
  machine: Machine | null = null;
  #decoder = new TextDecoder();
  #pending: string | null = "";
  #last = "";

  constructor(name: string, channel: Channel, closed: () => void) {
    this.#closed = closed;
    this.name = name;
    this.channel = channel;
    this.terminal = vscode.window.createTerminal({
      name: `${lineOf(channel).title}: ${name}`,
      pty: this,
      iconPath: new vscode.ThemeIcon("circuit-board"),
      isTransient: true,
    });
  }

  connect(machine: Machine): void {
    if (this.#last !== "") this.#write("\r\n\r\n");
    this.machine = machine;
    this.#decoder = new TextDecoder();
  }

  disconnect(): void {
    this.machine = null;
    const column = this.#last === "" || this.#last === "\n" ? "" : "\r\n";
    this.#write(`${column}\u001b[2m── the machine has been switched off ──\u001b[0m\r\n`);
  }

  receive(bytes: Uint8Array): void {
    this.#write(terminalLines(this.#decoder.decode(bytes, { stream: true }), this.#last));
  }

  open(): void {
    const text = this.#pending ?? "";
    this.#pending = null;
    this.#written.fire(text);
  }

  close(): void {
    this.#closed();
    this.#written.dispose();
  }

  handleInput(text: string): void {
    const { title, input } = lineOf(this.channel);
    const { machine } = this;
    if (machine === null || input === null) return;
    const data = Buffer.from(text, "utf8").toString("base64");
    const sent =
      input.request === "redzone/serialInput"
        ? machine.request(input.request, { port: input.port, data })
        : machine.request(input.request, { port: input.port, data });
    sent.then(undefined, (error: unknown) => {
      void vscode.window.showErrorMessage(`${title} took no input: ${String(error)}`);
    });
  }

  #write(text: string): void {
    if (text === "") return;
    this.#last = text.at(-1) ?? "";
    if (this.#pending === null) this.#written.fire(text);
    else this.#pending += text;
  }
}

export class SerialTerminals implements vscode.Disposable {
  readonly #terminals = new Set<SerialTerminal>();
  readonly #subscriptions: readonly vscode.Disposable[];

  constructor(machines: Machines) {
    this.#subscriptions = [
      machines.onDidStart((machine) => {
        if (wantsTerminal(machine)) this.#of(machine, "serial0").terminal.show(true);
      }),
      machines.onDidOutput(({ machine, output }) => {
        if (wantsTerminal(machine))
          this.#of(machine, output.channel).receive(Buffer.from(output.data, "base64"));
      }),
      machines.onDidEnd((machine) => {
        for (const terminal of this.#terminals) if (terminal.machine === machine) terminal.disconnect();
      }),
    ];
  }

  /** Whether a terminal is a guest's line. */
  has(terminal: vscode.Terminal): boolean {
    return [...this.#terminals].some((each) => each.terminal === terminal);
  }

  /** Brings a machine's serial console to the front, with the keyboard in it. */
  show(machine: Machine): void {
    this.#of(machine, "serial0").terminal.show(false);
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    for (const terminal of this.#terminals) terminal.terminal.dispose();
  }

  #of(machine: Machine, channel: Channel): SerialTerminal {
    const candidates = [...this.#terminals].filter((terminal) => terminal.channel === channel);
    const connected = candidates.find((terminal) => terminal.machine === machine);
    if (connected !== undefined) return connected;
    const free = candidates.find((terminal) => terminal.machine === null && terminal.name === machine.name);
    const terminal =
      free ?? new SerialTerminal(machine.name, channel, () => this.#terminals.delete(terminal));
    this.#terminals.add(terminal);
    terminal.connect(machine);
    return terminal;
  }
}

/** `"serial": "console"` sends serial output to the Debug Console instead; the adapter does that. */
function wantsTerminal(machine: Machine): boolean {
  return machine.session.configuration["serial"] !== "console";
}
