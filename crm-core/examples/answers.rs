//! Answers every request of a file (one JSON text a line) and prints how many there were and a SHA-256 of all answers.
//!
//! `cargo run --example answers -- FILE [ANSWERS]`; the second file gets the answers, a line each. The same program exists for
//! Python, Node and WebAssembly in `tests/model`: four equal hashes mean that all answers are equal, byte for byte.

use std::error::Error;
use std::fs::{File, read_to_string};
use std::io::{BufWriter, Write};

use crm_core::api::host::Host;
use sha2::{Digest, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let requests = read_to_string(arguments.next().ok_or("usage: answers FILE [ANSWERS]")?)?;
    let mut answers = arguments.next().map(File::create).transpose()?.map(BufWriter::new);
    let host = Host::new();
    let (mut hash, mut count) = (Sha256::new(), 0_u64);
    for request in requests.lines() {
        let answer = host.call(request);
        hash.update(answer.as_bytes());
        hash.update(b"\n");
        if let Some(file) = &mut answers {
            writeln!(file, "{answer}")?;
        }
        count = count.saturating_add(1);
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{count} {hex}");
    Ok(())
}
