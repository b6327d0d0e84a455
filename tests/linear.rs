//! Four times as much of anything takes about four times as much, not sixteen times: counted in bytes asked of the allocator,
//! which are the same on every machine, however busy.

#[path = "../benches/generator.rs"]
#[allow(dead_code, reason = "each of its users measures other axes")]
mod generator;

use monstack::pipeline;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::path::Path;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes asked for while a catalog is loaded, rendered and proved, and those that are still held at the end.
fn asked(text: &str) -> (usize, usize) {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("linear");
    let region = Region::new(ALLOCATOR);
    let outcome = pipeline::prove(text, &root).unwrap();
    let stats = region.change();
    let found: Vec<&str> = outcome
        .diagnostics
        .iter()
        .map(|found| found.message.as_str())
        .collect();
    assert!(found.is_empty() && outcome.rendered.is_some(), "{found:#?}");
    (
        stats.bytes_allocated,
        stats.bytes_allocated - stats.bytes_deallocated,
    )
}

/// Its name, a catalog of that size, and the smaller of the two sizes.
type Axis = (&'static str, fn(usize) -> String, usize);

/// One test, because the allocator counts for the whole process.
#[test]
fn four_times_as_much_takes_four_times_as_much() {
    // What is built once, such as the schema, belongs to no size.
    asked(&generator::catalog(2));
    let axes: [Axis; 10] = [
        ("services", generator::catalog, 400),
        ("containers", generator::containers, 50),
        ("groups", generator::groups, 25),
        ("owners", generator::owners, 25),
        ("overrides", generator::overrides, 10),
        ("alerts", generator::alerts, 25),
        ("expressions", generator::expressions, 25),
        ("terms", generator::terms, 25),
        ("metrics", generator::metrics, 100),
        ("values", generator::values, 250),
    ];
    for (axis, generate, number) in axes {
        let (small, large) = (asked(&generate(number)), asked(&generate(4 * number)));
        println!(
            "{axis}: {small:?} for {number}, {large:?} for {}",
            4 * number
        );
        assert!(
            large.0 < 5 * small.0,
            "{axis}: {small:?} bytes for {number}, {large:?} for {}",
            4 * number
        );
        assert!(
            large.1 < 5 * small.1,
            "{axis}: holds {small:?} bytes for {number}, {large:?} for {}",
            4 * number
        );
    }
}
