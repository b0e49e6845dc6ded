/**
 * What panels, extension and debug adapter say to each other beyond the Debug Adapter Protocol: custom requests and events named
 * `redzone/…`. Types only; this file imports nothing and may be imported by all three.
 *
 * Invariant: everything here is JSON. Bytes travel as base64, 64-bit numbers as strings "0x…", times as numbers of nanoseconds.
 */

/** A stream of bytes that the guest writes and, for the serial ports, reads. */
export type Channel = "serial0" | "serial1" | "debugcon" | "seabios" | `console${number}`;

/** Event `redzone/output`: bytes the guest wrote, batched per run slice. */
export interface OutputBody {
  readonly channel: Channel;
  /** base64 */
  readonly data: string;
}

/** Request `redzone/serialInput`: bytes for a serial port's receiver. */
export interface SerialInputArguments {
  readonly port: 0 | 1;
  /** base64 */
  readonly data: string;
}

/** Request `redzone/consoleInput`: bytes for a virtio console. */
export interface ConsoleInputArguments {
  /** As in the channel's name. */
  readonly port: number;
  /** base64 */
  readonly data: string;
}

/** Request `redzone/key`: a key of a PC keyboard goes down or up; `code` is a DOM KeyboardEvent.code ("KeyA", "Enter"). */
export interface KeyArguments {
  readonly code: string;
  readonly down: boolean;
}

/** Response of `redzone/screen`: the text-mode screen. `cells` holds a character and an attribute byte per cell, row by row. */
export interface ScreenBody {
  readonly columns: number;
  readonly rows: number;
  /** base64 */
  readonly cells: string;
  /** Index of the cell with the cursor, or null if it is hidden. */
  readonly cursor: number | null;
}

/** Request `redzone/monitor`: one command line of the QEMU monitor. */
export interface MonitorArguments {
  readonly command: string;
}
export interface MonitorBody {
  readonly text: string;
}

export type ProcessorMode =
  | "16-bit real"
  | "virtual-8086"
  | "16-bit"
  | "32-bit"
  | "16-bit compat"
  | "32-bit compat"
  | "64-bit";
export type PagingMode = "no paging" | "32-bit paging" | "PAE" | "4-level" | "5-level";

/** Response of `redzone/status`, and body of the event of that name: sent at every stop and start, and when a running machine changes mode. */
export interface StatusBody {
  readonly running: boolean;
  readonly cpu: number;
  readonly mode: ProcessorMode;
  /** Current privilege level 0 … 3. */
  readonly ring: number;
  readonly paging: PagingMode;
  readonly halted: boolean;
  readonly interrupts: boolean;
  /** Retired instructions plus delivered events since the start. */
  readonly instant: number;
  /** Virtual time in nanoseconds. */
  readonly nanoseconds: number;
}

/** Requests by name, with arguments and response body. `undefined` stands for none. */
export interface CustomRequests {
  "redzone/serialInput": { readonly arguments: SerialInputArguments; readonly body: undefined };
  "redzone/consoleInput": { readonly arguments: ConsoleInputArguments; readonly body: undefined };
  "redzone/key": { readonly arguments: KeyArguments; readonly body: undefined };
  "redzone/screen": { readonly arguments: undefined; readonly body: ScreenBody };
  "redzone/status": { readonly arguments: undefined; readonly body: StatusBody };
  "redzone/monitor": { readonly arguments: MonitorArguments; readonly body: MonitorBody };
  /** Presses the power button; the guest sees it through ACPI. */
  "redzone/powerButton": { readonly arguments: undefined; readonly body: undefined };
  /** Raises a non-maskable interrupt. */
  "redzone/nmi": { readonly arguments: undefined; readonly body: undefined };
}

/** Events by name, with their body. */
export interface CustomEvents {
  "redzone/output": OutputBody;
  "redzone/status": StatusBody;
}
