/**
 * Attribute forms: how the value of an attribute lies in a debugging entry (DWARF 5 §7.5.6).
 *
 * Reading gives a raw value whose meaning the form decides: strings and addresses that lie elsewhere stay the offset or index that
 * was written, so that an entry can be read before its unit's bases are known.
 * Elsewhere: resolving raw values (`entry.ts`).
 */
import type { Cursor } from "../reader.ts";
import { FORM } from "./constants.ts";

/** Sizes that depend on the unit. */
export interface Format {
  readonly version: number;
  /** 64-bit DWARF: offsets are 8 bytes. */
  readonly is64: boolean;
  readonly addressSize: number;
}

/** A constant of 8 bytes or a LEB128 is a bigint, smaller constants and offsets are numbers; blocks are bytes. */
export type RawValue = number | bigint | Uint8Array;

export function readForm(cursor: Cursor, form: number, format: Format, implicit: bigint): RawValue {
  switch (form) {
    case FORM.addr:
      return cursor.unsigned(format.addressSize);
    case FORM.data1:
    case FORM.ref1:
    case FORM.flag:
    case FORM.strx1:
    case FORM.addrx1:
      return cursor.u8();
    case FORM.data2:
    case FORM.ref2:
    case FORM.strx2:
    case FORM.addrx2:
      return cursor.u16();
    case FORM.strx3:
    case FORM.addrx3:
      return cursor.u24();
    case FORM.data4:
    case FORM.ref4:
    case FORM.ref_sup4:
    case FORM.strx4:
    case FORM.addrx4:
      return cursor.u32();
    case FORM.data8:
    case FORM.ref_sig8:
      return cursor.u64();
    case FORM.ref8:
    case FORM.ref_sup8:
      return cursor.u64Offset();
    case FORM.data16:
      return cursor.bytes(16);
    case FORM.sdata:
      return cursor.sleb64();
    case FORM.udata:
      return cursor.uleb64();
    case FORM.ref_udata:
    case FORM.strx:
    case FORM.addrx:
    case FORM.loclistx:
    case FORM.rnglistx:
    case FORM.GNU_addr_index:
    case FORM.GNU_str_index:
      return cursor.uleb();
    case FORM.strp:
    case FORM.line_strp:
    case FORM.sec_offset:
    case FORM.strp_sup:
    case FORM.GNU_ref_alt:
    case FORM.GNU_strp_alt:
      return cursor.offset(format.is64);
    case FORM.ref_addr:
      // DWARF 2 made it as wide as an address.
      return format.version <= 2 && format.addressSize === 8
        ? cursor.u64Offset()
        : cursor.offset(format.is64 && format.version > 2);
    case FORM.string: {
      const position = cursor.position;
      cursor.skipString();
      return position;
    }
    case FORM.block1:
      return cursor.bytes(cursor.u8());
    case FORM.block2:
      return cursor.bytes(cursor.u16());
    case FORM.block4:
      return cursor.bytes(cursor.u32());
    case FORM.block:
    case FORM.exprloc:
      return cursor.bytes(cursor.uleb());
    case FORM.flag_present:
      return 1;
    case FORM.implicit_const:
      return implicit;
    default:
      throw cursor.error(`attribute form 0x${form.toString(16)} is not known`);
  }
}

/** Size of a form if every value of it has the same, else -1. */
export function fixedSize(form: number, format: Format): number {
  switch (form) {
    case FORM.flag_present:
    case FORM.implicit_const:
      return 0;
    case FORM.data1:
    case FORM.ref1:
    case FORM.flag:
    case FORM.strx1:
    case FORM.addrx1:
      return 1;
    case FORM.data2:
    case FORM.ref2:
    case FORM.strx2:
    case FORM.addrx2:
      return 2;
    case FORM.strx3:
    case FORM.addrx3:
      return 3;
    case FORM.data4:
    case FORM.ref4:
    case FORM.ref_sup4:
    case FORM.strx4:
    case FORM.addrx4:
      return 4;
    case FORM.data8:
    case FORM.ref_sig8:
    case FORM.ref8:
    case FORM.ref_sup8:
      return 8;
    case FORM.data16:
      return 16;
    case FORM.addr:
      return format.addressSize;
    case FORM.strp:
    case FORM.line_strp:
    case FORM.sec_offset:
    case FORM.strp_sup:
    case FORM.GNU_ref_alt:
    case FORM.GNU_strp_alt:
      return format.is64 ? 8 : 4;
    case FORM.ref_addr:
      return format.version <= 2 ? format.addressSize : format.is64 ? 8 : 4;
    default:
      return -1;
  }
}

export function skipForm(cursor: Cursor, form: number, format: Format): void {
  switch (form) {
    case FORM.sdata:
    case FORM.udata:
    case FORM.ref_udata:
    case FORM.strx:
    case FORM.addrx:
    case FORM.loclistx:
    case FORM.rnglistx:
    case FORM.GNU_addr_index:
    case FORM.GNU_str_index:
      cursor.skipLeb();
      return;
    case FORM.string:
      cursor.skipString();
      return;
    case FORM.block1:
      cursor.skip(cursor.u8());
      return;
    case FORM.block2:
      cursor.skip(cursor.u16());
      return;
    case FORM.block4:
      cursor.skip(cursor.u32());
      return;
    case FORM.block:
    case FORM.exprloc:
      cursor.skip(cursor.uleb());
      return;
    case FORM.indirect: {
      const actual = cursor.uleb();
      if (actual === FORM.indirect) throw cursor.error("an indirect form is indirect");
      skipForm(cursor, actual, format);
      return;
    }
    default: {
      const size = fixedSize(form, format);
      if (size < 0) throw cursor.error(`attribute form 0x${form.toString(16)} is not known`);
      cursor.skip(size);
    }
  }
}
