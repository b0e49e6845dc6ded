/**
 * What panels, extension and debug adapter say to each other beyond the Debug Adapter Protocol: custom requests and events named
 * `redzone/…`. Types only; the files in `protocol/`, one per panel, are part of this one; all three may import it, and it imports nothing else.
 *
 * Invariant: everything here is JSON. Bytes travel as base64, 64-bit numbers as strings "0x…", times as numbers of nanoseconds.
 */

import type { AnalysisRequests } from "./protocol/analysis.ts";
import type { BytesRequests } from "./protocol/bytes.ts";
import type { LayoutRequests } from "./protocol/layout.ts";
import type { PagingRequests } from "./protocol/paging.ts";
import type { ClobberRequests } from "./protocol/red-zone.ts";
import type { StackRequests } from "./protocol/stack.ts";

export type * from "./protocol/analysis.ts";
export type * from "./protocol/bytes.ts";
export type * from "./protocol/layout.ts";
export type * from "./protocol/paging.ts";
export type * from "./protocol/red-zone.ts";
export type * from "./protocol/stack.ts";

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

/** Request `redzone/mouse`: the mouse moved, in its counts, or a button changed. */
export interface MouseArguments {
  /** Right, down, and the wheel towards the user. */
  readonly dx: number;
  readonly dy: number;
  readonly dz: number;
  /** Held down: bit 0 left, 1 right, 2 middle. */
  readonly buttons: number;
}

/** Request `redzone/display`: what the guest shows, as far as it has changed since a version. */
export interface DisplayArguments {
  /** The version that the client holds; absent: none. */
  readonly since?: number;
}

/** Lines of the picture that changed. */
export interface DisplayBand {
  readonly y: number;
  readonly height: number;
  /** base64 of zlib's format: red, green and blue of each pixel, line by line. */
  readonly data: string;
}

/** The text cursor: a rectangle of the picture that blinks. */
export interface DisplayCursor {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Red, green, blue. */
  readonly colour: readonly [number, number, number];
}

/** A text screen's contents. */
export interface DisplayText {
  readonly columns: number;
  readonly rows: number;
  /** base64 of a character and an attribute byte per cell, row by row. */
  readonly cells: string;
  /** The same in Unicode: lines without trailing blanks. */
  readonly lines: string;
}

export interface DisplayBody {
  /** Grows when what is shown changes, and says nothing about another session's. */
  readonly version: number;
  /** In pixels. If they are not what the client holds, the bands are the whole picture. */
  readonly width: number;
  readonly height: number;
  readonly bands: readonly DisplayBand[];
  /** Null in graphics modes. */
  readonly text: DisplayText | null;
  /** Not part of the picture. Null if it is not to be seen. */
  readonly cursor: DisplayCursor | null;
}

/** Response of `redzone/capture`: the picture as a PNG file. */
export interface CaptureBody {
  readonly width: number;
  readonly height: number;
  /** base64 */
  readonly png: string;
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

/** What DAP's `stopped` event carries besides. */
export interface StoppedBody {
  /** Whether the editor can open the line at which the machine stands. */
  readonly hasSource: boolean;
}

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

export interface RunToArguments {
  /** "0x…" */
  readonly address: string;
}

/** Requests by name, with arguments and response body. `undefined` stands for none. */
export interface CustomRequests
  extends AnalysisRequests, BytesRequests, LayoutRequests, PagingRequests, ClobberRequests, StackRequests {
  "redzone/serialInput": { readonly arguments: SerialInputArguments; readonly body: undefined };
  "redzone/consoleInput": { readonly arguments: ConsoleInputArguments; readonly body: undefined };
  "redzone/key": { readonly arguments: KeyArguments; readonly body: undefined };
  "redzone/mouse": { readonly arguments: MouseArguments; readonly body: undefined };
  "redzone/display": { readonly arguments: DisplayArguments; readonly body: DisplayBody };
  "redzone/capture": { readonly arguments: undefined; readonly body: CaptureBody };
  "redzone/status": { readonly arguments: undefined; readonly body: StatusBody };
  "redzone/monitor": { readonly arguments: MonitorArguments; readonly body: MonitorBody };
  /** Runs until a CPU is about to execute the instruction at an address, as it is linked, or until something else stops the machine. */
  "redzone/runTo": { readonly arguments: RunToArguments; readonly body: undefined };
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
