/** A small client of GDB's remote protocol, to ask our server and QEMU's the same. */
import { connect, type Socket } from "node:net";
import { packet, PacketReader, toHex } from "../../debug-adapter/gdb/packet.ts";

export class GdbClient {
  readonly #socket: Socket;
  readonly #reader = new PacketReader();
  readonly #packets: string[] = [];
  #arrived = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      for (const received of this.#reader.read(new Uint8Array(chunk))) {
        if (received.kind !== "packet") continue;
        socket.write("+");
        this.#packets.push(received.data);
        this.#arrived();
      }
    });
  }

  /** Tries again until somebody listens. @param place a port, or the path of a socket */
  static async connect(place: number | string): Promise<GdbClient> {
    for (let tries = 0; ; tries++) {
      try {
        const socket = await new Promise<Socket>((resolve, reject) => {
          const at = typeof place === "number" ? { port: place, host: "127.0.0.1" } : { path: place };
          // An acknowledgement and a packet are two writes; the second is not to wait until the first is acknowledged by TCP, which takes 40 ms.
          const attempt = connect({ ...at, noDelay: true }, () => resolve(attempt));
          attempt.on("error", reject);
        });
        return new GdbClient(socket);
      } catch (error) {
        if (tries >= 1200) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** The next packet from the server. */
  async receive(): Promise<string> {
    while (this.#packets.length === 0) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    return this.#packets.shift()!;
  }

  async ask(data: string): Promise<string> {
    this.send(data);
    return this.receive();
  }
  send(data: string): void {
    this.#socket.write(packet(data));
  }
  raw(bytes: readonly number[]): void {
    this.#socket.write(Uint8Array.from(bytes));
  }
  /** `monitor …`: the text it prints. */
  async monitor(line: string): Promise<string> {
    let text = "";
    let reply = await this.ask(`qRcmd,${toHex(new TextEncoder().encode(line))}`);
    while (reply.startsWith("O") && reply !== "OK") {
      text += Buffer.from(reply.slice(1), "hex").toString();
      reply = await this.receive();
    }
    return reply === "OK" ? text : reply;
  }
  close(): void {
    this.#socket.destroy();
  }
}
