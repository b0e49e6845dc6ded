/**
 * A debug client in the same thread, for tests: sends requests, waits for events, keeps everything that was said.
 *
 * Invariant: a failed request rejects with the adapter's message; an event that does not come fails the test with what came instead.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { nodeFiles, startInline } from "../../debug-adapter/index.ts";
import type { AllRequests } from "../../debug-adapter/requests/table.ts";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const SAMPLE = path.join(ROOT, "media/sample-kernel/sample.elf");
export const sampleSource = (name: string): string => path.join(ROOT, "media/sample-kernel", name);

type Message = DebugProtocol.Event | DebugProtocol.Response | DebugProtocol.Request;
type StoppedBody = DebugProtocol.StoppedEvent["body"];

const PATIENCE_MILLISECONDS = 60_000;

export class Client {
  readonly messages: Message[] = [];
  readonly #send: (message: DebugProtocol.ProtocolMessage) => void;
  readonly #waiting = new Map<number, (response: DebugProtocol.Response) => void>();
  #listeners: (() => void)[] = [];
  #sequence = 1;
  /** Events before this index have been waited for. */
  #seen = 0;

  readonly #patience: number;

  /** @param patience how long to wait for a response or an event, in milliseconds */
  constructor(patience = PATIENCE_MILLISECONDS) {
    this.#patience = patience;
    const { send } = startInline({ files: nodeFiles }, (message) => this.#receive(message as Message));
    this.#send = send;
  }

  #receive(message: Message): void {
    this.messages.push(message);
    if (message.type === "response") {
      const response = message as DebugProtocol.Response;
      this.#waiting.get(response.request_seq)?.(response);
      this.#waiting.delete(response.request_seq);
    }
    for (const listener of this.#listeners.splice(0)) listener();
  }

  /** Sends anything, also nonsense. */
  raw(message: unknown): void {
    this.#send(message as DebugProtocol.ProtocolMessage);
  }

  /** The response, successful or not. */
  respond(command: string, args?: unknown): Promise<DebugProtocol.Response> {
    const seq = this.#sequence++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no response to ${command}`)), this.#patience);
      this.#waiting.set(seq, (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      this.#send({ seq, type: "request", command, arguments: args } as DebugProtocol.ProtocolMessage);
    });
  }

  get nextSequence(): number {
    return this.#sequence;
  }

  /** The body of a successful response; rejects otherwise. */
  async request<Name extends keyof AllRequests>(
    command: Name,
    ...[args]: AllRequests[Name][0] extends undefined ? [] : [args?: AllRequests[Name][0]]
  ): Promise<Exclude<AllRequests[Name][1], void>> {
    const response = await this.respond(command, args);
    if (!response.success) throw new Error(response.message ?? "failed");
    return response.body as Exclude<AllRequests[Name][1], void>;
  }

  /** The next event of this name that has not been waited for, and that `matches`. */
  async event(name: string, matches: (body: never) => boolean = () => true): Promise<DebugProtocol.Event> {
    const deadline = performance.now() + this.#patience;
    for (;;) {
      const found = this.messages.findIndex(
        (message, i) =>
          i >= this.#seen &&
          message.type === "event" &&
          (message as DebugProtocol.Event).event === name &&
          matches((message as DebugProtocol.Event).body as never),
      );
      if (found >= 0) {
        this.#seen = found + 1;
        return this.messages[found] as DebugProtocol.Event;
      }
      const left = deadline - performance.now();
      if (left <= 0)
        throw new Error(`no event "${name}"; the last messages: ${JSON.stringify(this.messages.slice(-6))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#listeners.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async stopped(): Promise<StoppedBody> {
    return (await this.event("stopped")).body as StoppedBody;
  }

  /** Initializes and launches; the machine stands at its first instruction unless the configuration says otherwise. `configure` sets breakpoints. */
  async launch(
    configuration: Readonly<Record<string, unknown>> = {},
    configure: () => Promise<unknown> = () => Promise.resolve(),
    client: Partial<DebugProtocol.InitializeRequestArguments> = {},
  ): Promise<void> {
    await this.request("initialize", {
      adapterID: "redzone",
      clientID: "vscode",
      linesStartAt1: true,
      columnsStartAt1: true,
      pathFormat: "path",
      supportsVariableType: true,
      supportsVariablePaging: true,
      supportsMemoryReferences: true,
      supportsInvalidatedEvent: true,
      supportsMemoryEvent: true,
      supportsProgressReporting: true,
      ...client,
    });
    const launched = this.respond("launch", { kernel: SAMPLE, realTime: false, ...configuration });
    const failed = launched.then((response) => {
      if (!response.success) throw new Error(response.message ?? "launch failed");
    });
    await Promise.race([this.event("initialized"), failed.then(() => this.event("initialized"))]);
    await configure();
    await this.request("configurationDone");
    await failed;
  }

  async launchToEntry(
    configuration: Readonly<Record<string, unknown>> = {},
    configure?: () => Promise<unknown>,
  ): Promise<void> {
    await this.launch(configuration, configure);
    const stop = await this.stopped();
    if (stop.reason !== "entry") throw new Error(`stopped for ${stop.reason} instead of the entry`);
  }

  /** Resumes and waits for the next stop. */
  async go(
    command: "continue" | "next" | "stepIn" | "stepOut" = "continue",
    args: object = {},
  ): Promise<StoppedBody> {
    await this.request(command, { threadId: 1, ...args });
    return this.stopped();
  }

  async frames(): Promise<readonly DebugProtocol.StackFrame[]> {
    return (await this.request("stackTrace", { threadId: 1 })).stackFrames;
  }

  async top(): Promise<DebugProtocol.StackFrame> {
    const [frame] = (await this.request("stackTrace", { threadId: 1, startFrame: 0, levels: 1 })).stackFrames;
    if (frame === undefined) throw new Error("no frame");
    return frame;
  }

  /** "main.c:42 kmain" */
  async where(): Promise<string> {
    const { source, line, name } = await this.top();
    return `${source?.name ?? "?"}:${line} ${name}`;
  }

  async evaluate(expression: string, context: string = "watch"): Promise<string> {
    return (await this.request("evaluate", { expression, context })).result;
  }

  /** Everything the guest wrote to a channel so far. */
  output(channel = "serial0"): string {
    let text = "";
    for (const message of this.messages) {
      if (message.type !== "event" || (message as DebugProtocol.Event).event !== "redzone/output") continue;
      const body = (message as DebugProtocol.Event).body as { channel: string; data: string };
      if (body.channel === channel) text += Buffer.from(body.data, "base64").toString("latin1");
    }
    return text;
  }

  /** Waits until the guest has written a text. */
  async written(text: string): Promise<void> {
    for (const deadline = performance.now() + PATIENCE_MILLISECONDS; !this.output().includes(text);) {
      if (performance.now() > deadline)
        throw new Error(`the guest has not written "${text}" but ${JSON.stringify(this.output())}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** What was written to the Debug Console. */
  console(): string {
    return this.messages
      .filter((message) => message.type === "event" && (message as DebugProtocol.Event).event === "output")
      .map((message) => ((message as DebugProtocol.OutputEvent).body as { output: string }).output)
      .join("");
  }

  async scope(name: string): Promise<readonly DebugProtocol.Variable[]> {
    const { id } = await this.top();
    const { scopes } = await this.request("scopes", { frameId: id });
    const scope = scopes.find((candidate) => candidate.name === name);
    if (scope === undefined)
      throw new Error(`no scope ${name} among ${scopes.map((candidate) => candidate.name).join(", ")}`);
    return this.children(scope.variablesReference);
  }

  async children(variablesReference: number): Promise<readonly DebugProtocol.Variable[]> {
    return (await this.request("variables", { variablesReference })).variables;
  }

  async end(): Promise<void> {
    await this.request("disconnect", {});
  }
}

/** Number of the first line of a sample source that contains `text`. */
export function lineOf(file: string, text: string): number {
  const lines = readFileSync(sampleSource(file), "utf8").split("\n");
  const index = lines.findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`${file} has no line with ${text}`);
  return index + 1;
}
