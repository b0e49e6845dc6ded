/**
 * The stacks of Linux's tasks, from its list of them, where the kernel's types are known: with a vmlinux that has debug information.
 *
 * Without it the stack in use is found by the pages around it, like any other: CONFIG_VMAP_STACK puts a guard page below each.
 */
import { evaluateText, toInteger, type Names } from "../expressions/index.ts";
import { littleEndian } from "../memory/space.ts";
import type { SymbolTable } from "../symbols/index.ts";
import type { Chain } from "./chain.ts";
import { frameNames } from "./names.ts";
import type { KnownStack } from "./stacks.ts";
import { quietly } from "./variables.ts";

const MOST_TASKS = 512;
const COMM_BYTES = 16;
/** THREAD_SIZE of x86-64 without KASAN (arch/x86/include/asm/page_64_types.h); where init_stack says otherwise it is that. */
const THREAD_BYTES = 16384n;

interface Layout {
  readonly tasks: bigint;
  readonly comm: bigint;
  readonly pid: bigint;
  readonly stack: bigint;
  readonly pointer: bigint;
}

export function linuxTasks(chain: Chain, table: SymbolTable): readonly KnownStack[] {
  const [init] = table.symbolsNamed("init_task");
  const stretch = chain.at(0);
  if (init === undefined || stretch === null || table.typeNamed("task_struct") === null) return [];
  const names = frameNames(stretch.frames[0]!, table);
  const layout = layoutOf(names);
  if (layout === null) return [];
  const read = (address: bigint, size: number): bigint | null => {
    const { bytes, why } = chain.space.readUpTo({ space: "linear", offset: address }, size);
    return why === null ? littleEndian(bytes) : null;
  };
  const [array] = table.symbolsNamed("init_stack");
  const size = array !== undefined && array.size > 0n ? array.size : THREAD_BYTES;
  const found: KnownStack[] = [];
  const first = init.address + layout.tasks;
  for (let node: bigint | null = first, n = 0; node !== null && n < MOST_TASKS; n++) {
    const task: bigint = node - layout.tasks;
    const low = read(task + layout.stack, 8);
    const pid = read(task + layout.pid, 4);
    if (low === null || pid === null) break;
    const { bytes } = chain.space.readUpTo({ space: "linear", offset: task + layout.comm }, COMM_BYTES);
    const end = bytes.indexOf(0);
    const comm = new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
    const pointer = read(task + layout.pointer, 8);
    if (low !== 0n)
      found.push({
        low,
        high: low + size,
        name: `${comm} (${pid})`,
        role: `kernel stack of task ${pid}`,
        pointer: pointer !== null && pointer >= low && pointer < low + size ? pointer : null,
      });
    node = read(node, 8);
    if (node === first) break;
  }
  return found;
}

function layoutOf(names: Names): Layout | null {
  const offset = (member: string): bigint | null =>
    quietly(() =>
      BigInt.asUintN(
        64,
        toInteger(evaluateText(`&((struct task_struct *)0)->${member}`, names, { assignments: false }).value),
      ),
    );
  const [tasks, comm, pid, stack, pointer] = ["tasks", "comm", "pid", "stack", "thread.sp"].map(offset);
  if (tasks == null || comm == null || pid == null || stack == null || pointer == null) return null;
  return { tasks, comm, pid, stack, pointer };
}
