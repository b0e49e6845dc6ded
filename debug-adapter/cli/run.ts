/**
 * The `redzone` command: from words to an exit status.
 *
 * Invariant: standard output carries what the guest and the monitor say; everything of ours goes to standard error.
 * Elsewhere: words (`command.ts`, `options.ts`), the run itself (`session.ts`), GDB (`gdb/`).
 */
import { WATCH } from "../../emulator/index.ts";
import { bootMachine, type Booted } from "../boot.ts";
import { capture } from "../display.ts";
import { AdapterError } from "../errors.ts";
import { autopsy } from "../exceptions/autopsy.ts";
import type { Explainer } from "../exceptions/explain.ts";
import { describeStop, GdbServer } from "../gdb/server.ts";
import { Monitor } from "../monitor/index.ts";
import { StackPictures } from "../stack/picture.ts";
import { encodePng } from "../png.ts";
import type { RunCommand } from "./command.ts";
import { Console } from "./console.ts";
import { statisticsText } from "../statistics.ts";
import { type Ending, screenOf, STATUS } from "./ending.ts";
import type { Host, Listener } from "./host.ts";
import type { Backend } from "./options.ts";
import { Outputs } from "./output.ts";
import { Session, type Stop } from "./session.ts";
import { GuestNames } from "./symbols.ts";

/** Id of the watched event that ends a run at --until-serial. */
const UNTIL_SERIAL = 1;

/** Runs a machine to its end; returns the exit status. */
export async function run(command: RunCommand, host: Host): Promise<number> {
  const say = (text: string): void => host.stderr(`redzone: ${text}\n`);
  for (const note of command.qemu.notes) say(note);
  let booted: Booted;
  try {
    booted = bootCommand(command, host);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    say(error.message);
    return STATUS.cannotBoot;
  }
  const { machine } = booted;
  /** The CPU that is looked at: the one that stopped last, or that the monitor chose. */
  let core = machine.cpus[0]!;
  const guestNames = new GuestNames(booted, host, command.vmlinux);
  const explainer: Explainer = {
    machine,
    get core() {
      return core;
    },
    describe: (address) => guestNames.describe(address),
    syntax: "att",
  };
  const { qemu } = command;

  let outputs: Outputs;
  let pictureFile: ((bytes: Uint8Array) => void) | null;
  let statsFile: ((bytes: Uint8Array) => void) | null;
  // Before the run: a path that cannot be written is not to be found out at its end.
  try {
    const open = (path: string | null) =>
      path === null ? null : host.openOutput(host.files.resolve(host.directory, path));
    outputs = new Outputs(command, host);
    pictureFile = open(command.screenshot);
    statsFile = open(command.stats?.kind === "file" ? command.stats.path : null);
  } catch (error) {
    host.keyboard.close();
    say(`Cannot write: ${error instanceof Error ? error.message : String(error)}`);
    return STATUS.usage;
  }
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
      isPaced: host.keyboard.isTerminal && (input.guest !== null || input.hasMonitor),
      canWait: () => (!inputEnded && (input.guest !== null || input.hasMonitor)) || qemu.gdb !== null,
      say,
      explainer,
      stoppedAt: (cpu) => (core = machine.cpus[cpu]!),
    },
    qemu.startStopped,
  );
  const monitor = new Monitor({
    machine,
    get core() {
      return core;
    },
    get names() {
      return guestNames.names(core);
    },
    images: booted.images,
    memoryFiles: booted.memoryFiles,
    input: (input) => {
      machine.input(input);
      session.wake();
    },
    stacks: new StackPictures(guestNames),
    choose: (cpu) => (core = machine.cpus[cpu]!),
    get isRunning() {
      return session.isRunning;
    },
    quit: () => session.quit(),
    stop: () => session.pause(),
    cont: () => session.cont(),
    reset: () => session.reset(),
  });
  session.onSlice = () => {
    outputs.flush();
    try {
      if (session.isRunning) booted.memoryFiles.slice(host.milliseconds());
      else booted.memoryFiles.writeBack();
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
      say(error.message);
    }
  };
  if (command.untilSerial !== null) {
    const end = { status: STATUS.ok, reason: "until-serial", text: "" };
    // The event comes with the OUT that sends the last byte, so the machine stops behind exactly that instruction.
    machine.debug.addEvent(UNTIL_SERIAL, WATCH.port, () => {
      if (outputs.found) session.end(end);
      return outputs.found;
    });
  }

  const { keyboard } = host;
  if (input.guest !== null || input.hasMonitor) {
    keyboard.setRaw(true);
    const terminal = new Console(
      {
        hasSerial: input.guest !== null,
        hasMonitor: input.hasMonitor,
        isTerminal: keyboard.isTerminal,
        passesInterrupt: input.passesInterrupt,
      },
      {
        serial: (bytes) => {
          machine.input({ ...input.guest!, bytes });
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

  const readySeconds = host.milliseconds() / 1000;
  const ending = unmet(await session.run(), command);
  keyboard.close();
  listener?.close();
  if (ending.text !== "") say(ending.text);
  if (ending.reason === "dead" && booted.plan === null) host.stderr(screenOf(machine));
  for (const line of command.atStop) host.stdout(new TextEncoder().encode(runMonitor(monitor, line)));
  pictureFile?.(encodePng(capture(machine)));
  if (command.stats !== null) {
    const text =
      command.stats.kind === "table"
        ? statisticsText(machine.statistics(), { wallSeconds: session.wallMilliseconds / 1000 })
        : `${JSON.stringify(statsOf(session, ending, readySeconds), null, 2)}\n`;
    if (statsFile === null) host.stderr(text);
    else statsFile(new TextEncoder().encode(text));
  }
  return ending.status;
}

function bootCommand(command: RunCommand, host: Host): Booted {
  const { loader, qemu } = command;
  return bootMachine({ ...qemu, loader, cwd: host.directory }, host.files);
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
function inputOf({ qemu }: RunCommand): {
  /** Where characters go; null: nowhere. */
  readonly guest: { readonly kind: "serial" | "console"; readonly port: number } | null;
  readonly hasMonitor: boolean;
  readonly passesInterrupt: boolean;
} {
  const isStdio = (backend: Backend | null | undefined) => backend?.kind === "stdio";
  const console = qemu.consoles.findIndex(isStdio);
  // Nothing said: the first serial port, and the monitor behind Ctrl-A c.
  const serials: readonly Backend[] =
    qemu.serial.length > 0 || console >= 0 ? qemu.serial : [{ kind: "stdio", monitor: true }];
  const serial = serials.findIndex(isStdio);
  const shares = [...serials, ...qemu.consoles].some(
    (backend) => backend.kind === "stdio" && backend.monitor,
  );
  return {
    guest:
      console >= 0
        ? { kind: "console", port: console }
        : serial === 0 || serial === 1
          ? { kind: "serial", port: serial }
          : null,
    hasMonitor: isStdio(qemu.monitor) || (shares && qemu.monitor === null),
    passesInterrupt: (qemu.serial.length > 0 || console >= 0) && shares,
  };
}

/** Everything `--stats` knows, for programs. `readySeconds`: from the program's start to the machine's. */
function statsOf({ machine, wallMilliseconds }: Session, ending: Ending, readySeconds: number): object {
  const statistics = machine.statistics();
  const { instants, nanoseconds, memoryBytes, processor } = statistics;
  const wallSeconds = wallMilliseconds / 1000;
  return {
    instructions: instants,
    wallSeconds,
    instructionsPerSecond: wallSeconds > 0 ? Math.round(instants / wallSeconds) : 0,
    readySeconds,
    virtualSeconds: nanoseconds / 1e9,
    memoryBytes,
    engine: processor.translator === null ? "interpreter" : "translator",
    translatedShare: (processor.translator?.instants ?? 0) / Math.max(instants, 1),
    end: ending.reason,
    status: ending.status,
    statistics,
  };
}
