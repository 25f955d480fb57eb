//! `xtask-bindgen IN.wasm OUT_DIR MODE..`: writes the JavaScript and the types of a linked module to `OUT_DIR/MODE`.

use std::path::Path;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, out, modes @ ..] = arguments.as_slice() else {
        eprintln!("usage: xtask-bindgen IN.wasm OUT_DIR web|bundler|nodejs ..");
        return ExitCode::from(2);
    };
    for mode in modes {
        if let Err(message) = write(Path::new(input), &Path::new(out).join(mode), mode) {
            eprintln!("error: `{mode}`: {message}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn write(input: &Path, out: &Path, mode: &str) -> Result<(), String> {
    let mut bindgen = Bindgen::new();
    // The names of functions stay for the optimiser, which leaves them out in the end.
    bindgen.input_path(input).typescript(true).remove_producers_section(true);
    // The library's default, unlike the tool's, breaks `await init()` without arguments in the browser.
    bindgen.omit_default_module_path(false);
    let chosen = match mode {
        "web" => bindgen.web(true),
        "bundler" => bindgen.bundler(true),
        "nodejs" => bindgen.nodejs(true),
        _ => return Err("unknown mode, choose `web`, `bundler` or `nodejs`".to_owned()),
    };
    chosen.map_err(|error| format!("{error:#}"))?;
    // After a trap the façade makes a new instance of the same module; a bundler keeps the module to itself.
    bindgen.reset_state_function(mode != "bundler");
    bindgen.generate(out).map_err(|error| format!("{error:#}"))
}
