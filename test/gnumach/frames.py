"""Stops a remote machine at places in turn, through gdb, and prints what gdb shows there: a line of JSON for each.

Used by `oracle.ts`, which sets SOCKET and PLACES in the environment.
"""

import json
import os

import gdb


def shown(frame, symbol):
    """A number as text, "optimized out", or None for what has no single number (structures, arrays)."""
    try:
        value = symbol.value(frame)
        if value.is_optimized_out:
            return "optimized out"
        if value.type.strip_typedefs().code in NUMBERS:
            return str(int(value))
        return None
    except gdb.MemoryError:
        return "unreadable"


NUMBERS = (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_ENUM, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_CHAR)


def variables(frame):
    try:
        block = frame.block()
    except RuntimeError:
        return {}
    found = {}
    while block is not None:
        for symbol in block:
            if (symbol.is_argument or symbol.is_variable) and symbol.name not in found:
                found[symbol.name] = shown(frame, symbol)
        if block.function is not None:
            break
        block = block.superblock
    return found


def frames():
    frame = gdb.newest_frame()
    while frame is not None:
        place = frame.find_sal()
        yield {
            "name": frame.name(),
            "file": place.symtab.filename if place.symtab else None,
            "line": place.line,
            "isInlined": frame.type() == gdb.INLINE_FRAME,
            "variables": variables(frame),
        }
        frame = frame.older()


def quietly(command):
    gdb.execute(command, to_string=True)


quietly("set pagination off")
quietly("set confirm off")
quietly("target remote " + os.environ["SOCKET"])
for place in json.loads(os.environ["PLACES"]):
    quietly("break " + place)
    quietly("continue")
    print("STOP " + json.dumps({"pc": int(gdb.selected_frame().pc()), "frames": list(frames())}))
    quietly("delete")
quietly("disconnect")
