//! See `gateway_state` in `src/fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gen_service::fuzz::gateway_state(data));
