//! Remembers where libsodium was built.

use std::env;

fn main() {
    for (variable, built) in [("SODIUM_LIB", "DEP_SODIUM_LIB"), ("SODIUM_INCLUDE", "DEP_SODIUM_INCLUDE")] {
        let path = env::var(built).expect("libsodium-sys says where it put it");
        println!("cargo:rustc-env={variable}={path}");
    }
}
