//! `cargo xtask bench`: the side-by-side figures.

/// Says that they are not measured here yet.
pub fn run(_arguments: &[String]) -> Result<(), String> {
    Err("there are no benchmarks yet".to_owned())
}
