# Run by GDB: stops at the places named in $STOPS, and at each prints one JSON line with everything a debugger's own unwinder and
# variable reader needs (registers, stack, data) and everything GDB makes of it (frames, variables, types, bytes).
import json
import os

import gdb

WIDE = ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip"]
NARROW = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip"]


def registers(frame, names):
    values = {}
    for number, name in enumerate(names):
        try:
            value = frame.read_register(name)
            if not value.is_optimized_out:
                mask = (1 << (64 if names is WIDE else 32)) - 1
                values[number] = str(int(value.cast(gdb.lookup_type("long"))) & mask)
        except gdb.error:
            pass
    if names is WIDE:
        for number in range(16):
            try:
                value = frame.read_register("xmm%d" % number)
                if not value.is_optimized_out:
                    values[17 + number] = str(int(value["uint128"]))
            except gdb.error:
                pass
    return values


def bytes_of(value):
    if value.is_optimized_out:
        return None
    size = value.type.sizeof
    if value.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        return int(value.referenced_value().address).to_bytes(size, "little").hex()
    if value.address is not None:
        return bytes(gdb.selected_inferior().read_memory(value.address, size)).hex()
    kind = value.type.strip_typedefs().code
    if kind in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_ENUM, gdb.TYPE_CODE_CHAR):
        return (int(value) & ((1 << (8 * size)) - 1)).to_bytes(size, "little").hex()
    return "?"


def variables(frame):
    found = []
    block = frame.block()
    while block is not None and not block.is_static and not block.is_global:
        for symbol in block:
            if not (symbol.is_variable or symbol.is_argument):
                continue
            try:
                value = symbol.value(frame)
                found.append([symbol.name, str(symbol.type), bytes_of(value)])
            except (gdb.error, ValueError):
                found.append([symbol.name, str(symbol.type), "?"])
        if block.function is not None:
            break
        block = block.superblock
    return found


def frames(names):
    result = []
    frame = gdb.newest_frame()
    while frame is not None and len(result) < 20:
        line = frame.find_sal()
        result.append(
            {
                "pc": str(frame.pc()),
                "name": frame.name(),
                "isInlined": frame.type() == gdb.INLINE_FRAME,
                "line": line.line if line.symtab else None,
                "registers": registers(frame, names),
                "variables": variables(frame) if frame.function() else [],
            }
        )
        if frame.name() == "main":
            break
        frame = frame.older()
    return result


def memory(stack):
    """What is mapped of a stretch, page by page: a stack may end anywhere above, depending on how large the environment is."""
    inferior = gdb.selected_inferior()
    segments = []
    for low, size in [(stack - 512, 24576)] + DATA:
        read = b""
        while len(read) < size:
            at = low + len(read)
            try:
                read += bytes(inferior.read_memory(at, min(4096 - at % 4096, size - len(read))))
            except gdb.MemoryError:
                break
        if read:
            segments.append([str(low), read.hex()])
    return segments


DATA = [tuple(int(x, 16) for x in pair.split(":")) for pair in os.environ["DATA"].split(",")]
gdb.execute("set confirm off")
gdb.execute("set pagination off")
gdb.execute("set disable-randomization on")
gdb.execute("set breakpoint pending on")
for stop in os.environ["STOPS"].split(";"):
    gdb.Breakpoint(stop)
gdb.execute("run >/dev/null", to_string=True)
for _ in range(int(os.environ.get("COUNT", "12"))):
    if gdb.selected_inferior().pid == 0:
        break
    names = WIDE if gdb.newest_frame().architecture().name() == "i386:x86-64" else NARROW
    stack = int(gdb.newest_frame().read_register("rsp" if names is WIDE else "esp"))
    stack &= 0xFFFFFFFFFFFFFFFF if names is WIDE else 0xFFFFFFFF
    print("STOP " + json.dumps({"frames": frames(names), "memory": memory(stack)}))
    gdb.execute(os.environ.get("STEP", "continue"), to_string=True)
