/**
 * A call of a BIOS service as the service sees it: the caller's registers, its memory, and the flags that it gets back.
 *
 * Invariant: the caller's flags lie on its stack, where INT has put them (or PUSHF before a far call); what a service says in CF and ZF goes there.
 * Memory is reached by linear address through the caller's paging, if it has any (virtual-8086 mode); what is not mapped reads as zeros and takes nothing.
 */
import { CR0, type Core, FLAG } from "../../cpu/core.ts";
import { SEG, type SegmentNumber } from "../../cpu/layout.ts";
import type { GuestMemory, PortBus } from "../../memory/guest-memory.ts";
import { type PhysicalAddress, physical } from "../../numbers.ts";
import { BIOS_SEGMENT, waitAWhile, waitForInterrupt } from "./rom.ts";

const AX = 0;
const CX = 1;
const DX = 2;
const BX = 3;
const SP = 4;
const BP = 5;
const SI = 6;
const DI = 7;
/** IP, CS and FLAGS are what INT pushes. */
const FLAGS_AT = 4;

export class Call {
  readonly core: Core;
  readonly ports: PortBus;
  readonly #guest: GuestMemory;

  constructor(core: Core) {
    this.core = core;
    this.ports = core.ports;
    this.#guest = core.guest;
  }

  get ax(): number {
    return this.core.gpr16(AX);
  }
  set ax(value: number) {
    this.core.setGpr16(AX, value);
  }
  get bx(): number {
    return this.core.gpr16(BX);
  }
  set bx(value: number) {
    this.core.setGpr16(BX, value);
  }
  get cx(): number {
    return this.core.gpr16(CX);
  }
  set cx(value: number) {
    this.core.setGpr16(CX, value);
  }
  get dx(): number {
    return this.core.gpr16(DX);
  }
  set dx(value: number) {
    this.core.setGpr16(DX, value);
  }
  get si(): number {
    return this.core.gpr16(SI);
  }
  set si(value: number) {
    this.core.setGpr16(SI, value);
  }
  get di(): number {
    return this.core.gpr16(DI);
  }
  set di(value: number) {
    this.core.setGpr16(DI, value);
  }
  get bp(): number {
    return this.core.gpr16(BP);
  }
  set bp(value: number) {
    this.core.setGpr16(BP, value);
  }
  get al(): number {
    return this.ax & 0xff;
  }
  set al(value: number) {
    this.ax = (this.ax & 0xff00) | (value & 0xff);
  }
  get ah(): number {
    return this.ax >> 8;
  }
  set ah(value: number) {
    this.ax = (this.ax & 0xff) | ((value & 0xff) << 8);
  }
  get bl(): number {
    return this.bx & 0xff;
  }
  set bl(value: number) {
    this.bx = (this.bx & 0xff00) | (value & 0xff);
  }
  get bh(): number {
    return this.bx >> 8;
  }
  set bh(value: number) {
    this.bx = (this.bx & 0xff) | ((value & 0xff) << 8);
  }
  get cl(): number {
    return this.cx & 0xff;
  }
  set cl(value: number) {
    this.cx = (this.cx & 0xff00) | (value & 0xff);
  }
  get ch(): number {
    return this.cx >> 8;
  }
  set ch(value: number) {
    this.cx = (this.cx & 0xff) | ((value & 0xff) << 8);
  }
  get dl(): number {
    return this.dx & 0xff;
  }
  set dl(value: number) {
    this.dx = (this.dx & 0xff00) | (value & 0xff);
  }
  get dh(): number {
    return this.dx >> 8;
  }
  set dh(value: number) {
    this.dx = (this.dx & 0xff) | ((value & 0xff) << 8);
  }

  /** 32-bit registers keep the rule that their upper halves are otherwise the caller's. */
  get eax(): number {
    return this.core.gpr32(AX);
  }
  set eax(value: number) {
    this.core.setGpr32(AX, value);
  }
  get ebx(): number {
    return this.core.gpr32(BX);
  }
  set ebx(value: number) {
    this.core.setGpr32(BX, value);
  }
  get ecx(): number {
    return this.core.gpr32(CX);
  }
  set ecx(value: number) {
    this.core.setGpr32(CX, value);
  }
  get edx(): number {
    return this.core.gpr32(DX);
  }
  set edx(value: number) {
    this.core.setGpr32(DX, value);
  }
  set edi(value: number) {
    this.core.setGpr32(DI, value);
  }

  // --- flags and where it goes on ---------------------------------------------------------------------------------------------------------

  set carry(value: boolean) {
    this.#setFlag(FLAG.CF, value);
  }
  set zero(value: boolean) {
    this.#setFlag(FLAG.ZF, value);
  }
  #setFlag(bit: number, value: boolean): void {
    const at = this.#stack(FLAGS_AT);
    const flags = this.read(at, 2);
    this.write(at, 2, value ? flags | bit : flags & ~bit);
  }
  #stack(offset: number): number {
    return this.linear(SEG.ss, this.core.gpr16(SP) + offset);
  }

  /** Continues at another address of segment F000 instead of behind the stub's OUT. */
  continueAt(offset: number): void {
    this.core.rip = BigInt(offset);
  }
  /** The service cannot be given yet: asks again after the next interrupt. */
  waitForInterrupt(): void {
    this.continueAt(waitForInterrupt(Number(this.core.rip)));
  }
  /** The same for what no interrupt announces: asks again after some thousand instructions. */
  waitAWhile(): void {
    this.continueAt(waitAWhile(Number(this.core.rip)));
  }

  push(value: number): void {
    this.core.setGpr16(SP, this.core.gpr16(SP) - 2);
    this.write(this.#stack(0), 2, value);
  }
  /** A far call to real-mode code, which returns to `returnTo` in segment F000. */
  callFar(segment: number, offset: number, returnTo: number): void {
    this.push(BIOS_SEGMENT);
    this.push(returnTo);
    this.jumpFar(segment, offset);
  }
  jumpFar(segment: number, offset: number): void {
    this.loadSegment(SEG.cs, segment);
    this.core.rip = BigInt(offset);
  }
  /** Loads a segment register as real and virtual-8086 mode do. */
  loadSegment(register: SegmentNumber, selector: number): void {
    this.core.setSegment(register, {
      ...this.core.segment(register),
      selector,
      base: BigInt(selector * 16),
    });
  }
  setStack(segment: number, pointer: number): void {
    this.loadSegment(SEG.ss, segment);
    this.core.setGpr16(SP, pointer);
  }

  // --- memory -------------------------------------------------------------------------------------------------------------------------------

  /** Linear address of an offset, of which 16 bits count. */
  linear(segment: SegmentNumber, offset: number): number {
    return Number((this.core.segmentBase(segment) + BigInt(offset & 0xffff)) & 0xffffffffn);
  }
  read(linear: number, size: 1 | 2 | 4): number {
    const bytes = this.readBytes(linear, size);
    let value = 0;
    for (let n = size - 1; n >= 0; n--) value = value * 256 + bytes[n]!;
    return value;
  }
  write(linear: number, size: 1 | 2 | 4, value: number): void {
    this.writeBytes(
      linear,
      Uint8Array.from({ length: size }, (_, n) => (value >>> (8 * n)) & 0xff),
    );
  }
  readBytes(linear: number, length: number): Uint8Array {
    if (!this.#paged) return this.#guest.readBytes(physical(linear), length);
    const bytes = new Uint8Array(length);
    this.#pages(linear, length, (at, from, size) => bytes.set(this.#guest.readBytes(at, size), from));
    return bytes;
  }
  writeBytes(linear: number, bytes: Uint8Array): void {
    if (!this.#paged) this.#guest.writeBytes(physical(linear), bytes);
    else
      this.#pages(linear, bytes.length, (at, from, size) =>
        this.#guest.writeBytes(at, bytes.subarray(from, from + size)),
      );
  }
  /** Memory by physical address, whatever the caller's paging (INT 15h AH=87h). */
  copyPhysical(from: number, to: number, length: number): void {
    this.#guest.writeBytes(physical(to), this.#guest.readBytes(physical(from), length));
  }

  get #paged(): boolean {
    return (this.core.cr0 & CR0.PG) !== 0;
  }
  #pages(
    linear: number,
    length: number,
    each: (at: PhysicalAddress, from: number, size: number) => void,
  ): void {
    for (let done = 0; done < length;) {
      const size = Math.min(length - done, 0x1000 - ((linear + done) & 0xfff));
      const at = this.core.translate(BigInt(linear + done));
      if (at !== null) each(at, done, size);
      done += size;
    }
  }

  /** The BIOS data area, by offset from 0040:0000. */
  data(offset: number, size: 1 | 2 | 4 = 1): number {
    return this.read(0x400 + offset, size);
  }
  setData(offset: number, value: number, size: 1 | 2 | 4 = 1): void {
    this.write(0x400 + offset, size, value);
  }

  in(port: number): number {
    return this.ports.readPort(port, 1);
  }
  out(port: number, value: number): void {
    this.ports.writePort(port, 1, value & 0xff);
  }
}
