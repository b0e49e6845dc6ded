/**
 * The `redzone` command: from words to an exit status.
 *
 * Invariant: standard output carries what the guest and the monitor say; everything of ours goes to standard error.
 * Elsewhere: words (`command.ts`, `options.ts`), the run itself (`session.ts`), GDB (`gdb/`).
 */
import { WATCH, type Pc } from "../../emulator/index.ts";
import { bootMachine } from "../boot.ts";
import { AdapterError } from "../errors.ts";
import { autopsy } from "../exceptions/autopsy.ts";
import type { Explainer } from "../exceptions/explain.ts";
import { describeStop, GdbServer } from "../gdb/server.ts";
import { Monitor } from "../monitor/index.ts";
import type { RunCommand } from "./command.ts";
import { Console } from "./console.ts";
import { type Ending, STATUS } from "./ending.ts";
import type { Host, Listener } from "./host.ts";
import type { Backend } from "./options.ts";
import { Session, type Stop } from "./session.ts";

/** Id of the watched event that ends a run at --until-serial. */
const UNTIL_SERIAL = 1;
type Channel = Parameters<Pc["onOutput"]>[0];

/** Runs a machine to its end; returns the exit status. */
export async function run(command: RunCommand, host: Host): Promise<number> {
  const say = (text: string): void => host.stderr(`redzone: ${text}\n`);
  for (const note of command.qemu.notes) say(note);
  let machine: Pc;
  try {
    machine = createBooted(command, host);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    say(error.message);
    return STATUS.cannotBoot;
  }
  const [core] = machine.cpus;
  const explainer: Explainer = { machine, core: core!, describe: () => null, syntax: "att" };
  const { qemu } = command;

  const outputs = new Outputs(command, host);
  machine.onOutput = (channel, byte) => outputs.write(channel, byte);
  const input = inputOf(command);
  let inputEnded = false;
  const session = new Session(
    machine,
    host,
    {
      noReboot: qemu.machine.noReboot === true,
      noShutdown: qemu.noShutdown,
      maxInstructions: command.maxInstructions,
      isPaced: host.keyboard.isTerminal && (input.serial !== null || input.hasMonitor),
      canWait: () => (!inputEnded && (input.serial !== null || input.hasMonitor)) || qemu.gdb !== null,
      say,
      explainer,
    },
    qemu.startStopped,
  );
  const monitor = new Monitor({
    machine,
    core: core!,
    get isRunning() {
      return session.isRunning;
    },
    quit: () => session.quit(),
    stop: () => session.pause(),
    cont: () => session.cont(),
    reset: () => session.reset(),
  });
  session.onSlice = () => outputs.flush();
  if (command.untilSerial !== null) {
    const end = { status: STATUS.ok, reason: "until-serial", text: "" };
    // The event comes with the OUT that sends the last byte, so the machine stops behind exactly that instruction.
    machine.debug.addEvent(UNTIL_SERIAL, WATCH.port, () => {
      if (outputs.found) session.end(end);
      return outputs.found;
    });
  }

  const { keyboard } = host;
  if (input.serial !== null || input.hasMonitor) {
    keyboard.setRaw(true);
    const terminal = new Console(
      {
        hasSerial: input.serial !== null,
        hasMonitor: input.hasMonitor,
        isTerminal: keyboard.isTerminal,
        passesInterrupt: input.passesInterrupt,
      },
      {
        serial: (bytes) => {
          machine.input({ kind: "serial", port: input.serial!, bytes });
          session.wake();
        },
        command: (line) => runMonitor(monitor, line),
        print: (text) => host.stdout(new TextEncoder().encode(text)),
        quit: () => session.quit(),
        interrupt: () => session.end({ status: STATUS.interrupted, reason: "interrupted", text: "" }),
      },
    );
    keyboard.onBytes = (bytes) => terminal.type(bytes);
    keyboard.onEnd = () => {
      terminal.end();
      inputEnded = true;
      session.wake();
    };
  } else keyboard.close();

  let listener: Listener | null = null;
  if (qemu.gdb !== null) {
    const explain = (stop: Stop): string =>
      stop.kind === "triple-fault" ? autopsy(explainer, stop.chain).trimEnd() : describeStop(stop);
    try {
      listener = await host.listen(qemu.gdb.host, qemu.gdb.port, (connection) => {
        if (session.observer !== null) connection.close();
        else void new GdbServer({ session, monitor, explain }, connection);
      });
    } catch (error) {
      keyboard.close();
      say(
        `-gdb: cannot listen on ${qemu.gdb.host}:${qemu.gdb.port}: ${error instanceof Error ? error.message : String(error)}`,
      );
      return STATUS.usage;
    }
    if (qemu.gdb.port === 0) say(`GDB can connect to port ${listener.port}`);
  } else if (qemu.startStopped && !input.hasMonitor) {
    keyboard.close();
    say("-S stops the machine, and without -s, -gdb or -monitor nothing could start it");
    return STATUS.usage;
  }

  const ending = unmet(await session.run(), command);
  keyboard.close();
  listener?.close();
  if (ending.text !== "") say(ending.text);
  for (const line of command.atStop) host.stdout(new TextEncoder().encode(runMonitor(monitor, line)));
  if (command.stats !== null) writeStats(command.stats, host, session, ending);
  return ending.status;
}

function createBooted(command: RunCommand, host: Host): Pc {
  const { kernel, append, modules, machine } = command.qemu;
  const configuration = {
    kernel: kernel!,
    append,
    modules,
    machine,
    loader: command.loader,
    cwd: host.directory,
  };
  return bootMachine(configuration, host.files).machine;
}

/** An end without the text that was waited for is a failure, even if the guest thinks otherwise. */
function unmet(ending: Ending, command: RunCommand): Ending {
  if (command.untilSerial === null || ending.reason === "until-serial" || ending.status !== STATUS.ok)
    return ending;
  const text = `the machine ended (${ending.reason}) without having written ${JSON.stringify(command.untilSerial)}`;
  return { status: STATUS.textMissing, reason: ending.reason, text };
}

function runMonitor(monitor: Monitor, line: string): string {
  try {
    return monitor.run(line);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return `${error.message}\n`;
  }
}

/** What the keyboard is for. */
function inputOf({ qemu }: RunCommand) {
  const isStdio = (backend: Backend | null | undefined) => backend?.kind === "stdio";
  // Nothing said: the first serial port, and the monitor behind Ctrl-A c.
  const serials = qemu.serial.length > 0 ? qemu.serial : [{ kind: "stdio", monitor: true } as const];
  const serial = serials.findIndex(isStdio);
  const shares = serials.some((backend) => backend.kind === "stdio" && backend.monitor);
  return {
    serial: serial === 0 || serial === 1 ? (serial as 0 | 1) : null,
    hasMonitor: isStdio(qemu.monitor) || (shares && qemu.monitor === null),
    passesInterrupt: qemu.serial.length > 0 && shares,
  };
}

/** Where the guest's bytes go, gathered until a slice ends. */
class Outputs {
  readonly #sinks = new Map<Channel, (bytes: Uint8Array) => void>();
  readonly #pending = new Map<Channel, number[]>();
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
    const serial0 = qemu.serial.length > 0 ? qemu.serial[0] : ({ kind: "stdio", monitor: true } as const);
    const backends = { serial0, serial1: qemu.serial[1], debugcon: qemu.debugcon, seabios: qemu.seabios };
    for (const channel of ["serial0", "serial1", "debugcon", "seabios"] as const) {
      const write = sink(backends[channel]);
      if (write !== null) this.#sinks.set(channel, write);
    }
    this.#text = command.untilSerial === null ? null : new TextEncoder().encode(command.untilSerial);
  }

  write(channel: Channel, byte: number): void {
    const pending = this.#pending.get(channel);
    if (pending !== undefined) pending.push(byte);
    else this.#pending.set(channel, [byte]);
    if (this.#text === null || channel !== "serial0" || this.found) return;
    this.#tail.push(byte);
    if (this.#tail.length > this.#text.length) this.#tail.shift();
    this.found =
      this.#tail.length === this.#text.length && this.#text.every((want, i) => want === this.#tail[i]);
  }

  flush(): void {
    for (const [channel, bytes] of this.#pending) {
      if (bytes.length > 0) this.#sinks.get(channel)?.(Uint8Array.from(bytes));
    }
    this.#pending.clear();
  }
}

function writeStats(path: string, host: Host, session: Session, ending: Ending): void {
  const { machine } = session;
  const wallSeconds = session.wallMilliseconds / 1000;
  const stats = {
    instructions: machine.instant,
    wallSeconds,
    instructionsPerSecond: wallSeconds > 0 ? Math.round(machine.instant / wallSeconds) : 0,
    virtualSeconds: machine.now / 1e9,
    memoryBytes: machine.memoryBytes,
    engine: "interpreter",
    end: ending.reason,
    status: ending.status,
  };
  const write = host.openOutput(host.files.resolve(host.directory, path));
  write(new TextEncoder().encode(`${JSON.stringify(stats, null, 2)}\n`));
}
