/**
 * What the command line needs of its surroundings: files, a terminal, a clock, sockets. `node-host.ts` is the real one, tests have their own.
 */
import type { Files } from "../files.ts";

export interface Keyboard {
  /** Characters come one by one and unechoed once it is raw. */
  readonly isTerminal: boolean;
  setRaw(raw: boolean): void;
  onBytes: (bytes: Uint8Array) => void;
  /** Nothing more will come. */
  onEnd: () => void;
  close(): void;
}

/** One client of a listening socket. */
export interface Connection {
  send(bytes: Uint8Array): void;
  close(): void;
  onBytes: (bytes: Uint8Array) => void;
  onClose: () => void;
}

export interface Listener {
  /** The port listened on: another than asked for if that was 0. */
  readonly port: number;
  close(): void;
}

export interface Host {
  readonly files: Files;
  /** Directory that relative paths start from. */
  readonly directory: string;
  readonly keyboard: Keyboard;
  stdout(bytes: Uint8Array): void;
  stderr(text: string): void;
  /** Creates or empties a file; every call of the result appends. Throws the host's error. */
  openOutput(path: string): (bytes: Uint8Array) => void;
  /** Wall clock in milliseconds from any start. */
  milliseconds(): number;
  /** Lets input, sockets and signals be served. */
  breathe(): Promise<void>;
  /** Resolves after a while, or when `wake` is called. */
  sleep(milliseconds: number): { readonly done: Promise<void>; wake(): void };
  /** Rejects with the host's error if the address cannot be had. */
  listen(host: string, port: number, onConnection: (connection: Connection) => void): Promise<Listener>;
}
