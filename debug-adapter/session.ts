/**
 * A debug session: DAP messages in, DAP messages out.
 *
 * The library's session does the framing and the sequence numbers; its dispatcher is replaced by a table, because it knows neither `modules` nor `locations` nor
 * cancelling. Requests are taken in order, one per turn of the event loop, so that one that waits can still be cancelled.
 * Invariant: each request is guarded once, here. Whatever a handler throws becomes an error response; no message ends the adapter.
 * Elsewhere: the handlers (`requests/`), transports (`transport.ts`).
 */
import { DebugSession, Event, Response } from "@vscode/debugadapter";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { systemClock, type Clock } from "./debuggee.ts";
import { AdapterError, cancelled, internal, unknownRequest } from "./errors.ts";
import type { Files } from "./files.ts";
import { analysis } from "./requests/analysis.ts";
import { breakpoints } from "./requests/breakpoints.ts";
import { bytes } from "./requests/bytes.ts";
import { code } from "./requests/code.ts";
import { custom } from "./requests/custom.ts";
import { display } from "./requests/display.ts";
import { execution } from "./requests/execution.ts";
import { inspection } from "./requests/inspection.ts";
import { layout } from "./requests/layout.ts";
import { lifecycle } from "./requests/lifecycle.ts";
import { memory } from "./requests/memory.ts";
import { paging } from "./requests/paging.ts";
import { stack } from "./requests/stack.ts";
import { redZone } from "./requests/red-zone.ts";
import { State } from "./requests/state.ts";
import { checkArguments, type Command, type Handlers } from "./requests/table.ts";

export interface SessionOptions {
  readonly files: Files;
  readonly clock?: Clock;
  /** Called when the client has disconnected and has its answer. */
  onEnd?(): void;
}

/** Requests that a client may take back: they only ask, and are slow. An answer to the quick ones is worth more than a row that says "cancelled". */
const CANCELLABLE: ReadonlySet<string> = new Set([
  "breakpointLocations", "completions", "dataBreakpointInfo", "disassemble", "evaluate", "exceptionInfo", "gotoTargets", "loadedSources", "locations", "modules",
  "readMemory", "source", "stepInTargets",
]); // oxfmt-ignore

export class RedzoneSession extends DebugSession {
  readonly #handlers: Handlers;
  readonly #options: SessionOptions;
  readonly #state: State;
  readonly #queue: DebugProtocol.Request[] = [];
  readonly #cancelled = new Set<number>();
  #isDraining = false;

  constructor(options: SessionOptions) {
    super();
    this.#options = options;
    const { files, clock = systemClock } = options;
    const state = new State({ files, clock, event: (name, body) => this.#event(name, body) });
    this.#state = state;
    this.#handlers = {
      ...lifecycle(state),
      ...execution(state),
      ...breakpoints(state),
      ...inspection(state),
      ...code(state),
      ...memory(state),
      ...custom(state),
      ...display(state),
      ...redZone(state),
      ...analysis(state),
      ...paging(state),
      ...stack(state),
      ...bytes(state),
      ...layout(state),
    };
  }

  /** The names of all requests that have a handler. */
  get requests(): readonly string[] {
    return Object.keys(this.#handlers);
  }

  /** Ends the machine; the process or worker is its host's to end. */
  override shutdown(): void {
    this.#state.hasEnded = true;
    this.#state.target?.debuggee.dispose();
    this.#options.onEnd?.();
  }

  override handleMessage(message: DebugProtocol.ProtocolMessage): void {
    // Anything may arrive: what is no message is dropped, as there is nobody to answer to.
    if (typeof message !== "object" || message === null) return;
    if (message.type === "request" && typeof (message as DebugProtocol.Request).command !== "string") return;
    super.handleMessage(message);
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    const id = (request.arguments as { requestId?: unknown } | undefined)?.requestId;
    if (request.command === "cancel" && typeof id === "number") {
      // At once: the request it is about may be waiting right now.
      if (this.#queue.some((waiting) => waiting.seq === id && CANCELLABLE.has(waiting.command)))
        this.#cancelled.add(id);
    }
    this.#queue.push(request);
    if (this.#isDraining) return;
    this.#isDraining = true;
    setImmediate(() => this.#drain());
  }

  #drain(): void {
    const request = this.#queue.shift();
    if (request !== undefined) void this.#serve(request);
    if (this.#queue.length > 0) setImmediate(() => this.#drain());
    else this.#isDraining = false;
  }

  async #serve(request: DebugProtocol.Request): Promise<void> {
    const { command } = request;
    const response: DebugProtocol.Response = new Response(request);
    try {
      if (this.#cancelled.delete(request.seq)) throw cancelled();
      const handler = Object.hasOwn(this.#handlers, command) ? this.#handlers[command as Command] : undefined;
      if (handler === undefined) throw unknownRequest(command);
      checkArguments(command as Command, request.arguments);
      const body = await (handler as (args: unknown) => unknown)(request.arguments ?? {});
      if (body !== undefined) response.body = body;
      this.sendResponse(response);
    } catch (error) {
      this.#refuse(response, error instanceof AdapterError ? error : internal(command, error));
      if (!(error instanceof AdapterError))
        this.#event("output", { category: "stderr", output: `${stackOf(error)}\n` });
    }
    if (command === "disconnect") this.shutdown();
  }

  #refuse(response: DebugProtocol.Response, error: AdapterError): void {
    response.success = false;
    response.message = error.message;
    // Braces in the text are no placeholders.
    response.body = {
      error: {
        id: error.number,
        format: "{_text}",
        variables: { _text: error.message },
        showUser: error.showUser,
      },
    };
    this.sendResponse(response);
  }

  #event(name: string, body: unknown): void {
    const event: DebugProtocol.Event = new Event(name);
    if (body !== undefined) event.body = body;
    this.sendEvent(event);
  }
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
