/** Requests of the RAM Layout panel (`redzone/ramLayout…`). They may be asked while the machine runs, between two slices. */
import { PHYSICAL_BITS, type Machine, type MemoryRegion, type RamBlock } from "../../emulator/index.ts";
import type {
  CandidateBody,
  DirtyArguments,
  DirtyControlArguments,
  MomentsBody,
  WhyBody,
} from "../../media/protocol.ts";
import { malformedRequest } from "../errors.ts";
import {
  blockBodies,
  blockRegion,
  convert,
  hex,
  linearAddresses,
  MAPS,
  memoryDevices,
  memoryRanges,
  rangeBody,
  regionKind,
  regionsBody,
  resolve,
  runs,
  type Backing,
  type Candidate,
} from "../layout/index.ts";
import type { State } from "./state.ts";
import type { Handlers } from "./table.ts";

const MOST_CELLS = 65_536;

export function layout(state: State): Handlers {
  const moments = (): MomentsBody => {
    const { maps } = state.launched().observation;
    return {
      moments: maps.moments,
      maps: MAPS.map((map) => ({ map, enabled: maps.isEnabled(map), since: maps.since(map) })),
    };
  };

  return {
    "redzone/ramLayout"() {
      const { machine } = state.launched();
      const ranges = memoryRanges(machine);
      const above4G = ranges
        .filter(
          ({ start, block }) =>
            block === (machine.config.ramBackend ?? "pc.ram") && BigInt(start) >= 1n << 32n,
        )
        .reduce((bytes, { size }) => bytes + BigInt(size), 0n);
      const ramBytes = BigInt(machine.config.ramBytes);
      return {
        blocks: blockBodies(machine, ranges, (block) => backing(machine, block)),
        ranges,
        ramBytes: hex(ramBytes),
        below4G: hex(ramBytes - above4G),
        above4G: hex(above4G),
        addressBits: PHYSICAL_BITS,
      };
    },
    "redzone/ramLayoutDevices": () => memoryDevices(state.launched().machine),
    "redzone/ramLayoutRegions"() {
      const { memory } = state.launched().machine;
      return regionsBody(memory.addressSpaces);
    },
    "redzone/ramLayoutWhy"({ space, address }) {
      const { addressSpaces } = state.launched().machine;
      const at = Number(address);
      if (!Number.isSafeInteger(at) || at < 0)
        throw malformedRequest("redzone/ramLayoutWhy", `"${address}" is not an address of 52 bits`);
      const chosen = space === "io" ? addressSpaces.io : addressSpaces.memory;
      const { candidates, winner } = resolve(chosen.root, at);
      const range = chosen.find(at);
      return {
        space,
        address: hex(at),
        summary: summary(space, at, winner, chosen.root),
        candidates: candidates.map(candidateBody),
        range: range === null ? null : rangeBody(range, chosen.root),
      } satisfies WhyBody;
    },
    "redzone/ramLayoutConvert"({ text }) {
      const { focus } = state;
      return convert(
        {
          machine: state.launched().machine,
          space: state.launched().space(focus),
          linearAddresses: linearAddresses(state.launched().pageTables, focus, state.isRunning),
          names: state.isRunning ? state.namesNow(focus) : state.names(state.topFrame(focus)),
        },
        text,
      );
    },
    "redzone/ramLayoutDirty"(given) {
      const { machine, observation } = state.launched();
      const { maps } = observation;
      const block = machine.memory.ramList.find(given.block);
      if (block === undefined)
        throw malformedRequest("redzone/ramLayoutDirty", `there is no RAMBlock "${given.block}"`);
      if (given.map !== "changed" && !MAPS.includes(given.map))
        throw malformedRequest("redzone/ramLayoutDirty", `there is no map "${String(given.map)}"`);
      const cells = cellsOf(given, block);
      const moment =
        (given.moment === undefined ? null : maps.moment(given.moment)) ?? maps.before(state.isRunning);
      const { counts, code, enabled, since } = maps.count(given.map, block, cells, moment);
      return {
        map: given.map,
        block: block.idstr,
        enabled,
        since,
        ...cells,
        runs: runs(counts),
        dirtyPages: sum(counts),
        code: code === null ? null : runs(code),
        codePages: code === null ? 0 : sum(code),
      };
    },
    "redzone/ramLayoutDirtyControl"({ map, action }: DirtyControlArguments) {
      if (!MAPS.includes(map) || !["enable", "disable", "clear"].includes(action))
        throw malformedRequest("redzone/ramLayoutDirtyControl", `there is no "${action}" of a map "${map}"`);
      state.launched().observation.maps.control(map, action);
      return moments();
    },
    "redzone/ramLayoutMoments": () => moments(),
    "redzone/ramLayoutMark"({ name }) {
      state.launched().observation.maps.mark(name);
      return moments();
    },
  };
}

/** Cells of a power of two of pages, as many as were asked for at most. */
function cellsOf(given: DirtyArguments, block: RamBlock) {
  const first = Math.max(0, Math.min(Math.trunc(given.first ?? 0), block.pageCount - 1));
  const count = Math.max(1, Math.min(Math.trunc(given.count ?? block.pageCount), block.pageCount - first));
  const most = Math.max(1, Math.min(Math.trunc(given.cells), MOST_CELLS));
  let pagesPerCell = 1;
  while (Math.ceil(count / pagesPerCell) > most) pagesPerCell *= 2;
  return { first, count, pagesPerCell };
}

const sum = (counts: Uint32Array): number => counts.reduce((total, pages) => total + pages, 0);

const candidateBody = ({ region, start, end, depth, verdict, why }: Candidate): CandidateBody => ({
  name: region.name,
  kind: regionKind(region),
  start: hex(start),
  end: hex(BigInt(end) - 1n),
  priority: region.priority,
  depth,
  verdict,
  why,
});

function summary(space: "physical" | "io", at: number, winner: Candidate | null, root: MemoryRegion): string {
  if (winner === null)
    return `Nobody answers at ${hex(at)}: a read gives all ones, and what is written is lost.`;
  const { region, base } = winner;
  const offset = hex(at - base);
  if (space === "io" && region === root)
    return `No device has port ${hex(at)}: it reads all ones, and what is written is lost.`;
  const { block } = region;
  if (block === null) return `Registers of "${region.name}" answer, at offset ${offset}.`;
  const ram = hex(block.offset + at - base);
  const readonly = isReadonly(winner) ? " What is written is lost: the way there is read-only." : "";
  return `"${region.name}" answers with byte ${offset} of RAMBlock "${block.idstr}", ram_addr_t ${ram}.${readonly}`;
}

/** Anything read-only on the way makes it so. */
function isReadonly(candidate: Candidate): boolean {
  for (let at: Candidate | null = candidate; at !== null; at = at.parent) if (at.region.readonly) return true;
  return false;
}

/** The memory backend of a block, and the DIMM it is in. */
function backing(machine: Machine, block: RamBlock): Backing {
  const devices = memoryDevices(machine);
  const known = devices.backends.find(({ id }) => id === block.idstr);
  const dimm = devices.dimms.find(({ memdev }) => memdev === known?.id);
  // RAM that nobody named a backend for has one of its own.
  const own = /^\/objects\/(.+)$/.exec(blockRegion(machine.memory.system, block)?.owner?.path ?? "")?.[1];
  return {
    backend:
      known !== undefined
        ? { id: known.id, type: known.type }
        : own === undefined
          ? null
          : { id: own, type: "memory-backend-ram" },
    dimm: dimm === undefined ? null : { id: dimm.id ?? "(no id)", slot: dimm.slot },
  };
}
