/** What there is of the emulator for who does not want to load all of it yet; all of it is `index.ts`. */
export { exerciseInterpreter } from "./cpu/interpreter/compiled.ts";
