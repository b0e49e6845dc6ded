/**
 * Configuration spaces of QEMU 7.2's `-machine pc,smm=off -m 128 -nic none -parallel none -serial null -serial null`, read through ports 0xcf8 and 0xcfc by the monitor's
 * `o` and `i` commands: with `-S`, so at power-on, and after SeaBIOS 1.16 has run. Lines that are all zero are left out.
 */

export interface QemuFunction {
  readonly device: number;
  readonly function: number;
  readonly powerOn: string;
  readonly handOver: string;
}

export const QEMU_FUNCTIONS: readonly QemuFunction[] = [
  {
    device: 0,
    function: 0,
    powerOn: `
      00: 86 80 37 12 00 00 00 00 02 00 00 06 00 00 00 00
      20: 00 00 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11
      50: 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 00
      70: 00 00 02 00 00 00 00 00 00 00 00 00 00 00 00 00`,
    handOver: `
      00: 86 80 37 12 03 01 00 00 02 00 00 06 00 00 00 00
      20: 00 00 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11
      50: 00 00 00 00 00 00 00 10 00 10 11 11 11 11 11 33
      70: 00 00 02 00 00 00 00 00 00 00 00 00 00 00 00 00`,
  },
  {
    device: 1,
    function: 0,
    powerOn: `
      00: 86 80 00 70 00 00 00 02 00 00 01 06 00 00 80 00
      20: 00 00 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11
      40: 00 00 00 00 00 00 00 00 00 00 00 00 4d 00 03 00
      60: 80 80 80 80 00 00 00 00 00 02 00 00 00 00 00 00
      70: 80 00 00 00 00 00 0c 0c 02 00 00 00 00 00 00 00
      a0: 08 00 00 00 00 00 00 00 0f 00 00 00 00 00 00 00`,
    handOver: `
      00: 86 80 00 70 03 01 00 02 00 00 01 06 00 00 80 00
      20: 00 00 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11
      40: 00 00 00 00 00 00 00 00 00 00 00 00 4d 00 03 00
      60: 0a 0a 0b 0b 00 00 00 00 00 02 00 00 00 00 00 00
      70: 80 00 00 00 00 00 0c 0c 02 00 00 00 00 00 00 00
      a0: 08 00 00 00 00 00 00 00 0f 00 00 00 00 00 00 00`,
  },
  {
    device: 1,
    function: 1,
    powerOn: `
      00: 86 80 10 70 00 00 80 02 00 80 01 01 00 00 00 00
      20: 01 00 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11`,
    handOver: `
      00: 86 80 10 70 03 01 80 02 00 80 01 01 00 00 00 00
      20: 01 c0 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11
      40: 00 80 00 80 00 00 00 00 00 00 00 00 00 00 00 00`,
  },
  {
    device: 1,
    function: 3,
    powerOn: `
      00: 86 80 13 71 00 00 80 02 03 00 80 06 00 00 00 00
      20: 00 00 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11
      30: 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00
      40: 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      50: 00 00 00 00 00 00 00 00 00 00 00 02 00 00 00 10
      60: 00 00 00 60 00 00 00 98 00 00 00 00 00 00 00 00
      90: 01 b1 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      d0: 00 00 09 00 00 00 00 00 00 00 00 00 00 00 00 00`,
    handOver: `
      00: 86 80 13 71 03 01 80 02 03 00 80 06 00 00 00 00
      20: 00 00 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11
      30: 00 00 00 00 00 00 00 00 00 00 00 00 09 01 00 00
      40: 01 06 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      50: 00 00 00 00 00 00 00 00 00 00 00 02 00 00 00 10
      60: 00 00 00 60 00 00 00 98 00 00 00 00 00 00 00 00
      80: 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      90: 01 07 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      d0: 00 00 09 00 00 00 00 00 00 00 00 00 00 00 00 00`,
  },
];

/** The 256 bytes that such a dump shows. */
export function configBytes(dump: string): Uint8Array {
  const bytes = new Uint8Array(256);
  for (const line of dump.trim().split("\n")) {
    const [offset, values] = line.trim().split(": ");
    bytes.set(
      values!.split(" ").map((value) => Number.parseInt(value, 16)),
      Number.parseInt(offset!, 16),
    );
  }
  return bytes;
}
