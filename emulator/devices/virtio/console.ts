/**
 * virtio-console (virtio 1.1 §5.3), QEMU's `virtio-serial-pci` with `virtconsole` ports: byte streams without a line's speed or signals.
 *
 *     queues: 0 and 1 receive and transmit of port 0; with more ports than one: 2 and 3 control, then a pair for each port from 1 on
 *     control message: +0 port (32 bits)   +4 event (16 bits)   +6 value (16 bits)
 *
 * Bytes from outside wait in `incoming` until the driver has given a buffer for them. Elsewhere: what a byte written becomes (`Machine.onOutput`).
 */
import { assert } from "../../assert.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { PlainData } from "../device.ts";
import type { VirtioDevice } from "./device.ts";
import { byteCount, type Chain, gather, RingError, scatter } from "./virtqueue.ts";

const FEATURE = { size: 0, multiport: 1, emergencyWrite: 2 } as const;
const EVENT = { deviceReady: 0, portAdd: 1, portReady: 3, consolePort: 4, portOpen: 6 } as const;
const CONTROL_RECEIVE = 2;
const CONTROL_TRANSMIT = 3;
const MESSAGE_BYTES = 8;
const CONFIG_BYTES = 12;
const EMERGENCY_OFFSET = 8;
const COLUMNS = 80;
const ROWS = 25;
const QUEUE_SIZE = 128;
const MAXIMUM_TRANSFER = 2 ** 24;
const DELAY_NANOSECONDS = 1000;
/** As many as the bus of QEMU's device takes. */
const MAXIMUM_PORTS = 31;

type State = { incoming: number[][]; control: { port: number; event: number; value: number }[] };

export class VirtioConsole implements VirtioDevice {
  readonly name = "virtio-serial";
  readonly type = 3;
  readonly classCode = 0x078000;
  readonly features: readonly number[];
  readonly queueSizes: readonly number[];
  readonly delay = DELAY_NANOSECONDS;
  readonly config = new Uint8Array(CONFIG_BYTES);
  /** A queue has something for the driver now; set by whoever puts the device on a bus. */
  wake: (queue: number) => void = () => {};
  readonly #ports: number;
  readonly #send: (port: number, byte: number) => void;
  #state: State;

  /** @param send receives each byte the guest writes to a port */
  constructor(ports: number, send: (port: number, byte: number) => void) {
    assert(ports >= 1 && ports <= MAXIMUM_PORTS, "virtio console ports", ports);
    this.#ports = ports;
    this.#send = send;
    const common = [FEATURE.size, FEATURE.emergencyWrite];
    this.features = ports > 1 ? [...common, FEATURE.multiport] : common;
    this.queueSizes = Array.from({ length: ports > 1 ? 2 * ports + 2 : 2 }, () => QUEUE_SIZE);
    const view = new DataView(this.config.buffer);
    view.setUint16(0, COLUMNS, true);
    view.setUint16(2, ROWS, true);
    view.setUint32(4, ports, true);
    this.#state = { incoming: Array.from({ length: ports }, () => []), control: [] };
  }

  /** Bytes from outside. */
  receive(port: number, bytes: Uint8Array): void {
    const incoming = this.#state.incoming[port];
    assert(incoming !== undefined, "virtio console port", port);
    for (const byte of bytes) incoming.push(byte);
    this.wake(port === 0 ? 0 : 2 * port + 2);
  }

  writeConfig(offset: number, value: number): void {
    if (offset === EMERGENCY_OFFSET) this.#send(0, value);
  }

  handle(queue: number, chain: Chain, memory: GuestMemory): number | "later" {
    if (byteCount(chain.readable) > MAXIMUM_TRANSFER)
      throw new RingError(`more than ${MAXIMUM_TRANSFER} bytes for a console at once`);
    if (queue === CONTROL_RECEIVE) return this.#giveControl(chain, memory);
    if (queue === CONTROL_TRANSMIT) return this.#takeControl(chain, memory);
    const port = queue < CONTROL_RECEIVE ? 0 : (queue - 2) >> 1;
    if (queue % 2 === 0) return this.#giveBytes(this.#state.incoming[port]!, chain, memory);
    for (const byte of gather(memory, chain.readable, 0, byteCount(chain.readable))) this.#send(port, byte);
    return 0;
  }

  /** What was typed is on the cable still. */
  reset(): void {
    this.#state.control = [];
  }

  save(): PlainData {
    const { incoming, control } = this.#state;
    return {
      incoming: incoming.map((bytes) => Uint8Array.from(bytes)),
      control: control.map((message) => ({ ...message })),
    };
  }
  load(state: PlainData): void {
    const { incoming, control } = state as { incoming: Uint8Array[]; control: State["control"] };
    this.#state = {
      incoming: incoming.map((bytes) => [...bytes]),
      control: control.map((message) => ({ ...message })),
    };
  }

  #giveBytes(incoming: number[], chain: Chain, memory: GuestMemory): number | "later" {
    if (incoming.length === 0) return "later";
    const bytes = Uint8Array.from(incoming.splice(0, byteCount(chain.writable)));
    scatter(memory, chain.writable, 0, bytes);
    return bytes.length;
  }

  #giveControl(chain: Chain, memory: GuestMemory): number | "later" {
    const message = this.#state.control.shift();
    if (message === undefined) return "later";
    if (byteCount(chain.writable) < MESSAGE_BYTES)
      throw new RingError("too small a buffer for a control message");
    const bytes = new Uint8Array(MESSAGE_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, message.port, true);
    view.setUint16(4, message.event, true);
    view.setUint16(6, message.value, true);
    scatter(memory, chain.writable, 0, bytes);
    return MESSAGE_BYTES;
  }

  #takeControl(chain: Chain, memory: GuestMemory): number {
    if (byteCount(chain.readable) < MESSAGE_BYTES) return 0;
    const view = new DataView(gather(memory, chain.readable, 0, MESSAGE_BYTES).buffer);
    const port = view.getUint32(0, true);
    const event = view.getUint16(4, true);
    const value = view.getUint16(6, true);
    const answer = (to: number, what: number): void =>
      void this.#state.control.push({ port: to, event: what, value: 1 });
    if (event === EVENT.deviceReady && value === 1) {
      for (let n = 0; n < this.#ports; n++) answer(n, EVENT.portAdd);
    } else if (event === EVENT.portReady && value === 1 && port < this.#ports) {
      answer(port, EVENT.consolePort);
      answer(port, EVENT.portOpen);
    }
    if (this.#state.control.length > 0) this.wake(CONTROL_RECEIVE);
    return 0;
  }
}
