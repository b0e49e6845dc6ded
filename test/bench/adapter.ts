/** The Debug Adapter Protocol as far as the benchmark speaks it: requests by name, events as they come. */
import type { ChildProcess } from "node:child_process";

interface Message {
  readonly type: string;
  readonly event?: string;
  readonly command?: string;
  readonly success?: boolean;
  readonly message?: string;
  readonly body?: unknown;
}

export class AdapterClient {
  /** Titles of what was heard: "event stopped", "response launch", "failure launch: why". */
  readonly #heard = new Set<string>();
  readonly #child: ChildProcess;
  readonly #onEvent: (name: string, body: unknown) => void;
  #listener: () => void = () => {};
  #hasEnded = false;
  #bytes = Buffer.alloc(0);
  #sequence = 1;

  constructor(child: ChildProcess, onEvent: (name: string, body: unknown) => void = () => {}) {
    this.#child = child;
    this.#onEvent = onEvent;
    child.stdout!.on("data", (chunk: Buffer) => this.#take(chunk));
    child.once("close", () => {
      this.#hasEnded = true;
      this.#listener();
    });
  }

  send(command: string, words: object = {}): void {
    const message = JSON.stringify({ seq: this.#sequence++, type: "request", command, arguments: words });
    this.#child.stdin!.write(`Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`);
  }

  /** Until this was heard, however long ago. Throws if the adapter has refused something or ended meanwhile. */
  async wait(title: string): Promise<void> {
    while (!this.#heard.has(title)) {
      const failure = [...this.#heard].find((heard) => heard.startsWith("failure"));
      if (failure !== undefined) throw new Error(failure);
      if (this.#hasEnded) throw new Error(`the adapter has ended without "${title}"`);
      await new Promise<void>((resolve) => (this.#listener = resolve));
    }
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const head = this.#bytes.indexOf("\r\n\r\n");
      if (head < 0) break;
      const length = Number(/Content-Length: (\d+)/.exec(this.#bytes.subarray(0, head).toString())?.[1]);
      const end = head + 4 + length;
      if (this.#bytes.length < end) break;
      const message = JSON.parse(this.#bytes.subarray(head + 4, end).toString()) as Message;
      this.#bytes = this.#bytes.subarray(end);
      this.#heard.add(titleOf(message));
      if (message.event !== undefined) this.#onEvent(message.event, message.body);
    }
    this.#listener();
  }
}

function titleOf({ type, event, command, success, message }: Message): string {
  if (type === "event") return `event ${event}`;
  return success === false ? `failure ${command}: ${message}` : `${type} ${command}`;
}
