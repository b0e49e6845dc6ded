/** The command line's surroundings for tests: output is kept, the keyboard is typed on by the test; sockets and timers are Node's. */
import { nodeHost } from "../../debug-adapter/cli/node-host.ts";
import type { Host } from "../../debug-adapter/cli/host.ts";
import { parseCommand, type RunCommand } from "../../debug-adapter/cli/command.ts";
import { splitWords } from "../../debug-adapter/cli/words.ts";
import { run } from "../../debug-adapter/cli/run.ts";

export class TestHost implements Host {
  readonly #node = nodeHost();
  readonly files = this.#node.files;
  readonly directory = this.#node.directory;
  readonly keyboard = {
    isTerminal: false,
    setRaw: () => {},
    onBytes: (() => {}) as (bytes: Uint8Array) => void,
    onEnd: () => {},
    close: () => {},
  };
  readonly written = new Map<string, string>();
  out = "";
  errors = "";
  /** Called with all output so far whenever there is more. */
  onOutput: (text: string) => void = () => {};

  constructor(isTerminal = false) {
    this.keyboard.isTerminal = isTerminal;
  }

  stdout(bytes: Uint8Array): void {
    this.out += new TextDecoder("latin1").decode(bytes);
    this.onOutput(this.out);
  }
  stderr(text: string): void {
    this.errors += text;
  }
  openOutput(path: string): (bytes: Uint8Array) => void {
    this.written.set(path, "");
    return (bytes) =>
      this.written.set(path, this.written.get(path)! + new TextDecoder("latin1").decode(bytes));
  }
  type(text: string): void {
    this.keyboard.onBytes(new TextEncoder().encode(text));
  }
  milliseconds(): number {
    return this.#node.milliseconds();
  }
  breathe(): Promise<void> {
    return this.#node.breathe();
  }
  sleep(milliseconds: number) {
    return this.#node.sleep(milliseconds);
  }
  listen: Host["listen"] = (...parameters) => this.#node.listen(...parameters);
}

export function command(line: string): RunCommand {
  const words = splitWords(line);
  if (typeof words === "string") throw new Error(words);
  const parsed = parseCommand(words);
  if (parsed.kind !== "run") throw new Error(JSON.stringify(parsed));
  return parsed;
}

/** Runs a command line to its end; standard input is at its end from the start unless the test types. */
export async function redzone(line: string, host = new TestHost()) {
  const running = run(command(line), host);
  const status = await running;
  return { status, out: host.out, errors: host.errors, written: host.written };
}
