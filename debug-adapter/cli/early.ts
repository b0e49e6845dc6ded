/**
 * Imported before all else, so of the emulator no more than that: V8 optimises the interpreter on another thread while this one loads the rest of the program and makes
 * the machine.
 */
import { exerciseInterpreter } from "../../emulator/early.ts";
import { runsNothing } from "./nothing.ts";

if (!runsNothing) exerciseInterpreter();
