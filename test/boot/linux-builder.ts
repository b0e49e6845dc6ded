/** Small bzImage files made to measure, right by default and wrong where a test wants it. */
export interface BzImageSpec {
  readonly version?: number;
  readonly bootFlag?: number;
  readonly setupSects?: number;
  readonly loadflags?: number;
  readonly xloadflags?: number;
  readonly relocatable?: boolean;
  readonly prefAddress?: number;
  readonly initSize?: number;
  readonly initrdMax?: number;
  readonly commandLineSize?: number;
  /** Protected-mode code: HLT unless given. */
  readonly code?: Uint8Array;
}

export const KERNEL_BYTES = 0x1000;

export function bzImage(spec: BzImageSpec = {}): Uint8Array {
  const setupSects = spec.setupSects ?? 4;
  const code = spec.code ?? new Uint8Array(KERNEL_BYTES).fill(0xf4);
  const file = new Uint8Array((setupSects + 1) * 512 + code.length);
  file.set(code, (setupSects + 1) * 512);
  const view = new DataView(file.buffer);
  view.setUint8(0x1f1, setupSects);
  view.setUint32(0x1f4, Math.ceil(code.length / 16), true);
  view.setUint16(0x1fa, 0xffff, true);
  view.setUint16(0x1fe, spec.bootFlag ?? 0xaa55, true);
  view.setUint16(0x200, 0x6aeb, true); // jmp short: the header ends at 0x26c
  view.setUint32(0x202, 0x53726448, true);
  view.setUint16(0x206, spec.version ?? 0x20f, true);
  view.setUint8(0x211, spec.loadflags ?? 1);
  view.setUint32(0x214, 0x100000, true);
  view.setUint32(0x22c, spec.initrdMax ?? 0x7fffffff, true);
  view.setUint32(0x230, 0x200000, true);
  view.setUint8(0x234, spec.relocatable === false ? 0 : 1);
  view.setUint16(0x236, spec.xloadflags ?? 3, true);
  view.setUint32(0x238, spec.commandLineSize ?? 2047, true);
  view.setBigUint64(0x258, BigInt(spec.prefAddress ?? 0x1000000), true);
  view.setUint32(0x260, spec.initSize ?? 0x800000, true);
  return file;
}
