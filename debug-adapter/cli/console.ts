/**
 * The keyboard of a terminal (or a pipe), shared between a serial port of the guest and the monitor as QEMU shares it.
 *
 * Invariant: after Ctrl-A one byte is ours, everything else goes to whoever has the focus. A pipe without a monitor is passed on untouched.
 */
const CTRL_A = 0x01;
const CTRL_C = 0x03;
const BACKSPACE = 0x08;
const CTRL_U = 0x15;
const DELETE = 0x7f;
const PROMPT = "(redzone) ";
const HELP = `
Ctrl-A h    print this help
Ctrl-A x    end
Ctrl-A c    change over between serial port and monitor
Ctrl-A Ctrl-A    send Ctrl-A
`;

export interface ConsoleActions {
  /** Bytes for the guest. */
  serial(bytes: Uint8Array): void;
  /** A command line; returns what to print. */
  command(line: string): string;
  print(text: string): void;
  quit(): void;
  /** Ctrl-C, where it is not the guest's. */
  interrupt(): void;
}

export interface ConsoleLayout {
  readonly hasSerial: boolean;
  readonly hasMonitor: boolean;
  readonly isTerminal: boolean;
  /** Ctrl-C belongs to the guest (mon:stdio). */
  readonly passesInterrupt: boolean;
}

export class Console {
  readonly #layout: ConsoleLayout;
  readonly #actions: ConsoleActions;
  readonly #hasEscapes: boolean;
  #focus: "serial" | "monitor";
  #escaped = false;
  #line: number[] = [];

  constructor(layout: ConsoleLayout, actions: ConsoleActions) {
    this.#layout = layout;
    this.#actions = actions;
    this.#hasEscapes = layout.isTerminal || (layout.hasSerial && layout.hasMonitor);
    this.#focus = layout.hasSerial ? "serial" : "monitor";
    if (this.#focus === "monitor" && layout.hasMonitor) this.#prompt();
  }

  type(bytes: Uint8Array): void {
    // Runs of ordinary bytes go on together: each input is an entry in the machine's log.
    let forSerial: number[] = [];
    const flush = (): void => {
      if (forSerial.length > 0) this.#actions.serial(Uint8Array.from(forSerial));
      forSerial = [];
    };
    for (const byte of bytes) {
      if (this.#escaped) {
        this.#escaped = false;
        if (byte === CTRL_A) forSerial.push(byte);
        else {
          flush();
          this.#escape(String.fromCharCode(byte));
        }
      } else if (byte === CTRL_A && this.#hasEscapes) this.#escaped = true;
      else if (byte === CTRL_C && this.#layout.isTerminal && !this.#layout.passesInterrupt) {
        flush();
        this.#actions.interrupt();
      } else if (this.#focus === "serial") forSerial.push(byte);
      else this.#edit(byte);
    }
    flush();
  }

  /** The input has ended: a last line without an end counts. */
  end(): void {
    if (this.#focus === "monitor" && this.#line.length > 0) this.#edit(0x0a);
  }

  #escape(key: string): void {
    if (key === "x") this.#actions.quit();
    else if (key === "h" || key === "?") this.#actions.print(HELP);
    else if (key === "c" && this.#layout.hasSerial && this.#layout.hasMonitor) {
      this.#focus = this.#focus === "serial" ? "monitor" : "serial";
      if (this.#focus === "monitor") {
        if (this.#layout.isTerminal) this.#actions.print("\n");
        this.#prompt();
      }
    }
  }

  #edit(byte: number): void {
    const echoes = this.#layout.isTerminal;
    if (byte === 0x0d || byte === 0x0a) {
      if (echoes) this.#actions.print("\n");
      const line = new TextDecoder().decode(Uint8Array.from(this.#line));
      this.#line = [];
      this.#actions.print(this.#actions.command(line));
      this.#prompt();
    } else if (byte === BACKSPACE || byte === DELETE) {
      if (this.#line.pop() !== undefined && echoes) this.#actions.print("\b \b");
    } else if (byte === CTRL_U) {
      if (echoes) this.#actions.print("\b \b".repeat(this.#line.length));
      this.#line = [];
    } else if (byte >= 0x20) {
      this.#line.push(byte);
      if (echoes) this.#actions.print(String.fromCharCode(byte));
    }
  }

  #prompt(): void {
    if (this.#layout.isTerminal) this.#actions.print(PROMPT);
  }
}
