//! What a request costs inside the process: pricing quotes of three sizes through JSON texts, and moving an opportunity on.
//!
//! `cargo bench -p crm-core` (side by side with other libraries: `cargo xtask bench`).

#![allow(missing_docs)] // the macros' own functions

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crm_core::api::host::Host;
use serde_json::{Value, json};

/// Quotes with usual numbers, a discount and a tax percent on each line, and one document discount.
fn quote(lines: u32) -> String {
    let mut taxes = ["0", "5", "7.7", "19", "20"].iter().cycle();
    let mut line = |index: u32| {
        json!({
            "quantity": (index % 60 + 1).to_string(),
            "unit_price": format!("{}.{:02}", index * 37 % 1000, index * 13 % 100),
            "discount_percent": format!("{}.5", index % 30),
            "tax_percent": taxes.next(),
        })
    };
    let lines: Vec<Value> = (0..lines).map(&mut line).collect();
    let input = json!({"currency": "USD", "lines": lines, "discount_percent": "3.5"});
    json!({"op": "quotes.price", "explain": "none", "input": input}).to_string()
}

fn price(criterion: &mut Criterion) {
    let host = Host::new();
    let mut group = criterion.benchmark_group("quotes.price");
    for lines in [1, 10, 100, 1000] {
        let request = quote(lines);
        assert!(host.call(&request).starts_with(r#"{"ok":true"#));
        group.throughput(Throughput::Elements(u64::from(lines)));
        group.bench_with_input(BenchmarkId::from_parameter(lines), &request, |bench, request| {
            bench.iter(|| host.call(black_box(request)));
        });
    }
    group.finish();
}

fn ask(host: &Host, engine: u32, op: &str, input: Value) -> Value {
    let context = json!({"now": "2026-01-31T09:00:00Z", "seed": op});
    let request = json!({"op": op, "context": context, "explain": "none", "input": input});
    let answer: Value = serde_json::from_str(&host.call_on(engine, &request.to_string())).unwrap_or_default();
    assert_eq!(answer.get("ok"), Some(&Value::Bool(true)), "{answer}");
    answer.get("value").cloned().unwrap_or_default()
}

fn advance(criterion: &mut Criterion) {
    let host = Host::new();
    let request = |id: &str| {
        let context = json!({"now": "2026-02-01T09:00:00Z", "seed": "bench"});
        let input = json!({"id": id, "to": "qualification"});
        json!({"op": "opportunities.advance", "context": context, "explain": "none", "input": input}).to_string()
    };
    criterion.bench_function("opportunities.advance", |bench| {
        bench.iter_batched(
            || {
                let engine = host.attach_memory();
                let deal = json!({"name": "a deal"});
                let deal = ask(&host, engine, "opportunities.create", deal);
                (engine, request(deal.get("id").and_then(Value::as_str).unwrap_or_default()))
            },
            |(engine, request)| {
                let answer = host.call_on(engine, &request);
                assert!(answer.starts_with(r#"{"ok":true"#), "{answer}");
                host.detach(engine);
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, price, advance);
criterion_main!(benches);
