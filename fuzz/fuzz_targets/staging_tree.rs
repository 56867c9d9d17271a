//! See `staging_tree` in `src/fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gen_service::fuzz::staging_tree(data));
