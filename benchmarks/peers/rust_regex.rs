//! Rust's regex: one RegexSet over all patterns, one `matches` a message. One JSON line.
//!
//!     rust_regex EXPRESSIONS MESSAGES.lines [ROUNDS]

use regex::bytes::{RegexBuilder, RegexSetBuilder};
use std::time::Instant;

const MEMORY: usize = 1 << 30; // for the program and for its automata; the default of 10 MiB is too little here

fn lines(path: &str) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).unwrap_or_else(|fault| {
        eprintln!("rust_regex: cannot read: {path}: {fault}");
        std::process::exit(3);
    });
    let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    lines.pop(); // what follows the last line break
    lines
}

/// Bytes beyond ASCII written as escapes: without Unicode they may not stand for themselves.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if byte.is_ascii() { (*byte as char).to_string() } else { format!("\\x{byte:02X}") }).collect()
}

/// Processor time of this thread in nanoseconds: what it worked, not how long it waited.
fn worked_ns() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0.0)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() < 3 {
        eprintln!("usage: rust_regex EXPRESSIONS MESSAGES.lines [ROUNDS]");
        std::process::exit(2);
    }
    let rounds: usize = arguments.get(3).and_then(|text| text.parse().ok()).unwrap_or(3).max(1);
    let started = Instant::now();
    let expressions = lines(&arguments[1]);
    let taken: Vec<String> = expressions
        .iter()
        .map(|bytes| escaped(bytes))
        .filter(|text| RegexBuilder::new(text).unicode(false).case_insensitive(true).dot_matches_new_line(true).build().is_ok())
        .collect();
    let set = RegexSetBuilder::new(&taken)
        .unicode(false) // as the others: what a word is and which letters have cases is a matter of ASCII
        .case_insensitive(true)
        .dot_matches_new_line(true)
        .size_limit(MEMORY)
        .dfa_size_limit(MEMORY)
        .build()
        .unwrap_or_else(|fault| {
            eprintln!("rust_regex: {fault}");
            std::process::exit(1);
        });
    let load = started.elapsed().as_secs_f64();
    let messages = lines(&arguments[2]);
    let mut times = Vec::new();
    let mut flagged = 0;
    for _ in 0..rounds {
        let before = worked_ns();
        flagged = messages.iter().filter(|message| set.matches(message).matched_any()).count();
        times.push((worked_ns() - before) / messages.len() as f64);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{{\"patterns\": {}, \"left_out\": {}, \"messages\": {}, \"ns\": {:.1}, \"flagged\": {}, \"load_seconds\": {:.3}}}",
        taken.len(),
        expressions.len() - taken.len(),
        messages.len(),
        times[times.len() / 2],
        flagged,
        load
    );
}
