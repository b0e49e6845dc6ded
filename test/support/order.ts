/** The order of test files: those first that take long, so that the end of a run is not one of them alone. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Folders, the slowest first; all others follow as vitest orders them. */
const SLOW = ["linux", "translator", "repeat", "adapter/linux", "gdb", "machine", "oracle", "bios"].map(
  (name) => `/test/${name}`,
);

const rank = ({ moduleId }: TestSpecification): number => {
  const found = SLOW.findIndex((name) => moduleId.includes(name));
  return found < 0 ? SLOW.length : found;
};

export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
