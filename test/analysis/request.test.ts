/** What the running program's functions keep below RSP, as a client is told (`redzone/analysisFunction`). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { open } from "./programs.ts";
import { Client, SAMPLE } from "../adapter/client.ts";

describe("redzone/analysisFunction", () => {
  const client = new Client();
  const bounds = open(SAMPLE).functions.find(({ name }) => name === "sum_in_red_zone")!;
  const hex = (address: bigint): string => `0x${address.toString(16)}`;

  beforeAll(async () => {
    await client.launch({ kernel: SAMPLE, stopOnEntry: true });
  });
  afterAll(() => client.request("disconnect", {}));

  it("tells of the function that an address belongs to", async () => {
    expect(await client.request("redzone/analysisFunction", { address: hex(bounds.entry) })).toMatchObject({
      name: "sum_in_red_zone",
      redZoneBytes: 96,
      frameBytes: 16,
      isLeaf: true,
      isComplete: true,
      live: [],
      depthBytes: 0,
    });
  });

  it("tells what is live below RSP in its middle", async () => {
    const body = await client.request("redzone/analysisFunction", { address: hex(bounds.entry) });
    const store = body!.accesses.find(({ from, writes }) => from === -96 && writes)!;
    // The instruction behind the store has four bytes before it.
    const address = hex(BigInt(store.address) + 4n);
    expect(await client.request("redzone/analysisFunction", { address })).toMatchObject({
      live: [{ from: -96, to: -80 }],
      depthBytes: 8,
    });
  });

  it("knows nothing of addresses without a function, and refuses what is no address", async () => {
    expect(await client.request("redzone/analysisFunction", { address: "0x40000000" })).toBeNull();
    await expect(client.request("redzone/analysisFunction", { address: "main" })).rejects.toThrow(/0x…/u);
  });
});
