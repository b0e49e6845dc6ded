/** Damaged qcow2 images: opened, read and written in bounded time, with a `BlockError` that names the file, or without. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BlockError, openImage } from "../../emulator/block/index.ts";
import { MemoryStore } from "./memory-store.ts";
import { hasQemuImg, inflate, Workshop } from "./qemu-img.ts";
import { cpuMilliseconds } from "../support/time.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 20260101);
const RUNS = Number(process.env["REDZONE_RUNS"] ?? 2);
const MIB = 2 ** 20;

/** Values at which offsets, sizes and counts go wrong. */
const interesting = fc.constantFrom(
  0,
  1,
  2,
  7,
  8,
  0xff,
  0x200,
  0x1000,
  0x10000,
  0x7fffffff,
  0x80000000,
  0xffffff00,
  0xffffffff,
);
const change = (sizeBytes: number) =>
  fc.oneof(
    // The header and its extensions.
    fc.record({ at: fc.nat(29).map((n) => 4 * n), value: fc.oneof(interesting, fc.nat(0xffffffff)) }),
    // Tables: they begin at clusters.
    fc.record({
      at: fc
        .tuple(fc.nat(Math.floor(sizeBytes / 512) - 1), fc.nat(15))
        .map(([cluster, n]) => 512 * cluster + 4 * n),
      value: fc.oneof(
        interesting,
        fc.nat(0x3ff).map((n) => n * 512),
      ),
    }),
    fc.record({ at: fc.nat(sizeBytes - 4), value: fc.nat(0xffffffff) }),
  );

/** An image with a bit of everything: compressed and plain clusters, zeros, a snapshot. */
function specimen(options: string): Uint8Array {
  using workshop = new Workshop();
  const contents = new Uint8Array(MIB).map((_, n) => (n < MIB / 2 ? n >> 8 : 0));
  workshop.put("a.raw", contents);
  workshop.run("convert", "-c", "-O", "qcow2", "-o", options, "a.raw", "a.qcow2");
  workshop.run("snapshot", "-c", "s", "a.qcow2");
  const { image, save } = workshop.open("a.qcow2");
  image.write(1000, new Uint8Array(70_000).fill(7));
  image.discard(300_000, 50_000);
  image.write(MIB - 5000, new Uint8Array(5000).fill(9));
  save();
  return workshop.get("a.qcow2");
}

function attempt(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof BlockError)) throw error;
    expect(error.message).toMatch(/^disk\.img: /);
    return false;
  }
}

describe.skipIf(!hasQemuImg())("damaged qcow2 images", () => {
  test.each(["compat=0.10,cluster_size=512", "cluster_size=4k", "extended_l2=on,cluster_size=16k"])(
    "%s",
    (options) => {
      const bytes = specimen(options);
      let opened = 0;
      let failed = 0;
      fc.assert(
        fc.property(
          fc.array(change(bytes.length), { minLength: 1, maxLength: 6 }),
          fc.option(fc.nat(bytes.length), { freq: 10 }),
          fc.constantFrom(undefined, undefined, "s"),
          (changes, cut, snapshot) => {
            const damaged = bytes.slice(0, cut ?? bytes.length);
            const view = new DataView(damaged.buffer);
            for (const { at, value } of changes) if (at + 4 <= damaged.length) view.setUint32(at, value);
            const store = new MemoryStore(damaged);
            const start = cpuMilliseconds();
            const ok = attempt(() => {
              const image = openImage(store, "qcow2", {
                decompress: inflate,
                ...(snapshot === undefined ? {} : { snapshot }),
              });
              opened++;
              const at = [0, 1000, 299_000, 600_000, MIB - 4096].filter(
                (offset) => offset + 4096 <= image.sizeBytes,
              );
              let sound = true;
              for (const offset of at) sound = attempt(() => image.read(offset, 4096)) && sound;
              for (const offset of image.readOnly ? [] : at) {
                sound = attempt(() => image.write(offset, new Uint8Array(4096).fill(offset))) && sound;
                sound = attempt(() => image.discard(offset, 2048)) && sound;
                sound = attempt(() => image.read(offset, 4096)) && sound;
              }
              if (!sound) failed++;
            });
            if (!ok) failed++;
            expect(cpuMilliseconds() - start).toBeLessThan(20_000);
          },
        ),
        { seed: SEED, endOnFailure: true, numRuns: 150 * RUNS },
      );
      expect(opened).toBeGreaterThan(30 * RUNS);
      expect(failed).toBeGreaterThan(20 * RUNS);
    },
  );

  test("random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 2000 }), fc.boolean(), (bytes, header) => {
        const store = new MemoryStore(
          header ? Uint8Array.from([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3, ...bytes]) : bytes,
        );
        attempt(() => openImage(store, "qcow2"));
        attempt(() => openImage(store, "probe"));
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});
