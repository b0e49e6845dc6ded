/**
 * GDB's remote serial protocol on one side, a session on the other: `-s`, `-gdb`.
 *
 * Invariant: while a client is connected the machine stops where a run would end by a fault, so that it can be looked at; breakpoints are the
 * emulator's and the guest's memory holds no trace of them. A CPU is a thread, numbered from 1.
 * Elsewhere: packets (`packet.ts`), registers (`target.ts`), what the machine does between two stops (`cli/session.ts`).
 */
import { linear, type Core, type LinearAddress } from "../../emulator/index.ts";
import type { Connection } from "../cli/host.ts";
import type { Observer, Session, Stop } from "../cli/session.ts";
import { AdapterError } from "../errors.ts";
import { stopText } from "../exceptions/autopsy.ts";
import { GuestSpace, type Space } from "../memory/space.ts";
import type { Monitor } from "../monitor/index.ts";
import { activityText } from "../status.ts";
import { fromHex, packet, PacketReader, toHex } from "./packet.ts";
import { readRegister, REGISTER_COUNT, targetDescription, writeRegister } from "./target.ts";

const PACKET_BYTES = 0x4000;
/** QEMU's errno numbers in error answers. */
const ERROR = { invalid: "E22", fault: "E14", missing: "E00" } as const;
const SIGNAL = { interrupt: 2, illegal: 4, trap: 5, abort: 6, segmentation: 11 } as const;
const FIRST_ID = 1000;
const WATCH_KINDS = {
  "2": ["watch", "write"],
  "3": ["rwatch", "read"],
  "4": ["awatch", "readWrite"],
} as const;

interface Point {
  readonly id: number;
  readonly kind: "break" | "watch" | "rwatch" | "awatch";
  readonly address: bigint;
}

export interface ServerEnvironment {
  readonly session: Session;
  readonly monitor: Monitor;
  /** Explains a stop that ends a run, for the client's console; empty if there is nothing to say. */
  explain(stop: Stop): string;
}

export class GdbServer implements Observer {
  readonly #environment: ServerEnvironment;
  readonly #session: Session;
  readonly #cores: readonly Core[];
  readonly #connection: Connection;
  readonly #reader = new PacketReader();
  readonly #points = new Map<string, Point>();
  #nextId = FIRST_ID;
  #last: Uint8Array = new Uint8Array(0);
  #acknowledges = true;
  /** The client waits for the machine to stop. */
  #isWaiting = false;
  #space: Space = "linear";
  /** The CPU that registers and memory are of (Hg), and the one that `s` steps (Hc). */
  #current = 0;
  #stepping = 0;

  constructor(environment: ServerEnvironment, connection: Connection) {
    this.#environment = environment;
    this.#session = environment.session;
    this.#cores = this.#session.machine.cpus;
    this.#connection = connection;
    connection.onBytes = (bytes) => this.#receive(bytes);
    connection.onClose = () => this.#leave();
    this.#session.observer = this;
    this.#session.pause();
  }

  stopped(stop: Stop): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    const text = this.#environment.explain(stop);
    if (text !== "") this.#print(`${text}\n`);
    this.#send(this.#stopReply(stop));
  }

  ended(ending: { readonly status: number }): void {
    if (this.#isWaiting) this.#send(`W${(ending.status & 0xff).toString(16).padStart(2, "0")}`);
    this.#isWaiting = false;
    this.#connection.close();
  }

  #leave(): void {
    if (this.#session.observer !== this) return;
    this.#session.observer = null;
    this.#clear();
  }

  #clear(): void {
    for (const { id } of this.#points.values()) this.#session.machine.debug.remove(id);
    this.#points.clear();
  }

  #receive(bytes: Uint8Array): void {
    for (const received of this.#reader.read(bytes)) {
      switch (received.kind) {
        case "interrupt":
          this.#session.pause();
          break;
        case "again":
          this.#connection.send(this.#last);
          break;
        case "damaged":
          if (this.#acknowledges) this.#connection.send(Uint8Array.of(0x2d));
          break;
        case "packet": {
          if (this.#acknowledges) this.#connection.send(Uint8Array.of(0x2b));
          const reply = this.#answer(received.data);
          if (reply !== null) this.#send(reply);
          break;
        }
      }
    }
  }

  #send(data: string): void {
    this.#last = packet(data);
    this.#connection.send(this.#last);
  }

  #print(text: string): void {
    this.#send(`O${toHex(new TextEncoder().encode(text))}`);
  }

  /** The answer to a packet; null if it comes later or never; empty for what is not supported, as the protocol wants. */
  #answer(data: string): string | null {
    const rest = data.slice(1);
    switch (data.charAt(0)) {
      case "?":
        return this.#stopReply({ kind: "paused" }, SIGNAL.trap);
      case "g":
        return toHex(
          Array.from({ length: REGISTER_COUNT }, (_, n) => [...readRegister(this.#core, n)!]).flat(),
        );
      case "G":
        return this.#writeAll(rest);
      case "p": {
        const bytes = readRegister(this.#core, Number.parseInt(rest, 16));
        return bytes === null ? ERROR.missing : toHex(bytes);
      }
      case "P":
        return this.#writeOne(rest);
      case "m":
        return this.#readMemory(rest);
      case "M":
        return this.#writeMemory(rest, fromHex);
      case "X":
        return this.#writeMemory(rest, (text) => Uint8Array.from(text, (c) => c.charCodeAt(0)));
      case "Z":
        return this.#insert(rest);
      case "z":
        return this.#remove(rest);
      case "c":
      case "s":
        return this.#go(data.charAt(0), rest);
      case "C":
      case "S":
        // "sig;address": signals mean nothing to a machine.
        return this.#go(data[0] === "C" ? "c" : "s", rest.split(";")[1] ?? "");
      case "D":
        this.#leave();
        this.#send("OK");
        this.#session.cont();
        return null;
      case "k":
        this.#session.quit();
        return null;
      case "H":
        return this.#selectThread(rest.charAt(0), rest.slice(1));
      case "T":
        return this.#thread(rest) === null ? ERROR.invalid : "OK";
      case "v":
        return this.#verbose(data);
      case "q":
      case "Q":
        return this.#query(data);
      default:
        return "";
    }
  }

  get #core(): Core {
    return this.#cores[this.#current]!;
  }

  // Stops

  #stopReply(stop: Stop, otherwise: number = SIGNAL.interrupt): string {
    if ("cpu" in stop) this.#current = this.#stepping = stop.cpu;
    else if (stop.kind === "stepped") this.#current = this.#stepping;
    const thread = `thread:${(this.#current + 1).toString(16).padStart(2, "0")};`;
    let signal: number;
    let reason = "";
    switch (stop.kind) {
      case "breakpoint":
      case "stepped":
      case "event":
      case "dead":
        signal = SIGNAL.trap;
        break;
      case "watchpoint": {
        signal = SIGNAL.trap;
        const point = [...this.#points.values()].find(({ id }) => id === stop.id);
        if (point !== undefined) reason = `${point.kind}:${point.address.toString(16)};`;
        break;
      }
      case "triple-fault":
        signal = SIGNAL.segmentation;
        break;
      case "unimplemented":
        signal = SIGNAL.illegal;
        break;
      case "out-of-memory":
        signal = SIGNAL.abort;
        break;
      case "paused":
      case "limit":
      case "idle":
      case "waiting":
      case "reset":
      case "debug-exit":
      case "power-off":
        signal = otherwise;
        break;
    }
    return `T${signal.toString(16).padStart(2, "0")}${thread}${reason}`;
  }

  #go(how: string, address: string): string | null {
    if (address !== "") {
      const at = parseAddress(address);
      if (at === null) return ERROR.invalid;
      this.#core.rip = at;
    }
    this.#isWaiting = true;
    if (how === "s") this.#session.step(this.#stepping);
    else this.#session.cont();
    return null;
  }

  // Registers and memory

  #writeAll(text: string): string {
    const bytes = fromHex(text);
    if (bytes === null) return ERROR.invalid;
    let offset = 0;
    for (let n = 0; n < REGISTER_COUNT && offset < bytes.length; n++) {
      const count = writeRegister(this.#core, n, bytes, offset);
      if (count === null) return ERROR.invalid;
      offset += count;
    }
    return "OK";
  }

  #writeOne(text: string): string {
    const [number = "", value = ""] = text.split("=");
    const bytes = fromHex(value);
    if (bytes === null) return ERROR.invalid;
    return writeRegister(this.#core, Number.parseInt(number, 16), bytes) === null ? ERROR.invalid : "OK";
  }

  #readMemory(text: string): string {
    const range = parseRange(text);
    if (range === null) return ERROR.invalid;
    const length = Math.min(range.length, PACKET_BYTES / 2);
    const space = new GuestSpace(this.#core);
    const { bytes, why } = space.readUpTo({ space: this.#space, offset: range.address }, length);
    return bytes.length === 0 && why !== null ? ERROR.fault : toHex(bytes);
  }

  #writeMemory(text: string, decode: (text: string) => Uint8Array | null): string {
    const colon = text.indexOf(":");
    const range = parseRange(text.slice(0, colon));
    const bytes = colon < 0 ? null : decode(text.slice(colon + 1));
    if (range === null || bytes === null || bytes.length !== range.length) return ERROR.invalid;
    try {
      new GuestSpace(this.#core).write({ space: this.#space, offset: range.address }, bytes);
    } catch (error) {
      if (error instanceof AdapterError) return ERROR.fault;
      throw error;
    }
    return "OK";
  }

  // Breakpoints

  #insert(text: string): string {
    const [type = "", where = "", kind = ""] = text.split(",");
    const address = parseAddress(where);
    const length = Number.parseInt(kind.split(";")[0] ?? "", 16);
    if (address === null || Number.isNaN(length)) return ERROR.invalid;
    const key = `${type},${where},${kind}`;
    if (this.#points.has(key)) return "OK";
    const id = this.#nextId++;
    const { debug } = this.#session.machine;
    if (type === "0" || type === "1") {
      debug.addBreakpoint(id, linear(address), "linear");
      this.#points.set(key, { id, kind: "break", address });
    } else if (isWatch(type)) {
      const [name, access] = WATCH_KINDS[type];
      debug.addWatchpoint(id, { space: "linear", address: address as LinearAddress, length, access });
      this.#points.set(key, { id, kind: name, address });
    } else return "";
    return "OK";
  }

  #remove(text: string): string {
    const point = this.#points.get(text);
    if (point === undefined) return ERROR.invalid;
    this.#session.machine.debug.remove(point.id);
    this.#points.delete(text);
    return "OK";
  }

  // Threads and the rest

  /** Index of the CPU a thread id means; "0" and "-1" are any. Null: none. */
  #thread(text: string): number | null {
    if (text === "0" || text === "-1") return this.#current;
    const index = Number.parseInt(text, 16) - 1;
    return this.#cores[index] === undefined ? null : index;
  }

  #selectThread(purpose: string, text: string): string {
    const index = this.#thread(text);
    if (index === null) return ERROR.invalid;
    if (purpose === "c") this.#stepping = index;
    else this.#current = index;
    return "OK";
  }

  #verbose(data: string): string | null {
    if (data === "vCont?") return "vCont;c;C;s;S";
    if (data.startsWith("vCont;")) {
      // One CPU may step; the others take their turns meanwhile, whether the client would let them or not.
      const step = data
        .slice(6)
        .split(";")
        .find((action) => /^[sS]/.test(action));
      if (step === undefined) return this.#go("c", "");
      const index = this.#thread(step.split(":")[1] ?? "0");
      if (index === null) return ERROR.invalid;
      this.#stepping = index;
      return this.#go("s", "");
    }
    if (data.startsWith("vKill")) {
      this.#send("OK");
      this.#session.quit();
      return null;
    }
    return "";
  }

  #query(data: string): string {
    const [name = "", ...parameters] = data.split(/[:,;]/);
    const rest = data.slice(name.length + 1);
    switch (name) {
      case "qSupported":
        return `PacketSize=${PACKET_BYTES.toString(16)};qXfer:features:read+;vContSupported+;QStartNoAckMode+`;
      case "QStartNoAckMode":
        this.#acknowledges = false;
        return "OK";
      case "qXfer":
        return transfer(parameters, this.#core);
      case "qAttached":
        return "1";
      case "qC":
        return `QC${(this.#current + 1).toString(16)}`;
      case "qfThreadInfo":
        return `m${this.#cores.map((_, i) => (i + 1).toString(16)).join(",")}`;
      case "qsThreadInfo":
        return "l";
      case "qThreadExtraInfo": {
        const index = this.#thread(rest);
        if (index === null) return ERROR.invalid;
        const state = activityText(this.#cores[index]!).padEnd(7);
        return toHex(new TextEncoder().encode(`CPU#${index} [${state}]`));
      }
      case "qRcmd":
        return this.#command(rest);
      case "qqemu.PhyMemMode":
        return this.#space === "physical" ? "1" : "0";
      case "Qqemu.PhyMemMode":
        this.#space = rest === "1" ? "physical" : "linear";
        return "OK";
      default:
        return "";
    }
  }

  /** `monitor …` */
  #command(hex: string): string {
    const bytes = fromHex(hex);
    if (bytes === null) return ERROR.invalid;
    const { monitor } = this.#environment;
    let text: string;
    try {
      text = monitor.run(new TextDecoder().decode(bytes));
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
      text = `${error.message}\n`;
    }
    if (text !== "") this.#print(text);
    return "OK";
  }
}

/** What a client is told in words at a stop that ends a run. */
export const describeStop = (stop: Stop): string =>
  stop.kind === "dead" || stop.kind === "unimplemented" || stop.kind === "out-of-memory"
    ? stopText(stop)
    : "";

function transfer(parameters: readonly string[], core: Core): string {
  const [object, verb, annex, offset = "", length = ""] = parameters;
  if (object !== "features" || verb !== "read") return "";
  if (annex !== "target.xml") return ERROR.missing;
  const text = targetDescription(core);
  const from = Number.parseInt(offset, 16);
  const piece = text.slice(from, from + Math.min(Number.parseInt(length, 16), PACKET_BYTES - 1));
  return `${from + piece.length < text.length ? "m" : "l"}${piece}`;
}

const isWatch = (type: string): type is keyof typeof WATCH_KINDS => Object.hasOwn(WATCH_KINDS, type);

const parseAddress = (text: string): bigint | null =>
  /^[0-9a-fA-F]{1,16}$/.test(text) ? BigInt(`0x${text}`) : null;

function parseRange(text: string): { readonly address: bigint; readonly length: number } | null {
  const [where = "", count = ""] = text.split(",");
  const address = parseAddress(where);
  const length = /^[0-9a-fA-F]{1,8}$/.test(count) ? Number.parseInt(count, 16) : null;
  return address === null || length === null ? null : { address, length };
}
