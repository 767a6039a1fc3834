//! What trials that wait cost in memory.

mod support;

use noodle2_control::Controller;
use noodle2_model::Event;
use support::{finished, identity, result_of, stage, study};

/// Resident memory of this process, in bytes.
fn resident_bytes() -> u64 {
    let told = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = told
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kibibytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kibibytes << 10
}

#[test]
fn a_hundred_thousand_trials_wait_in_little_memory() {
    const TRIALS: u32 = 100_000;
    let mut only = stage("only", &[], TRIALS);
    only.ecos.retain(|eco| eco.name == "buffer");
    let mut controller = Controller::new(identity(study(vec![only]))).unwrap();
    for event in controller.decide(1) {
        controller.apply(&event).unwrap();
    }
    let base = *controller.running_attempts().first().unwrap();
    let outcome = result_of(&controller, base, 1);
    controller.apply(&finished(base, outcome)).unwrap();
    let before = resident_bytes();
    loop {
        let decisions = controller.decide(0);
        if decisions.is_empty() {
            break;
        }
        let largest = decisions.len();
        assert!(largest <= 4096, "{largest} events at once");
        for event in &decisions {
            controller.apply(event).unwrap();
        }
    }
    let after = resident_bytes();
    assert_eq!(controller.trials().count(), TRIALS as usize);
    let starts = controller.decide(8);
    assert!(matches!(&starts[..], [Event::AttemptStarted { .. }, ..]));
    assert_eq!(starts.len(), 8);
    let each = (after - before) / u64::from(TRIALS);
    assert!(each <= 1000, "{each} bytes for each trial that waits");
    assert!(after < 150 << 20, "{after} bytes in all");
}
