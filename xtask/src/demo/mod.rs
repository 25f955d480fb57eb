//! `cargo xtask demo`: the whole line on real deals.

/// Says that it is not there yet.
pub fn run(_arguments: &[String]) -> Result<(), String> {
    Err("the demo is not there yet".to_owned())
}
