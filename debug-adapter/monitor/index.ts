/**
 * QEMU's monitor: the commands a QEMU user knows, answered in QEMU's form, for the Debug Console, `redzone --at-stop` and `-monitor`.
 *
 * Invariant: a command that exists in QEMU but not here is refused by name; one that exists nowhere gets QEMU's own complaint. Nothing here
 * knows DAP. Elsewhere: the texts (`registers.ts`, `translation.ts`, `dump.ts`, `interrupts.ts`, `devices.ts`).
 */
import {
  ACTIVITY,
  infoMtree,
  infoRamblock,
  type BlockImage,
  type Core,
  type Input,
  type Machine,
  type Pc,
} from "../../emulator/index.ts";
import type { Syntax } from "../disassembly/index.ts";
import { AdapterError, badMonitorCommand } from "../errors.ts";
import { bare, evaluateText, toInteger, type Names } from "../expressions/index.ts";
import type { MemoryFiles } from "../memory-files.ts";
import { GuestSpace } from "../memory/space.ts";
import type { PageTables } from "../paging/index.ts";
import type { StackPictures } from "../stack/picture.ts";
import { stacksText, stackText } from "../stack/text.ts";
import { statisticsText } from "../statistics.ts";
import { activityText } from "../status.ts";
import { dump, formatNumber, parseDumpFormat, type DumpFormat } from "./dump.ts";
import { infoBlock } from "./block.ts";
import {
  deviceAdd,
  deviceDel,
  infoMemdev,
  infoMemoryDevices,
  infoMemorySizeSummary,
  objectAdd,
  objectDel,
  type DeviceHost,
} from "./devices.ts";
import { infoLapic, infoPic } from "./interrupts.ts";
import { infoPci } from "./pci.ts";
import { machineNames } from "./names.ts";
import { page, pages } from "./paging.ts";
import { infoRegisters } from "./registers.ts";
import { infoMem, infoTlb } from "./translation.ts";

/** What the monitor may do to its host. */
export interface MonitorHost {
  readonly machine: Machine;
  /** The CPU that commands look at. */
  readonly core: Core;
  /** Names for expressions; without symbols, registers and numbers only. */
  readonly names?: Names;
  readonly syntax?: Syntax;
  /** What is in the drives, by id. */
  readonly images?: ReadonlyMap<string, BlockImage>;
  /** Files behind memory backends; absent: there can be none. */
  readonly memoryFiles?: MemoryFiles;
  readonly isRunning?: boolean;
  /** For `page` and `pages`; absent: they are read for each command, and nothing has a name. */
  readonly pageTables?: PageTables;
  /** Gives an input to the machine; absent: to the machine itself. */
  input?(input: Input): void;
  /** Something about the machine's memory is different now. */
  memoryChanged?(): void;
  /** For `info stack` and `info stacks`. */
  readonly stacks?: StackPictures;
  /** What the red-zone detector has found; absent where nobody listens to it. */
  redZone?(): string;
  /** Makes another CPU the one that commands look at; absent: there is no choice. */
  choose?(cpu: number): void;
  /** `quit`, `stop`, `cont`, `system_reset`: absent where they make no sense. */
  quit?(): void;
  stop?(): void;
  cont?(): void;
  reset?(): void;
}

interface Command {
  /** Names separated by "|", as `help` shows them. */
  readonly names: string;
  readonly parameters: string;
  readonly help: string;
  run(monitor: Monitor, rest: string): string;
}

const usage = (command: Command): string =>
  `${command.names}${command.parameters === "" ? " " : ` ${command.parameters}`} -- ${command.help}\n`;

const pc = (machine: Machine): Pc | null => ("board" in machine ? (machine as Pc) : null);

function stacksOf({ stacks, isRunning }: MonitorHost): StackPictures {
  if (stacks === undefined) throw badMonitorCommand("there are no symbols here, so stacks cannot be shown");
  if (isRunning === true) throw badMonitorCommand("the machine is running; stop it first");
  return stacks;
}

/** The machine with its memory devices; other machines have none. */
function withMemoryDevices(machine: Machine): Pc {
  const found = pc(machine);
  if (found === null) throw badMonitorCommand("this machine has no memory devices");
  return found;
}

/** A command about memory that comes and goes. */
const deviceCommand = (
  names: string,
  parameters: string,
  text: string,
  act: (host: DeviceHost, rest: string) => string,
): Command => ({
  names,
  parameters,
  help: text,
  run({ host }, rest) {
    const machine = withMemoryDevices(host.machine);
    const { memoryFiles } = host;
    const said = act(
      {
        machine,
        ...(memoryFiles === undefined ? {} : { memoryFiles }),
        input: (given) => (host.input === undefined ? machine.input(given) : host.input(given)),
      },
      rest,
    );
    host.memoryChanged?.();
    return said;
  },
});

function cpuNamed(machine: Machine, text: string): Core {
  const cpu = /^(?:0x[0-9a-f]+|\d+)$/i.test(text) ? machine.cpus[Number(text)] : undefined;
  if (cpu === undefined) throw badMonitorCommand(`CPU#${text} not available`);
  return cpu;
}

const INFO: readonly Command[] = [
  {
    names: "block",
    parameters: "",
    help: "show info of the drives",
    run: ({ host }) => infoBlock(host.machine, host.images ?? new Map()),
  },
  {
    names: "cpus",
    parameters: "",
    help: "show infos for each CPU",
    run: ({ host }) =>
      host.machine.cpus
        .map((cpu) => {
          const state = cpu.activity === ACTIVITY.running ? "" : ` (${activityText(cpu)})`;
          return `${cpu === host.core ? "*" : " "} CPU #${cpu.index}: thread_id=${cpu.index + 1}${state}\n`;
        })
        .join(""),
  },
  {
    names: "jit",
    parameters: "",
    help: "show what was executed, by which engine, and what for TypeScript was called",
    run: ({ host }) => statisticsText(host.machine.statistics()),
  },
  {
    names: "lapic",
    parameters: "[apic-id]",
    help: "show local apic state (apic-id: local apic to read, default is which of current CPU)",
    run: ({ host }, rest) => infoLapic(host.machine, rest === "" ? host.core : cpuNamed(host.machine, rest)),
  },
  {
    names: "mem",
    parameters: "",
    help: "show the active virtual memory mappings",
    run: ({ host }) => infoMem(host.core),
  },
  {
    names: "memdev",
    parameters: "",
    help: "show memory backends",
    run: ({ host }) => infoMemdev(withMemoryDevices(host.machine)),
  },
  {
    names: "memory-devices",
    parameters: "",
    help: "show memory devices",
    run: ({ host }) => infoMemoryDevices(withMemoryDevices(host.machine).memoryDevices),
  },
  {
    names: "memory_size_summary",
    parameters: "",
    help: "show the amount of initially allocated and present hotpluggable (if enabled) memory in bytes.",
    run: ({ host }) => infoMemorySizeSummary(withMemoryDevices(host.machine)),
  },
  {
    names: "mtree",
    parameters: "[-f][-o][-D]",
    help: "show memory tree (-f: dump flat view for address spaces;-o: dump region owners/parents;-D: dump disabled regions)",
    run({ host }, rest) {
      const flags = new Set(rest.split(/\s+/).filter((word) => word !== ""));
      for (const flag of flags)
        if (!["-f", "-o", "-D"].includes(flag))
          throw badMonitorCommand(`info mtree: "${flag}" is not supported`);
      const { memory, io } = host.machine.addressSpaces;
      return infoMtree([io, memory], {
        flat: flags.has("-f"),
        owner: flags.has("-o"),
        disabled: flags.has("-D"),
      });
    },
  },
  { names: "pci", parameters: "", help: "show PCI info", run: ({ host }) => infoPci(pc(host.machine)) },
  {
    names: "redzone",
    parameters: "",
    help: "show what has overwritten whose red zone",
    run({ host }) {
      if (host.redZone === undefined) throw badMonitorCommand(`"info redzone" cannot be used here`);
      return host.redZone();
    },
  },
  { names: "pic", parameters: "", help: "show PIC state", run: ({ host }) => infoPic(pc(host.machine)) },
  {
    names: "ramblock",
    parameters: "",
    help: "Display system ramblock information",
    run: ({ host }) => infoRamblock(host.machine.memory.ramList),
  },
  {
    names: "registers",
    parameters: "[-a|vcpu]",
    help: "show the cpu registers (-a: show register info for all cpus; vcpu: specific vCPU to query; show the current CPU's registers if no argument is specified)",
    run({ host }, rest) {
      if (rest === "-a") return host.machine.cpus.map(infoRegisters).join("");
      if (rest === "") return infoRegisters(host.core);
      return infoRegisters(cpuNamed(host.machine, rest));
    },
  },
  {
    names: "stack",
    parameters: "[frames]",
    help: "show the stack of the current CPU: frames with what lies in them, and the red zone (frames: how many, default 8)",
    run({ host }, rest) {
      const frames = rest === "" ? 8 : /^\d+$/.test(rest) ? Number(rest) : 0;
      if (frames === 0) throw badMonitorCommand("invalid number of frames");
      const stacks = stacksOf(host);
      const body = stacks.picture(host.core, { count: frames, detailed: frames });
      return stackText(body, stacks.stacks());
    },
  },
  {
    names: "stacks",
    parameters: "",
    help: "show every stack of the machine: where it is, how deep it was used, what is below it",
    run: ({ host }) => stacksText(stacksOf(host).stacks()),
  },
  {
    names: "status",
    parameters: "",
    help: "show the current VM status (running|paused)",
    run: ({ host }) => `VM status: ${host.isRunning === true ? "running" : "paused"}\n`,
  },
  {
    names: "tlb",
    parameters: "",
    help: "show virtual to physical memory mappings",
    run: ({ host }) => infoTlb(host.core),
  },
  {
    names: "version",
    parameters: "",
    help: "show the version of QEMU",
    run: () => "Redzone; monitor commands as in QEMU 7.2\n",
  },
];

const dumpCommand = (name: "x" | "xp", space: "linear" | "physical"): Command => ({
  names: name,
  parameters: "/fmt addr",
  help: `${space === "linear" ? "virtual" : "physical"} memory dump starting at 'addr'`,
  run(monitor, rest) {
    const { format, expression } = monitor.formatted(rest);
    return dump(monitor.host.core, space, monitor.value(expression), format, monitor.host.syntax ?? "att");
  },
});

/** A command that acts on the host, where the host lets it. */
const hostCommand = (names: string, help: string, action: "quit" | "stop" | "cont" | "reset"): Command => ({
  names,
  parameters: "",
  help,
  run({ host }) {
    const act = host[action];
    if (act === undefined) throw badMonitorCommand(`"${names}" cannot be used here`);
    act.call(host);
    return "";
  },
});

const COMMANDS: readonly Command[] = [
  hostCommand("cont|c", "resume emulation", "cont"),
  {
    names: "cpu",
    parameters: "index",
    help: "set the default CPU",
    run({ host }, rest) {
      const { index } = cpuNamed(host.machine, rest);
      if (index === host.core.index) return "";
      if (host.choose === undefined) throw badMonitorCommand(`"cpu" cannot be used here`);
      host.choose(index);
      return "";
    },
  },
  deviceCommand(
    "device_add",
    "driver[,prop=value][,...]",
    "add device, like -device on the command line",
    deviceAdd,
  ),
  deviceCommand("device_del", "device", "remove device", deviceDel),
  {
    names: "gva2gpa",
    parameters: "addr",
    help: "print the guest physical address corresponding to a guest virtual address",
    run(monitor, rest) {
      const found = new GuestSpace(monitor.host.core).translate(BigInt.asUintN(64, monitor.value(rest)));
      return typeof found === "number" ? `gpa: 0x${found.toString(16)}\n` : "Unmapped\n";
    },
  },
  { names: "help|?", parameters: "[cmd]", help: "show the help", run: (_, rest) => help(rest) },
  {
    names: "info",
    parameters: "[subcommand]",
    help: "show various information about the system state",
    run: (monitor, rest) => info(monitor, rest),
  },
  {
    names: "nmi",
    parameters: "",
    help: "inject an NMI",
    run({ host }) {
      host.machine.input({ kind: "nmi" });
      return "";
    },
  },
  deviceCommand("object_add", "[qom-type=]type,id=str[,prop=value][,...]", "create QOM object", objectAdd),
  deviceCommand("object_del", "id", "destroy QOM object", objectDel),
  {
    names: "page",
    parameters: "addr",
    help: "translate a virtual address and show every step: entries, rights, region, RAM block, and why an access would fault",
    run: (monitor, rest) => page(monitor.host, monitor.value(rest)),
  },
  {
    names: "pages",
    parameters: "[filter...] [addr|name]",
    help: "show what is mapped, merged, with rights of user and supervisor, page sizes and names (filters: write+execute, user, user-writable, executable, writable, uncached, not-accessed, dirty, global, large, changed)",
    run: (monitor, rest) => pages(monitor.host, rest, (text) => monitor.value(text)),
  },
  {
    names: "print|p",
    parameters: "/fmt expr",
    help: "print expression value (use $reg for CPU register access)",
    run(monitor, rest) {
      const { format, expression } = monitor.formatted(rest);
      return `${formatNumber(monitor.value(expression), format.letter, 8, false)}\n`;
    },
  },
  hostCommand("quit|q", "quit the emulator", "quit"),
  hostCommand("stop|s", "stop emulation", "stop"),
  {
    names: "system_powerdown",
    parameters: "",
    help: "send system power down event",
    run({ host }) {
      host.machine.input({ kind: "power-button" });
      return "";
    },
  },
  hostCommand("system_reset", "reset the system", "reset"),
  dumpCommand("x", "linear"),
  dumpCommand("xp", "physical"),
];

/** Commands of QEMU that are not here, by name, and why where that says something. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ["gpa2hva", "guest memory has no stable host address here"],
  ["gpa2hpa", "guest memory has no stable host address here"],
  ["gdbserver", "use the -s or -gdb option of the command line"],
  ...(
    "announce_self balloon block_job_cancel boot_set calc_dirty_rate chardev-add closefd commit change delvm drive_add " +
    "dump-guest-memory eject exit_preconfig expire_password getfd hostfwd_add i i8259 loadvm log logfile mce memsave migrate mouse_move " +
    "netdev_add o one-insn-per-tb pcie_aer_inject_error pmemsave qemu-io qom-get qom-list qom-set ringbuf_read savevm " +
    "screendump sendkey set_link singlestep snapshot_blkdev sum sync-profile trace-event watchdog_action wavcapture"
  )
    .split(" ")
    .map((name) => [name, ""] as const),
]);
const UNSUPPORTED_INFO: ReadonlyMap<string, string> = new Map([
  ["irq", "nobody counts interrupts; info pic shows what is pending"],
  ...(
    "balloon block-jobs blockstats capture chardev dump history hotpluggable-cpus iothreads kvm " +
    "mice migrate name network numa opcount profile qdm qom-tree qtree replay roms sev snapshots usb usbhost usernet uuid vnc"
  )
    .split(" ")
    .map((name) => [name, ""] as const),
]);

const find = (list: readonly Command[], name: string): Command | undefined =>
  list.find((command) => command.names.split("|").includes(name));

const refusal = (name: string, why: string): AdapterError =>
  badMonitorCommand(`"${name}" of QEMU's monitor is not supported${why === "" ? "" : `: ${why}`}`);

function help(topic: string): string {
  const [word, ...rest] = topic.split(/\s+/);
  if (word === "info")
    return (rest[0] === undefined ? INFO : INFO.filter((command) => command.names === rest[0]))
      .map((command) => `info ${usage(command)}`)
      .join("");
  if (word === undefined || word === "") return COMMANDS.map(usage).join("");
  const found = find(COMMANDS, word);
  return found === undefined ? `unknown command: '${word}'\n` : usage(found);
}

function info(monitor: Monitor, rest: string): string {
  const [word, tail] = split(rest);
  if (word === "") return help("info");
  const command = find(INFO, word);
  if (command !== undefined) return command.run(monitor, tail);
  const why = UNSUPPORTED_INFO.get(word);
  if (why !== undefined) throw refusal(`info ${word}`, why);
  return `unknown command: 'info ${word}'\n`;
}

const split = (line: string): readonly [string, string] => {
  const match = /^\s*([^\s/]*)\s*(.*)$/s.exec(line);
  return [match?.[1] ?? "", match?.[2]?.trim() ?? ""];
};

/** Names of commands, "info" ones with their subcommand: for completion, and to tell a command from an expression. */
export const monitorCommands = (): readonly string[] => [
  ...COMMANDS.flatMap((command) => command.names.split("|")),
  ...INFO.map((command) => `info ${command.names}`),
];

/** A monitor with what it remembers from command to command: the last format, which `x`, `xp` and `print` share. */
export class Monitor {
  host: MonitorHost;
  #format: DumpFormat = { count: 1, letter: "x", size: 4 };

  constructor(host: MonitorHost) {
    this.host = host;
  }

  /** Whether a line is meant for the monitor rather than an expression: its first word is a command here or in QEMU. */
  knows(line: string): boolean {
    const [word, rest] = split(line);
    // "p = 3", "x + 1" and "c->next" are about variables of those names.
    if (/^(?:[-+*%&|^<>=!.,[?)]|->)/.test(rest) && !/^-[afoD]\b/.test(rest)) return false;
    if (word.length === 1 && rest === "" && word !== "?") return false;
    // A variable alone is asked for by its name.
    if (word.startsWith("page") && rest === "" && this.host.names?.isVariable(word) === true) return false;
    return find(COMMANDS, word) !== undefined || UNSUPPORTED.has(word);
  }

  /** Runs one command line. Throws `badMonitorCommand`. */
  run(line: string): string {
    const [word, rest] = split(line);
    if (word === "") return "";
    const command = find(COMMANDS, word);
    if (command !== undefined) return command.run(this, rest);
    const why = UNSUPPORTED.get(word);
    if (why !== undefined) throw refusal(word, why);
    return `unknown command: '${word}'\n`;
  }

  /** Splits "/4xg 0x1000". */
  formatted(rest: string): { readonly format: DumpFormat; readonly expression: string } {
    const match = /^(\/\S*)?\s*(.*)$/s.exec(rest);
    const expression = match?.[2] ?? "";
    if (expression === "") throw badMonitorCommand("unexpected end of expression");
    this.#format =
      match?.[1] === undefined ? { ...this.#format, count: 1 } : parseDumpFormat(match[1], this.#format);
    return { format: this.#format, expression };
  }

  /** An expression's value as a 64-bit number. */
  value(expression: string): bigint {
    const names = this.host.names ?? machineNames(this.host.core);
    const { value } = evaluateText(expression, names, { assignments: false });
    const kind = bare(value.type)?.kind;
    // A function or an array stands for where it is: `x/8i kernel_main`.
    if ((kind === "function" || kind === "array") && value.place.kind === "memory")
      return value.place.address.offset;
    return toInteger(value);
  }
}
