/** What the keyboard controller sees of a device on one of its two PS/2 connectors. */
export interface Ps2Device {
  /** The device has a byte for the controller. */
  readonly hasByte: boolean;
  /** Takes that byte. */
  take(): number;
  /** A byte from the controller. */
  send(byte: number): void;
  onData: () => void;
}
