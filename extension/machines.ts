/**
 * The machines that run in debug sessions: one per session of type `redzone`, with its last status and typed custom requests.
 *
 * Invariant: a machine is listed from the first thing it says, or from its successful launch, until its session ends, and not again
 * after that; nobody else listens to the session's custom events.
 */
import * as vscode from "vscode";
import type { CustomRequests, OutputBody, StatusBody } from "../media/protocol.ts";

export const DEBUG_TYPE = "redzone";

export class Machine {
  readonly session: vscode.DebugSession;
  status: StatusBody | null = null;

  constructor(session: vscode.DebugSession) {
    this.session = session;
  }

  get name(): string {
    return this.session.name;
  }

  /** Sends a custom request; rejects with the adapter's error. */
  async request<Name extends keyof CustomRequests>(
    name: Name,
    ...[body]: CustomRequests[Name]["arguments"] extends undefined ? [] : [CustomRequests[Name]["arguments"]]
  ): Promise<CustomRequests[Name]["body"]> {
    const answer: unknown = await this.session.customRequest(name, body);
    return answer as CustomRequests[Name]["body"];
  }
}

export interface MachineOutput {
  readonly machine: Machine;
  readonly output: OutputBody;
}

export class Machines implements vscode.Disposable {
  readonly #machines = new Map<string, Machine>();
  readonly #over = new Set<string>();
  readonly #started = new vscode.EventEmitter<Machine>();
  readonly #ended = new vscode.EventEmitter<Machine>();
  readonly #output = new vscode.EventEmitter<MachineOutput>();
  readonly #changed = new vscode.EventEmitter<Machine | undefined>();
  readonly #subscriptions: readonly vscode.Disposable[];

  readonly onDidStart = this.#started.event;
  readonly onDidEnd = this.#ended.event;
  readonly onDidOutput = this.#output.event;
  /** A machine's status changed, or another machine became the active one. */
  readonly onDidChange = this.#changed.event;

  constructor() {
    this.#subscriptions = [
      vscode.debug.onDidStartDebugSession((session) => this.#machineOf(session)),
      vscode.debug.onDidTerminateDebugSession((session) => this.#end(session)),
      vscode.debug.onDidChangeActiveDebugSession(() => this.#changed.fire(this.active)),
      vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
        const machine = this.#machineOf(session);
        if (machine === undefined) return;
        if (event === "redzone/output") this.#output.fire({ machine, output: body as OutputBody });
        if (event === "redzone/status") {
          machine.status = body as StatusBody;
          this.#changed.fire(machine);
        }
      }),
    ];
  }

  /** The machine of the session the editor shows, or the one that started last. */
  get active(): Machine | undefined {
    const shown = vscode.debug.activeDebugSession;
    return (shown && this.#machines.get(shown.id)) ?? [...this.#machines.values()].at(-1);
  }

  get all(): readonly Machine[] {
    return [...this.#machines.values()];
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    for (const emitter of [this.#started, this.#ended, this.#output, this.#changed]) emitter.dispose();
  }

  #machineOf(session: vscode.DebugSession): Machine | undefined {
    if (session.type !== DEBUG_TYPE || this.#over.has(session.id)) return undefined;
    const known = this.#machines.get(session.id);
    if (known !== undefined) return known;
    const machine = new Machine(session);
    this.#machines.set(session.id, machine);
    this.#started.fire(machine);
    this.#changed.fire(machine);
    return machine;
  }

  #end(session: vscode.DebugSession): void {
    this.#over.add(session.id);
    const machine = this.#machines.get(session.id);
    if (machine === undefined) return;
    this.#machines.delete(session.id);
    this.#ended.fire(machine);
    this.#changed.fire(this.active);
  }
}
