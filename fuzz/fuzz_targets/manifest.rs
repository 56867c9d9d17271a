//! See `manifest` in `src/fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gen_service::fuzz::manifest(data));
