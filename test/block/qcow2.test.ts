/** qcow2 against qemu-img: what it made we read, what we wrote it reads and finds without fault. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BlockError, type BlockImage } from "../../emulator/block/index.ts";
import { retry } from "./memory-store.ts";
import { hasQemuImg, hasZstd, Workshop } from "./qemu-img.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 20260101);
/** Random cases of each kind; more for a longer look. */
const RUNS = Number(process.env["REDZONE_RUNS"] ?? 2);
const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes that compress a little, and differ everywhere. */
function pattern(length: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let x = salt * 2654435761 + 1;
  for (let n = 0; n < length; n++) {
    if (n % 7 === 0) x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    bytes[n] = x >>> 24;
  }
  return bytes;
}
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

interface Kind {
  readonly name: string;
  readonly options: string;
  readonly sizeBytes: number;
}
const KINDS: readonly Kind[] = [
  { name: "version 2", options: "compat=0.10", sizeBytes: 3 * MIB },
  { name: "version 2, clusters of 512", options: "compat=0.10,cluster_size=512", sizeBytes: 2 * MIB + 1536 },
  { name: "version 3", options: "compat=1.1", sizeBytes: 5 * MIB },
  {
    name: "clusters of 4 KiB, lazy refcounts",
    options: "cluster_size=4k,lazy_refcounts=on",
    sizeBytes: 3 * MIB + 512,
  },
  { name: "clusters of 2 MiB", options: "cluster_size=2M", sizeBytes: 5 * MIB + 512 },
  { name: "subclusters", options: "extended_l2=on,cluster_size=16k", sizeBytes: 3 * MIB },
  { name: "subclusters of 2 KiB", options: "extended_l2=on", sizeBytes: 3 * MIB + 512 },
  { name: "metadata preallocated", options: "preallocation=metadata", sizeBytes: 2 * MIB },
  ...[1, 2, 4, 8, 32, 64].map((bits) => ({
    name: `refcounts of ${bits} bits`,
    options: `refcount_bits=${bits},cluster_size=512`,
    sizeBytes: 700 * KIB,
  })),
];

const step = (sizeBytes: number) => {
  const range = fc
    .tuple(
      fc.nat(sizeBytes - 1),
      fc.oneof(fc.nat(3000), fc.nat(200 * KIB)),
      fc.constantFrom(1, 512, 4096, 65536),
    )
    .map(([at, length, unit]) => {
      const offset = at - (at % unit);
      return { offset, length: Math.min(Math.max(length - (length % unit), 1), sizeBytes - offset) };
    });
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("write" as const), range, salt: fc.nat(99) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("discard" as const), range, salt: fc.constant(0) }),
    },
  );
};
type Step = { kind: "write" | "discard"; range: { offset: number; length: number }; salt: number };

function apply(image: BlockImage, model: Uint8Array, steps: readonly Step[]): void {
  for (const { kind, range, salt } of steps) {
    const { offset, length } = range;
    if (kind === "write") {
      const bytes = pattern(length, salt);
      retry(() => image.write(offset, bytes));
      model.set(bytes, offset);
    } else {
      retry(() => image.discard(offset, length));
      model.fill(0, offset, offset + length);
    }
  }
}

/** Random steps on an image: read back by us, checked and read by QEMU, and by us again from the file. */
function exercise(
  workshop: Workshop,
  file: string,
  model: Uint8Array,
  steps: readonly Step[],
  late: boolean,
): void {
  const { image, store, save } = workshop.open(file);
  if (late) store.late = () => true;
  expect(image.sizeBytes).toBe(model.length);
  apply(image, model, steps);
  expect(
    same(
      retry(() => image.read(0, image.sizeBytes)),
      model,
    ),
  ).toBe(true);
  save();
  workshop.check(file);
  expect(same(workshop.contents(file), model)).toBe(true);
  const again = workshop.open(file, { readOnly: true }).image;
  expect(same(again.read(0, again.sizeBytes), model)).toBe(true);
}

describe.skipIf(!hasQemuImg())("qcow2 and qemu-img", () => {
  test.each(KINDS)("$name: written by us", ({ options, sizeBytes }) => {
    using workshop = new Workshop();
    fc.assert(
      fc.property(fc.array(step(sizeBytes), { minLength: 1, maxLength: 20 }), fc.boolean(), (steps, late) => {
        workshop.run("create", "-q", "-f", "qcow2", "-o", options, "a.qcow2", String(sizeBytes));
        const model = new Uint8Array(sizeBytes);
        exercise(workshop, "a.qcow2", model, steps, late);
      }),
      { seed: SEED, endOnFailure: true, numRuns: RUNS },
    );
  });

  test.each(KINDS.filter(({ name }) => !name.includes("preallocated")))(
    "$name: over a backing file, partly compressed",
    ({ name, options, sizeBytes }) => {
      using workshop = new Workshop();
      fc.assert(
        fc.property(
          fc.array(step(sizeBytes), { minLength: 1, maxLength: 12 }),
          fc.constantFrom(0.5, 1, 1.5),
          fc.constantFrom("raw", "qcow2"),
          (steps, share, format) => {
            const backing = new Uint8Array(Math.ceil((sizeBytes * share) / 512) * 512);
            backing.set(pattern(backing.length >> 1, 5), backing.length >> 2);
            workshop.put("base.raw", backing);
            if (format === "qcow2")
              workshop.run("convert", "-c", "-O", "qcow2", "-o", options, "base.raw", "base.qcow2");
            workshop.run(
              "create",
              "-q",
              "-f",
              "qcow2",
              "-o",
              options,
              "-F",
              format,
              "-b",
              `base.${format}`,
              "a.qcow2",
              String(sizeBytes),
            );
            const model = new Uint8Array(sizeBytes);
            model.set(backing.subarray(0, sizeBytes));
            exercise(workshop, "a.qcow2", model, steps, true);
            expect(same(workshop.contents("base." + format).subarray(0, backing.length), backing), name).toBe(
              true,
            );
            // Compressed by QEMU, then written by us.
            workshop.run("convert", "-c", "-O", "qcow2", "-o", options, "a.qcow2", "c.qcow2");
            exercise(workshop, "c.qcow2", model, steps.toReversed(), false);
          },
        ),
        { seed: SEED, endOnFailure: true, numRuns: Math.ceil(RUNS / 2) },
      );
    },
  );

  test.each(KINDS.filter(({ name }) => !/ of [12] bits/.test(name)))(
    "$name: snapshots stay as they were",
    ({ options, sizeBytes }) => {
      using workshop = new Workshop();
      fc.assert(
        fc.property(
          fc.array(fc.array(step(sizeBytes), { maxLength: 8 }), { minLength: 2, maxLength: 3 }),
          (rounds) => {
            workshop.run("create", "-q", "-f", "qcow2", "-o", options, "a.qcow2", String(sizeBytes));
            const model = new Uint8Array(sizeBytes);
            const snapshots: Uint8Array[] = [];
            for (const [n, steps] of rounds.entries()) {
              exercise(workshop, "a.qcow2", model, steps, n % 2 === 1);
              workshop.run("snapshot", "-c", `snap${n}`, "a.qcow2");
              snapshots.push(model.slice());
            }
            for (const [n, expected] of snapshots.entries()) {
              for (const snapshot of [`snap${n}`, String(n + 1)]) {
                const { image } = workshop.open("a.qcow2", { snapshot });
                expect(image.readOnly).toBe(true);
                expect(same(image.read(0, sizeBytes), expected)).toBe(true);
              }
              expect(same(workshop.contents("a.qcow2", "-l", `snapshot.name=snap${n}`), expected)).toBe(true);
            }
          },
        ),
        { seed: SEED, endOnFailure: true, numRuns: Math.ceil(RUNS / 2) },
      );
    },
  );

  test("the refcount table grows, and full disks of the smallest clusters are right", () => {
    using workshop = new Workshop();
    for (const options of ["compat=0.10,cluster_size=512", "cluster_size=512,refcount_bits=64"]) {
      const sizeBytes = options.includes("64") ? 4 * MIB : 10 * MIB;
      workshop.run("create", "-q", "-f", "qcow2", "-o", options, "a.qcow2", String(sizeBytes));
      const { image, save } = workshop.open("a.qcow2");
      const bytes = pattern(sizeBytes, 1);
      for (let at = 0; at < sizeBytes; at += 100_000) image.write(at, bytes.subarray(at, at + 100_000));
      save();
      workshop.check("a.qcow2");
      expect(same(workshop.contents("a.qcow2"), bytes)).toBe(true);
    }
  });

  test("space that was discarded is used again", () => {
    using workshop = new Workshop();
    workshop.run("create", "-q", "-f", "qcow2", "a.qcow2", "8M");
    const { image, store, save } = workshop.open("a.qcow2");
    image.write(0, pattern(4 * MIB, 1));
    const { sizeBytes } = store;
    image.discard(MIB, 2 * MIB);
    image.write(5 * MIB, pattern(2 * MIB, 2));
    expect(store.sizeBytes).toBe(sizeBytes);
    save();
    workshop.check("a.qcow2");
  });

  test("a bitmap is no longer valid once the image was written", () => {
    using workshop = new Workshop();
    workshop.run("create", "-q", "-f", "qcow2", "a.qcow2", "1M");
    workshop.run("bitmap", "--add", "a.qcow2", "b0");
    const reader = workshop.open("a.qcow2");
    reader.image.read(0, MIB);
    reader.save();
    expect(workshop.run("info", "a.qcow2")).toContain("b0");
    const writer = workshop.open("a.qcow2");
    writer.image.write(0, Uint8Array.of(1));
    writer.save();
    expect(workshop.run("info", "a.qcow2")).not.toContain("b0");
    expect(workshop.contents("a.qcow2")[0]).toBe(1);
  });

  test("chains of backing files; one that is missing or leads in a circle is named", () => {
    using workshop = new Workshop();
    workshop.put("0.raw", pattern(MIB, 0));
    workshop.run("create", "-q", "-f", "qcow2", "-F", "raw", "-b", "0.raw", "1.qcow2");
    for (let n = 1; n < 6; n++)
      workshop.run("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", `${n}.qcow2`, `${n + 1}.qcow2`);
    expect(same(workshop.open("6.qcow2").image.read(0, MIB), pattern(MIB, 0))).toBe(true);
    workshop.run("rebase", "-u", "-F", "qcow2", "-b", "6.qcow2", "1.qcow2");
    expect(() => workshop.open("6.qcow2")).toThrow("6.qcow2: is its own backing file");
    expect(() =>
      workshop.open("6.qcow2", {
        openBacking: () => {
          throw new BlockError("5.qcow2: no such file");
        },
      }),
    ).toThrow("no such file");
  });

  test.skipIf(!hasZstd())("clusters compressed with zstd", () => {
    using workshop = new Workshop();
    const bytes = pattern(MIB, 4);
    workshop.put("a.raw", bytes);
    workshop.run("convert", "-c", "-O", "qcow2", "-o", "compression_type=zstd", "a.raw", "a.qcow2");
    const { image, save } = workshop.open("a.qcow2");
    expect(same(image.read(0, MIB), bytes)).toBe(true);
    image.write(100_000, Uint8Array.of(1, 2, 3));
    save();
    workshop.check("a.qcow2");
    bytes.set([1, 2, 3], 100_000);
    expect(same(workshop.contents("a.qcow2"), bytes)).toBe(true);
    const without = workshop.open("a.qcow2", { expand: false }).image;
    expect(() => without.read(0, 512)).toThrow("a.qcow2: qcow2 compressed cluster at offset");
  });

  test("what is not implemented is named", () => {
    using workshop = new Workshop();
    const refusal = (options: string): string => {
      workshop.run("create", "-q", "-f", "qcow2", "-o", options, "x.qcow2", "1M");
      try {
        workshop.open("x.qcow2");
        return "";
      } catch (error) {
        return error instanceof BlockError ? error.message : `not a BlockError: ${String(error)}`;
      }
    };
    expect(refusal("data_file=x.data")).toBe(
      "x.qcow2: qcow2 incompatible_features at offset 72: an external data file is not implemented",
    );
    workshop.run("create", "-q", "-f", "qcow2", "e.qcow2", "1M");
    const encrypted = workshop.get("e.qcow2");
    encrypted[35] = 2;
    workshop.put("e.qcow2", encrypted);
    expect(() => workshop.open("e.qcow2")).toThrow(
      "e.qcow2: qcow2 crypt_method at offset 32: encrypted images (LUKS) are not implemented",
    );
    workshop.run("create", "-q", "-f", "vmdk", "y.vmdk", "1M");
    expect(() => workshop.open("y.vmdk")).toThrow("y.vmdk: images of format vmdk are not implemented");
    workshop.run("create", "-q", "-f", "qcow2", "z.qcow2", "1M");
    expect(workshop.open("z.qcow2").image).toHaveProperty("snapshots", []);
    expect(() => workshop.open("z.qcow2", { snapshot: "s" })).toThrow('z.qcow2: has no snapshot "s"');
    const { store } = workshop.open("z.qcow2");
    store.bytes[79] = 1;
    workshop.put("z.qcow2", store.bytes);
    expect(() => workshop.open("z.qcow2")).toThrow("was not closed properly");
    expect(workshop.open("z.qcow2", { readOnly: true }).image.read(0, 1)[0]).toBe(0);
  });
});
