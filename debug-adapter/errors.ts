/**
 * Everything the adapter refuses, in one place: each error has a number, says what is wrong and what to do, and is made by its own constructor.
 *
 * Invariant: `debug-adapter/` throws nothing else towards a client. Numbers are never used twice and never change.
 * 1xxx launching · 2xxx requests · 3xxx expressions · 4xxx memory and registers · 9999 a bug of ours
 */
export class AdapterError extends Error {
  readonly number: number;
  /** Whether the client should put it in front of the user, rather than in the place where the request came from. */
  readonly showUser: boolean;
  constructor(number: number, text: string, showUser = false) {
    super(text);
    this.name = "AdapterError";
    this.number = number;
    this.showUser = showUser;
  }
}

const reason = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

// 1xxx launching
export const nothingToBoot = (): AdapterError =>
  new AdapterError(
    1001,
    'The launch configuration names nothing to boot. Add "kernel", "drives", "cdrom" or "bios", or a "qemu" command line with -kernel or a disk.',
    true,
  );
export const badAttribute = (name: string, expected: string, got: unknown): AdapterError =>
  new AdapterError(1002, `Launch attribute "${name}" must be ${expected}, but is ${preview(got)}.`, true);
export const unknownAttribute = (name: string, nearest: string | undefined): AdapterError =>
  new AdapterError(
    1003,
    `Launch attribute "${name}" is not known.${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`,
    true,
  );
export const cannotReadFile = (what: string, path: string, cause: unknown): AdapterError =>
  new AdapterError(1004, `Cannot read the ${what} ${path}: ${reason(cause)}`, true);
export const cannotBoot = (text: string): AdapterError => new AdapterError(1005, text, true);
export const badCommandLine = (text: string): AdapterError =>
  new AdapterError(1006, `The "qemu" command line cannot be used: ${text}`, true);
export const badMemorySize = (text: string, why: string): AdapterError =>
  new AdapterError(
    1007,
    `Memory size "${text}" cannot be used: ${why}. Use QEMU's -m syntax, for example "128M" or "4G,slots=2,maxmem=16G".`,
    true,
  );
export const attachUnsupported = (): AdapterError =>
  new AdapterError(1008, 'Redzone boots the machine it debugs, so "request" must be "launch".', true);
export const badSymbols = (path: string, cause: unknown): AdapterError =>
  new AdapterError(1009, `No symbols from ${path}: ${reason(cause)}`, true);
export const alreadyLaunched = (): AdapterError =>
  new AdapterError(1010, "This session has launched a machine already.");

export const cannotOpenImage = (path: string, cause: unknown): AdapterError =>
  // Errors about an image begin with its name.
  new AdapterError(
    1011,
    `Cannot use the disk image ${reason(cause).startsWith(path) ? "" : `${path}: `}${reason(cause)}`,
    true,
  );
export const badRom = (what: string, path: string, text: string): AdapterError =>
  new AdapterError(1012, `Cannot use the ${what} ${path}: ${text}`, true);

/** `text` is QEMU's. */
export const cannotUseMemoryFile = (text: string): AdapterError => new AdapterError(1013, text, true);

// 2xxx requests
export const malformedRequest = (command: string, text: string): AdapterError =>
  new AdapterError(2001, `The request "${command}" is malformed: ${text}.`);
export const unknownRequest = (command: string): AdapterError =>
  new AdapterError(2002, `The request "${command}" is not supported by Redzone.`);
export const notLaunched = (): AdapterError => new AdapterError(2003, "No machine has been launched yet.");
export const machineRunning = (): AdapterError =>
  new AdapterError(2004, "The machine is running. Pause it first.");
export const machineEnded = (): AdapterError =>
  new AdapterError(2005, "The machine has ended. Restart it to go on.");
export const noSuchThread = (id: number): AdapterError =>
  new AdapterError(2006, `There is no CPU with thread id ${id}.`);
export const noSuchFrame = (id: number): AdapterError =>
  new AdapterError(2007, `Stack frame ${id} belongs to an earlier stop.`);
export const noSuchReference = (id: number): AdapterError =>
  new AdapterError(2008, `Variables reference ${id} belongs to an earlier stop.`);
export const noSource = (path: string): AdapterError =>
  new AdapterError(
    2009,
    `The source file ${path} is not on this machine. Map its directory with "sourceMap" in the launch configuration.`,
  );
export const cancelled = (): AdapterError => new AdapterError(2010, "cancelled");
export const noGotoTarget = (): AdapterError =>
  new AdapterError(2011, "There is no code to go to at this line.");
export const notException = (): AdapterError =>
  new AdapterError(2012, "The machine has not stopped at an exception.");
export const cannotStepOut = (): AdapterError =>
  new AdapterError(2013, "The outermost frame has no caller to step out to.");
export const noLocation = (): AdapterError => new AdapterError(2014, "This value has no source location.");

// 3xxx expressions
export const syntax = (text: string, offset: number): AdapterError =>
  new AdapterError(3001, `${text} at column ${offset + 1}`);
export const unknownName = (name: string): AdapterError =>
  new AdapterError(3002, `There is no symbol or register called "${name}" here.`);
export const typeMismatch = (text: string): AdapterError => new AdapterError(3003, text);
export const notAssignable = (text: string): AdapterError => new AdapterError(3004, text);
export const divisionByZero = (): AdapterError => new AdapterError(3005, "Division by zero");
export const optimisedOut = (name: string, why: string): AdapterError =>
  new AdapterError(3006, `"${name}" has no value here: ${why}.`);
export const noSuchMember = (type: string, member: string): AdapterError =>
  new AdapterError(3007, `${type} has no member "${member}".`);
export const noSuchType = (name: string): AdapterError =>
  new AdapterError(3008, `There is no type called "${name}".`);
export const badFormat = (text: string): AdapterError =>
  new AdapterError(
    3009,
    `"${text}" is not a format. Use x, d, u, o, b, c, s, f, p, h, or a number of elements.`,
  );

// 4xxx memory and registers
export const unmapped = (space: string, address: bigint, why: string): AdapterError =>
  new AdapterError(4001, `Cannot access ${space} address 0x${address.toString(16)}: ${why}.`);
export const badReference = (reference: string): AdapterError =>
  new AdapterError(
    4002,
    `"${reference}" is not a memory reference; use v:0x… for linear, p:0x… for physical or r:0x… for ram_addr_t addresses.`,
  );
export const registerRefused = (name: string, why: string): AdapterError =>
  new AdapterError(4003, `${name} cannot be set to this value: ${why}.`);
export const noPort = (text: string): AdapterError => new AdapterError(4004, text);
export const notBreakable = (): AdapterError =>
  new AdapterError(
    4010,
    "A breakpoint needs an address that the processor uses: linear or physical, not ram_addr_t. The RAM Layout panel converts them.",
  );
export const badPageTables = (text: string): AdapterError => new AdapterError(4020, text);
export const badMonitorCommand = (text: string): AdapterError => new AdapterError(4005, text);

export const internal = (command: string, cause: unknown): AdapterError =>
  new AdapterError(
    9999,
    `Redzone failed to answer "${command}": ${reason(cause)}. This is a bug in Redzone.`,
    true,
  );

function preview(value: unknown): string {
  const text = JSON.stringify(value);
  return text === undefined ? String(value) : text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
