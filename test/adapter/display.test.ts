/** The display as a client sees it: pictures, what changed, PNG files; the mouse. */
import { inflateSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodePng } from "../../debug-adapter/png.ts";
import { Client } from "./client.ts";

let client: Client;
beforeEach(() => {
  client = new Client();
});
afterEach(() => client.end());

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  for (const deadline = performance.now() + 60_000; !(await condition());) {
    if (performance.now() > deadline) throw new Error("it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

test("the display shows what the guest wrote, and then only what changes", async () => {
  await client.launch({ stopOnEntry: false });
  await until(() => client.output().includes("type something"));
  // The tasks that run beside the one that wrote this draw, too: the clock in the corner.
  const clock = async (): Promise<boolean> =>
    /\d\d:\d\d/.test((await client.request("redzone/display", {}))!.text!.lines);
  await until(clock);
  const whole = (await client.request("redzone/display", {}))!;
  expect([whole.width, whole.height, whole.text?.columns, whole.text?.rows]).toEqual([720, 400, 80, 25]);
  expect(whole.text?.lines).toContain("Redzone sample kernel");
  expect(Buffer.from(whole.text!.cells, "base64").length).toBe(80 * 25 * 2);
  const rows = whole.bands.reduce((sum, { height }) => sum + height, 0);
  const rgb = inflateSync(Buffer.from(whole.bands[0]!.data, "base64"));
  expect([rows, rgb.length]).toEqual([400, whole.bands[0]!.height * 720 * 3]);
  expect(new Set(rgb).size).toBeGreaterThan(1);

  // Each second of the guest's, which is soon over, it draws again: only a guest that stands still has nothing new.
  await client.request("pause", { threadId: 1 });
  expect((await client.stopped()).reason).toBe("pause");
  const still = (await client.request("redzone/display", { since: whole.version }))!;
  const shown = (await client.request("redzone/display", { since: still.version }))!;
  expect([shown.version, shown.bands.length]).toEqual([still.version, 0]);
  await client.request("continue", { threadId: 1 });
  for (const down of [true, false]) await client.request("redzone/key", { code: "KeyQ", down });
  await until(() => client.output().endsWith("q"));
  const change = (await client.request("redzone/display", { since: shown.version }))!;
  expect(change.bands.length).toBeGreaterThan(0);
  expect(change.bands.reduce((sum, { height }) => sum + height, 0)).toBeLessThanOrEqual(32);
  expect(change.text?.lines).not.toBe(whole.text?.lines);
});

test("the display is captured as a PNG file", async () => {
  await client.launch({ stopOnEntry: false });
  await until(() => client.output().includes("type something"));
  const { width, height, png } = (await client.request("redzone/capture"))!;
  expect([width, height]).toEqual([720, 400]);
  expect(Buffer.from(png, "base64").subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
});

test("the mouse takes what is reported, and refuses what is no number", async () => {
  await client.launchToEntry();
  expect(await client.respond("redzone/mouse", { dx: 1e9, dy: -3, dz: 0, buttons: 1 })).toMatchObject({
    success: true,
  });
  expect(await client.respond("redzone/mouse", { dx: "far", dy: 0, dz: 0, buttons: 0 })).toMatchObject({
    success: false,
  });
});

/** Red, green and blue of a PNG file as `encodePng` writes them: its filters undone. */
function decode(png: Uint8Array): { width: number; height: number; rgb: Uint8Array } {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  let [width, height, data] = [0, 0, new Uint8Array(0)];
  for (let at = 8; at < png.length;) {
    const length = view.getUint32(at);
    const type = new TextDecoder().decode(png.subarray(at + 4, at + 8));
    if (type === "IHDR") [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (type === "IDAT") data = inflateSync(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const line = width * 3;
  const rgb = new Uint8Array(line * height);
  for (let y = 0; y < height; y++) {
    const filter = data[y * (line + 1)]!;
    for (let x = 0; x < line; x++) {
      const at = y * line + x;
      const left = x < 3 ? 0 : rgb[at - 3]!;
      const above = y === 0 ? 0 : rgb[at - line]!;
      rgb[at] = data[y * (line + 1) + 1 + x]! + (filter === 1 ? left : filter === 2 ? above : 0);
    }
  }
  return { width, height, rgb };
}

test("PNG files say what the pixels are", () => {
  const picture = fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
    .chain(([width, height]) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        // Few values, so that every filter is the best at times.
        bytes: fc.array(fc.constantFrom(0, 1, 7, 128, 255), {
          minLength: width * height * 4,
          maxLength: width * height * 4,
        }),
      }),
    );
  fc.assert(
    fc.property(picture, ({ width, height, bytes }) => {
      const decoded = decode(encodePng({ width, height, pixels: Uint8ClampedArray.from(bytes) }));
      const rgb = Uint8Array.from(bytes.filter((_, i) => i % 4 !== 3));
      expect(decoded).toEqual({ width, height, rgb });
    }),
    { seed: 20260730 },
  );
});
