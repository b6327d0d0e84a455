//! What a catalog costs by its number of services, of alerts and of metrics: loading, rendering with every proof, rendering
//! alone, and `render --check`.

#[allow(dead_code, reason = "each of its users measures other axes")]
mod generator;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use monstack::{generated, pipeline};
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

const SIZES: [usize; 5] = [12, 100, 1_000, 10_000, 50_000];

/// A catalog of so many.
type Text = fn(usize) -> String;

fn verbs(criterion: &mut Criterion) {
    for services in SIZES {
        let (root, text) = written("services", services, &generator::catalog(services));
        let mut group = criterion.benchmark_group("pipeline");
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(3));
        group.bench_function(BenchmarkId::new("load", services), |bench| {
            bench.iter(|| black_box(pipeline::load(pipeline::CATALOG, &text).is_ok()));
        });
        group.bench_function(BenchmarkId::new("render", services), |bench| {
            bench.iter(|| assert!(!pipeline::prove(&text, &root).unwrap().failed()));
        });
        // The same templates and nothing else: what all that is proved is held against.
        let rendered = pipeline::run(&root).unwrap().rendered.unwrap();
        group.bench_function(BenchmarkId::new("bare", services), |bench| {
            bench.iter(|| black_box(rendered.bare().unwrap()));
        });
        group.bench_function(BenchmarkId::new("check", services), |bench| {
            bench.iter(|| {
                let rendered = pipeline::run(&root).unwrap().rendered.unwrap();
                assert!(
                    generated::compare(&root, &rendered.output, &rendered.files)
                        .unwrap()
                        .is_current()
                );
            });
        });
        group.finish();
    }
}

/// Rendering by the number of alerts, each on metrics of its own, and by the number of metrics of one service.
fn axes(criterion: &mut Criterion) {
    let axes: [(&str, Text); 2] = [
        ("alerts", generator::alerts),
        ("metrics", generator::metrics),
    ];
    for (axis, generate) in axes {
        let mut group = criterion.benchmark_group(axis);
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(3));
        for number in [10, 100, 500, 1_000, 2_000, 5_000] {
            let (root, text) = written(axis, number, &generate(number));
            group.bench_function(BenchmarkId::new("render", number), |bench| {
                bench.iter(|| assert!(!pipeline::prove(&text, &root).unwrap().failed()));
            });
        }
        group.finish();
    }
}

/// A root under target/ with the catalog and everything rendered from it.
fn written(axis: &str, number: usize, text: &str) -> (PathBuf, String) {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("pipeline-{axis}-{number}"));
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join(pipeline::CATALOG), text).unwrap();
    let rendered = pipeline::run(&root).unwrap().rendered.unwrap();
    let comparison = generated::compare(&root, &rendered.output, &rendered.files).unwrap();
    generated::write(&root, &rendered.output, &comparison).unwrap();
    (root, text.to_string())
}

criterion_group!(benches, verbs, axes);
criterion_main!(benches);
