//! `cargo xtask COMMAND`: everything that one does with this repository besides editing it.
//!
//! `setup` and `toolchain` bring the tools, `steps` is the table of what `test` runs, `wasm` and `package` build what is
//! shipped, `generate` writes the committed interface files, `demo` shows the whole line on sample deals.

mod arguments;
mod bench;
mod commands;
mod count;
mod demo;
mod generate;
mod package;
mod paths;
mod postgres;
mod readme;
mod report;
mod setup;
mod shell;
mod sizes;
mod steps;
mod test;
mod toolchain;
mod wasm;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match commands::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            if !message.is_empty() {
                eprintln!("error: {message}");
            }
            ExitCode::FAILURE
        }
    }
}
