//! What the controller alone costs: every decision and every fold of a study, without journal, tools or workers.
//! `cargo bench --package noodle2-control`

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::VecDeque;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use noodle2_control::Controller;
use noodle2_model::{AttemptId, AttemptUsage, Event, RunIdentity, Stage};
use support::{finished_with, identity, result_of, stage, study};

/// Fourteen stages: a common start, three branches of uneven length, a join and what follows.
fn fourteen_stages(trials: u32) -> RunIdentity {
    let each = trials / 14;
    let of = |name: &str, after: &[&str]| -> Stage {
        let mut stage = stage(name, after, each);
        stage.ecos.retain(|eco| eco.name == "buffer");
        stage
    };
    let mut stages = vec![of("common", &[])];
    for (branch, length) in [("long", 5), ("middle", 3), ("short", 2)] {
        for place in 0..length {
            let before = match place {
                0 => "common".to_owned(),
                _ => format!("{branch}{}", place - 1),
            };
            stages.push(of(&format!("{branch}{place}"), &[&before]));
        }
    }
    stages.push(of("merge", &["long4", "middle2", "short1"]));
    stages.push(of("polish", &["merge"]));
    stages.push(of("finish", &["polish"]));
    identity(study(stages))
}

/// Runs a study to its end; returns how many events that took.
fn run(identity: &RunIdentity, workers: usize) -> usize {
    let mut controller = Controller::new(identity.clone()).unwrap();
    let mut running: VecDeque<AttemptId> = VecDeque::new();
    let mut events = 0;
    loop {
        let decisions = controller.decide(workers - running.len());
        for event in &decisions {
            if let Event::AttemptStarted { attempt } = event {
                running.push_back(*attempt);
            }
            controller.apply(event).unwrap();
        }
        events += decisions.len();
        if controller.recorded_digest().is_some() {
            return events;
        }
        if decisions.is_empty() {
            let attempt = running.pop_front().expect("something runs");
            let outcome = result_of(&controller, attempt, 1);
            let usage = AttemptUsage {
                wall_s: 1.0 + f64::from(attempt.trial.derived % 7),
                ..AttemptUsage::default()
            };
            controller
                .apply(&finished_with(attempt, outcome, usage))
                .unwrap();
            events += 1;
        }
    }
}

fn controller(criterion: &mut Criterion) {
    for trials in [10_000, 100_000] {
        let identity = fourteen_stages(trials);
        let mut group = criterion.benchmark_group(format!("{trials} trials"));
        group.sample_size(10);
        group.throughput(Throughput::Elements(u64::from(trials)));
        for workers in [8, 1000] {
            group.bench_function(format!("{workers} workers"), |bencher| {
                bencher.iter_batched(
                    || identity.clone(),
                    |identity| black_box(run(&identity, workers)),
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, controller);
criterion_main!(benches);
