"""Stops a remote machine at places in turn, through gdb, and prints where gdb finds things on the stack: a line of JSON for each stop.

Used by `oracle.ts`, which sets SOCKET and PLACES in the environment.
"""

import json
import os
import re

import gdb


def addresses(frame):
    """Addresses of the frame's variables that have one, those of inner blocks first."""
    try:
        block = frame.block()
    except RuntimeError:
        return {}
    found = {}
    while block is not None:
        for symbol in block:
            if not (symbol.is_argument or symbol.is_variable) or symbol.name in found:
                continue
            try:
                value = symbol.value(frame)
                found[symbol.name] = None if value.is_optimized_out or value.address is None else str(int(value.address))
            except (gdb.MemoryError, gdb.error):
                found[symbol.name] = None
        if block.function is not None:
            break
        block = block.superblock
    return {name: address for name, address in found.items() if address is not None}


def frames():
    frame = gdb.newest_frame()
    while frame is not None:
        if frame.type() != gdb.INLINE_FRAME:
            frame.select()
            text = gdb.execute("info frame", to_string=True)
            at = re.search(r"(?:frame at|at) (0x[0-9a-f]+)", text)
            saved = text.split("Saved registers:")[1] if "Saved registers:" in text else ""
            yield {
                "name": frame.name(),
                "cfa": str(int(at.group(1), 16)),
                "saved": {name: str(int(where, 16)) for name, where in re.findall(r"(\w+) at (0x[0-9a-f]+)", saved)},
                "variables": addresses(frame),
            }
        frame = frame.older()


def quietly(command):
    gdb.execute(command, to_string=True)


quietly("set pagination off")
quietly("set confirm off")
quietly("target remote " + os.environ["SOCKET"])
for place in json.loads(os.environ["PLACES"]):
    quietly("hbreak " + place)
    quietly("continue")
    gdb.newest_frame().select()
    print("STOP " + json.dumps({"pc": str(int(gdb.selected_frame().pc())), "frames": list(frames())}))
    quietly("delete")
quietly("disconnect")
