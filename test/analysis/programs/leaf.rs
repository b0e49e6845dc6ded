//! Leaf functions of Rust, for a target with a red zone.
#![no_std]
#![crate_type = "lib"]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

#[no_mangle]
pub fn keeps(a: u64, b: u64) -> u64 {
    let mut numbers = [0u64; 6];
    for n in 0..6 {
        unsafe { core::ptr::write_volatile(&mut numbers[n], a + n as u64) };
    }
    unsafe { core::ptr::read_volatile(&numbers[(b % 6) as usize]) }
}

#[no_mangle]
pub fn checks(a: &[u64], b: usize) -> u64 {
    a[b] + 1
}
