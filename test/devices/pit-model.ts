/**
 * An i8254 channel that counts clock by clock, as the data sheet tells it: the reference for the emulator's, which works its state out. One object is
 * one channel; `clock` is one falling edge of CLK. Binary or BCD, full 16-bit counts (access 3).
 */
export class ReferenceChannel {
  mode = 0;
  bcd = false;
  gate = true;
  out = true;
  #register = 0;
  #loaded = false;
  #load = false;
  #trigger = false;
  #counting = false;
  #element = 0;
  #armed = false;
  #high = true;

  control(mode: number, bcd: boolean): void {
    this.mode = mode;
    this.bcd = bcd;
    this.out = mode !== 0;
    this.#loaded = this.#load = this.#trigger = this.#counting = this.#armed = false;
    this.#high = true;
  }

  /** Both bytes of a count, one after the other with no clock between. */
  count(value: number): void {
    this.#register = value || (this.bcd ? 10_000 : 0x10000);
    const first = !this.#loaded;
    this.#loaded = true;
    if (this.mode === 0 || this.mode === 4) {
      this.#load = true;
      if (this.mode === 0) this.out = false;
    } else if (first && (this.mode === 2 || this.mode === 3)) this.#load = true;
  }

  setGate(level: boolean): void {
    if (level && !this.gate) {
      if (this.mode === 1 || this.mode === 5) this.#trigger = this.#loaded;
      if ((this.mode === 2 || this.mode === 3) && this.#loaded) this.#load = true;
    }
    if (!level && (this.mode === 2 || this.mode === 3)) this.out = true;
    this.gate = level;
  }

  clock(): void {
    switch (this.mode) {
      case 0:
      case 4:
        if (this.#take()) {
          this.#armed = true;
          if (this.mode === 4) this.out = true;
          return;
        }
        if (this.mode === 4 && !this.out) this.out = true;
        if (!this.#counting || !this.gate) return;
        this.#down(1);
        if (this.#element === 0 && this.#armed) {
          this.#armed = false;
          this.out = this.mode === 0;
        }
        return;
      case 1:
      case 5:
        if (this.#trigger) {
          this.#trigger = false;
          this.#element = this.#register;
          this.#counting = this.#armed = true;
          this.out = this.mode === 5;
          return;
        }
        if (this.mode === 5 && !this.out) this.out = true;
        if (!this.#counting) return;
        this.#down(1);
        if (this.#element === 0 && this.#armed) {
          this.#armed = false;
          this.out = this.mode === 1;
        }
        return;
      case 2:
        if (this.#take()) {
          this.out = true;
          return;
        }
        if (!this.#counting || !this.gate) return;
        if (this.#element === 1) {
          this.#element = this.#register;
          this.out = true;
        } else {
          this.#element--;
          this.out = this.#element !== 1;
        }
        return;
      default:
        if (this.#take()) {
          this.out = this.#high = true;
          this.#left = (this.#register + 1) >> 1;
          return;
        }
        if (!this.#counting || !this.gate) return;
        if (--this.#left === 0) {
          this.#high = !this.#high;
          this.out = this.#high;
          this.#left = this.#high ? (this.#register + 1) >> 1 : this.#register >> 1;
        }
    }
  }
  #left = 0;

  #take(): boolean {
    if (!this.#load) return false;
    this.#load = false;
    this.#counting = true;
    this.#element = this.#register;
    return true;
  }

  #down(by: number): void {
    const modulus = this.bcd ? 10_000 : 0x10000;
    this.#element = (this.#element - by + modulus) % modulus;
  }

  /** What a read gives; only where it is defined (loaded, not mode 3). */
  get value(): number | null {
    if (!this.#counting || this.#load || this.#trigger || this.mode === 3) return null;
    return this.#element % (this.bcd ? 10_000 : 0x10000);
  }
}
