/**
 * What the guest writes to its serial ports and debug consoles: on its way out, and looked at for the text of --until-serial.
 *
 * Bytes are gathered until a line or a slice of the run ends: whoever reads knows when each line was written.
 */
import type { OutputChannel } from "../../emulator/index.ts";
import type { RunCommand } from "./command.ts";
import type { Host } from "./host.ts";
import type { Backend } from "./options.ts";

const LINE_FEED = 0x0a;

export class Outputs {
  readonly #sinks = new Map<OutputChannel, (bytes: Uint8Array) => void>();
  readonly #pending = new Map<OutputChannel, number[]>();
  readonly #text: Uint8Array | null;
  #tail: number[] = [];
  /** The first serial port has written the text of --until-serial. */
  found = false;

  constructor(command: RunCommand, host: Host) {
    const { qemu } = command;
    const sink = (backend: Backend | null | undefined) => {
      if (backend === null || backend === undefined || backend.kind === "none") return null;
      if (backend.kind === "stdio") return (bytes: Uint8Array) => host.stdout(bytes);
      return host.openOutput(host.files.resolve(host.directory, backend.path));
    };
    const isConsole = qemu.consoles.some((backend) => backend.kind === "stdio");
    const serial0 =
      qemu.serial.length > 0 || isConsole ? qemu.serial[0] : ({ kind: "stdio", monitor: true } as const);
    const backends = { serial0, serial1: qemu.serial[1], debugcon: qemu.debugcon, seabios: qemu.seabios };
    const add = (channel: OutputChannel, backend: Backend | null | undefined): void => {
      const write = sink(backend);
      if (write !== null) this.#sinks.set(channel, write);
    };
    for (const channel of ["serial0", "serial1", "debugcon", "seabios"] as const)
      add(channel, backends[channel]);
    for (const [port, backend] of qemu.consoles.entries()) add(`console${port}`, backend);
    this.#text = command.untilSerial === null ? null : new TextEncoder().encode(command.untilSerial);
  }

  write(channel: OutputChannel, byte: number): void {
    const pending = this.#pending.get(channel);
    if (pending !== undefined) pending.push(byte);
    else this.#pending.set(channel, [byte]);
    if (byte === LINE_FEED) this.#flush(channel);
    if (this.#text === null || channel !== "serial0" || this.found) return;
    this.#tail.push(byte);
    if (this.#tail.length > this.#text.length) this.#tail.shift();
    this.found =
      byte === this.#text.at(-1) &&
      this.#tail.length === this.#text.length &&
      this.#text.every((want, i) => want === this.#tail[i]);
  }

  flush(): void {
    for (const channel of this.#pending.keys()) this.#flush(channel);
  }

  #flush(channel: OutputChannel): void {
    const bytes = this.#pending.get(channel);
    if (bytes === undefined) return;
    this.#pending.delete(channel);
    this.#sinks.get(channel)?.(Uint8Array.from(bytes));
  }
}
