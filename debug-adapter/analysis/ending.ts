/** Functions that do not return, by what C, C++ and Rust call them: what follows a call of one is another path's code, or no code. */
import { demangle } from "../symbols/index.ts";

const NAMES =
  /^(?:panic|nmi_panic|abort|_?exit|_Exit|__stack_chk_fail(?:_local)?|__assert_fail|__assert_rtn|__cxa_(?:throw|rethrow|bad_cast|pure_virtual)|_Unwind_Resume|longjmp|__fortify_fail|fortify_panic|do_exit|make_task_dead|rust_begin_unwind|core::panicking::.+|std::panicking::.+|alloc::.*handle_.*error|core::(?:option|result)::(?:expect|unwrap)_failed)$/;

/** @param name as linked */
export function neverReturns(name: string): boolean {
  const isMangled = name.startsWith("_Z") || name.startsWith("_R");
  return NAMES.test(isMangled ? (demangle(name)?.name ?? name) : name);
}
