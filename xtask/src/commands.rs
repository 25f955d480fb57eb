//! The commands and their options.

use crate::{arguments::Arguments, bench, demo, generate, package, postgres, setup, sizes, test, wasm};

const HELP: &str = "\
usage: cargo xtask COMMAND

  demo [--lang zh] [--out DIR] [--store ADDRESS]
                                import 8,800 sample deals into SQLite or PostgreSQL, analyse them, quote one
  setup [--bench]               Python venv, npm packages, WebAssembly target, browser, PostgreSQL; fast when already there
  test [--only NAME,..] [--fast] [--list]
                                every test in every language; --fast leaves out what needs a second toolchain
  soak [--only NAME,..]         the long forms of the same tests
  bench                         the side-by-side figures of docs/benchmarks.md
  generate [--check]            schema, types and facades from the operation table
  package                       wheel and npm tarballs, each installed into an empty environment
  with-postgres [--durable] -- PROGRAM ARGUMENTS
                                runs it with a throwaway PostgreSQL server, whose address is in CRM_POSTGRES_URL
  wasm [--sizes [--write]]      both WebAssembly builds for web, bundler and Node; --sizes compares with docs/sizes.json
";

/// Runs the command that the arguments name.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let Some((command, rest)) = arguments.split_first() else {
        print!("{HELP}");
        return Ok(());
    };
    if command == "demo" {
        return demo::run(rest); // has options of its own
    }
    if command == "with-postgres" {
        return postgres::run(rest); // the rest is another program's
    }
    let mut options = Arguments::new(rest);
    match command.as_str() {
        "setup" => {
            let bench = options.flag("--bench");
            options.finish()?;
            setup::all(bench)
        }
        "test" => {
            let choice = test::Choice::from(&mut options)?;
            options.finish()?;
            test::run(&choice, test::Length::Short)
        }
        "soak" => {
            let choice = test::Choice::from(&mut options)?;
            options.finish()?;
            test::run(&choice, test::Length::Soak)
        }
        "bench" => bench::run(rest),
        "generate" => {
            let check = options.flag("--check");
            options.finish()?;
            generate::run(check)
        }
        "package" => {
            options.finish()?;
            package::run()
        }
        "wasm" => {
            let (compare, write) = (options.flag("--sizes"), options.flag("--write"));
            options.finish()?;
            wasm::build()?;
            if compare { sizes::check(write) } else { sizes::print() }
        }
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("unknown command `{other}`; `cargo xtask help` lists them")),
    }
}
