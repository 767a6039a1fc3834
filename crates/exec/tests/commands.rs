//! Real commands under limits, with a supervisor and without.

mod common;

use std::time::{Duration, Instant};

use common::{Bench, FOREVER, eventually, processes_with, unique};
use noodle2_exec::{CancelToken, MARKER, Pool, PoolEvent, run_command};
use noodle2_model::{CommandEnding, StopReason};

const TERM: CommandEnding = CommandEnding::Signalled(15);
const KILL: CommandEnding = CommandEnding::Signalled(9);

/// Runs each test once with a supervisor and once without.
macro_rules! both_ways {
    ($(fn $name:ident($bench:ident: Bench) $body:block)+) => {
        $(mod $name {
            use super::*;

            fn check(#[allow(unused_mut)] mut $bench: Bench) $body

            #[test]
            fn directly() {
                check(Bench::direct());
            }

            #[test]
            fn supervised() {
                check(Bench::supervised());
            }
        })+
    };
}

fn reason(ending: CommandEnding) -> String {
    match ending {
        CommandEnding::NotStarted(reason) => reason,
        other => panic!("it was started: {other:?}"),
    }
}

both_ways! {
    fn the_exit_status_and_both_outputs_are_reported(bench: Bench) {
        let report = bench.run("echo out; echo err >&2; echo out again; exit 7");
        assert_eq!(report.ending, CommandEnding::Exited(7));
        assert_eq!(report.stopped_by, None);
        assert!(!report.output_truncated);
        assert_eq!(bench.log(), "out\nerr\nout again\n");
        assert!(report.usage.wall_s > 0.0);
    }

    fn a_command_that_ends_by_a_signal_is_reported_with_it(bench: Bench) {
        let report = bench.run("kill -SEGV $$");
        assert_eq!(report.ending, CommandEnding::Signalled(11));
        assert_eq!(report.stopped_by, None);
    }

    fn the_environment_is_the_given_one_and_the_marker(bench: Bench) {
        let mut spec = bench.spec("");
        spec.program = "/usr/bin/env".into();
        spec.arguments.clear();
        run_command(&spec, &bench.guard(), &CancelToken::new());
        let log = bench.log();
        let mut names: Vec<_> = log.lines().filter_map(|line| line.split('=').next()).collect();
        names.sort_unstable();
        assert_eq!(names, [MARKER, "PATH"]);
        assert!(log.contains(&format!("{MARKER}={}/1_1.1#", bench.run)));
    }

    fn a_command_has_no_input_and_no_terminal_and_a_session_of_its_own(bench: Bench) {
        let inheritable = std::fs::File::open("/dev/null").unwrap();
        rustix::io::fcntl_setfd(&inheritable, rustix::io::FdFlags::empty()).unwrap();
        let report = bench.run(
            "cat; readlink /proc/self/fd/0; set -- $(cat /proc/$$/stat); [ $6 = $$ ] && echo leader; ls /proc/self/fd | wc -l",
        );
        assert_eq!(report.ending, CommandEnding::Exited(0));
        // Standard streams and the folder that `ls` reads: no descriptor of the executor leaks into the tool.
        assert_eq!(bench.log(), "/dev/null\nleader\n4\n");
    }

    fn what_cannot_be_started_is_named(bench: Bench) {
        let start = |change: &dyn Fn(&mut noodle2_model::CommandSpec)| {
            let mut spec = bench.spec("exit 0");
            change(&mut spec);
            reason(run_command(&spec, &bench.guard(), &CancelToken::new()).ending)
        };
        let missing = start(&|spec| spec.program = "/no/such/tool".into());
        assert!(missing.contains("/no/such/tool: No such file"), "{missing}");
        let folder = start(&|spec| spec.folder = "/no/such/folder".into());
        assert!(folder.contains("folder /no/such/folder"), "{folder}");
        let log = start(&|spec| spec.log = "/no/such/log".into());
        assert!(log.contains("log /no/such/log"), "{log}");
        let nul = start(&|spec| spec.arguments = vec!["a\0b".to_owned()]);
        assert!(nul.contains("/bin/sh"), "{nul}");
    }

    fn the_wall_limit_ends_a_command(bench: Bench) {
        bench.limits.wall = Duration::from_millis(200);
        let report = bench.run("sleep 1000");
        assert_eq!((report.ending, report.stopped_by), (TERM, Some(StopReason::WallLimit)));
        assert!(report.usage.wall_s >= 0.2);
    }

    fn a_command_that_ignores_term_is_killed_after_its_grace(bench: Bench) {
        bench.limits.wall = Duration::from_millis(200);
        bench.grace = Duration::from_millis(200);
        let report = bench.run("trap '' TERM; while :; do sleep 1000; done");
        assert_eq!((report.ending, report.stopped_by), (KILL, Some(StopReason::WallLimit)));
        assert!(report.usage.wall_s >= 0.4);
    }

    fn a_command_that_acts_on_term_may_use_its_grace(bench: Bench) {
        let report = bench.run_and(
            "trap 'echo cleaning; exit 3' TERM; echo ready; while :; do sleep 0.01; done",
            CancelToken::cancel,
        );
        assert_eq!(report.ending, CommandEnding::Exited(3));
        assert_eq!(report.stopped_by, Some(StopReason::Cancelled));
        assert!(bench.log().ends_with("cleaning\n"));
    }

    fn a_stopped_command_still_ends(bench: Bench) {
        let report = bench.run_and("echo ready; kill -STOP $$", CancelToken::cancel);
        assert_eq!((report.ending, report.stopped_by), (TERM, Some(StopReason::Cancelled)));
    }

    fn the_cpu_limit_ends_a_busy_command(bench: Bench) {
        bench.limits.cpu = Duration::from_millis(300);
        let report = bench.run("while :; do :; done");
        assert!(report.usage.cpu_s >= 0.25, "{report:?}");
        assert_eq!((report.ending, report.stopped_by), (TERM, Some(StopReason::CpuLimit)));
    }

    fn the_cpu_limit_counts_all_processes_together(bench: Bench) {
        bench.limits.cpu = Duration::from_secs(1);
        let report = bench.run(
            "for each in 1 2 3 4 5 6 7 8; do sh -c 'while :; do :; done' & done; wait",
        );
        assert_eq!(report.stopped_by, Some(StopReason::CpuLimit));
        assert!(report.usage.cpu_s < 60.0, "{report:?}");
    }

    fn the_memory_limit_ends_a_command(bench: Bench) {
        bench.limits.memory_bytes = 64 << 20;
        let report = bench.run("exec tail /dev/zero");
        assert_eq!(report.stopped_by, Some(StopReason::MemoryLimit), "{report:?}");
        assert!(report.usage.peak_memory_bytes > Some(64 << 20), "{report:?}");
    }

    fn the_memory_limit_counts_all_processes_together(bench: Bench) {
        bench.limits.memory_bytes = 100 << 20;
        let report = bench.run(
            "for each in 1 2 3 4 5 6; do (head -c 30000000 /dev/zero; exec sleep 1000) | tail -c 30000000 & done; wait",
        );
        assert_eq!((report.ending, report.stopped_by), (KILL, Some(StopReason::MemoryLimit)));
    }

    fn output_beyond_its_limit_is_drained_and_dropped(bench: Bench) {
        bench.limits.output_bytes = 1000;
        let report = bench.run("yes | head -c 5000000; echo $? > ended");
        assert_eq!(report.ending, CommandEnding::Exited(0));
        assert!(report.output_truncated);
        assert_eq!(std::fs::read_to_string(bench.path("ended")).unwrap(), "0\n");
        let log = bench.log();
        assert!(log.starts_with(&"y\n".repeat(500)));
        assert!(
            log[1000..].starts_with("\n[noodle2] output cut here: 1000 bytes kept, 4999000 bytes dropped"),
            "{}",
            &log[1000..]
        );
    }

    fn endless_output_does_not_outrun_a_limit(bench: Bench) {
        bench.limits.wall = Duration::from_millis(300);
        let report = bench.run("exec yes");
        assert_eq!((report.ending, report.stopped_by), (TERM, Some(StopReason::WallLimit)));
    }

    fn descendants_do_not_outlive_the_command(bench: Bench) {
        let number = unique();
        let report = bench.run(&format!("setsid sleep {number} & sleep {number} & exit 5"));
        assert_eq!(report.ending, CommandEnding::Exited(5));
        assert_eq!(report.stopped_by, None);
        assert_eq!(processes_with(&number), [0_u32; 0]);
    }

    fn descendants_may_finish_what_they_write(bench: Bench) {
        let report = bench.run("(sleep 0.05; echo late) & exit 0");
        assert_eq!(report.ending, CommandEnding::Exited(0));
        assert_eq!(bench.log(), "late\n");
    }

    fn a_kill_reaches_other_sessions_and_ignores_the_grace(bench: Bench) {
        let number = unique();
        let script = format!(
            "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo ready; sleep {number}; :' & while :; do wait; done"
        );
        let report = bench.run_and(&script, CancelToken::kill);
        assert_eq!((report.ending, report.stopped_by), (KILL, Some(StopReason::Cancelled)));
        assert_eq!(processes_with(&number), [0_u32; 0]);
    }

    fn a_kill_hastens_a_stop_that_is_under_way(bench: Bench) {
        let report = bench.run_and(
            "trap 'echo heard' TERM; echo ready; while :; do sleep 0.01; done",
            |token| {
                token.cancel();
                eventually("the command got TERM", || bench.log().contains("heard"));
                token.kill();
            },
        );
        assert_eq!((report.ending, report.stopped_by), (KILL, Some(StopReason::Cancelled)));
    }

    fn a_fork_bomb_is_put_out(bench: Bench) {
        bench.limits.cpu = Duration::from_millis(500);
        bench.grace = Duration::from_millis(50);
        let number = unique();
        // Bounded, in case it is not: 2^8 processes that come back for more.
        let report = bench.run(&format!(
            "bomb() {{ [ $1 = 0 ] || {{ bomb $(($1 - 1)) & bomb $(($1 - 1)) & wait; }}; }}; \
             while :; do bomb 8; done # {number}"
        ));
        assert_eq!(report.stopped_by, Some(StopReason::CpuLimit));
        assert_eq!(processes_with(&number), [0_u32; 0]);
    }

    fn a_command_that_was_cancelled_before_does_not_start(bench: Bench) {
        let token = CancelToken::new();
        token.cancel();
        let report = run_command(&bench.spec("echo ran"), &bench.guard(), &token);
        assert!(reason(report.ending).contains("cancelled"));
        assert_eq!(report.stopped_by, Some(StopReason::Cancelled));
        assert_eq!(bench.log(), "");
    }

    fn memory_of_the_executor_is_not_charged_to_the_command(bench: Bench) {
        // Touched, or it would not count; kept until after the run.
        let ballast = vec![1_u8; 200 << 20];
        bench.limits.memory_bytes = 100 << 20;
        let report = bench.run("exit 1");
        assert_eq!(report.stopped_by, None);
        assert!(report.usage.peak_memory_bytes < Some(100 << 20), "{report:?}");
        drop(ballast);
    }

    fn two_commands_of_one_attempt_do_not_end_each_other(bench: Bench) {
        let other = bench.guard();
        let report = bench.run_and("echo ready; until [ -e go ]; do sleep 0.01; done; exit 4", |_| {
            let mut spec = bench.spec("sleep 1000 & exit 6");
            spec.log = bench.path("other");
            let ended = run_command(&spec, &other, &CancelToken::new());
            assert_eq!(ended.ending, CommandEnding::Exited(6));
            std::fs::write(bench.path("go"), "").unwrap();
        });
        assert_eq!(report.ending, CommandEnding::Exited(4));
    }

    fn two_hundred_commands_on_four_workers_come_back_once(bench: Bench) {
        let pool = Pool::new(4).unwrap();
        for id in 0..200_u32 {
            let mut spec = bench.spec(&format!("echo {id}; exit {}", id % 100));
            spec.log = bench.path(&id.to_string());
            let guard = bench.guard();
            pool.submit(id, move |token| run_command(&spec, &guard, token)).unwrap();
        }
        let mut seen = Vec::new();
        while seen.len() < 200 {
            let Some(PoolEvent::Finished { id, result, .. }) = pool.recv_timeout(FOREVER) else {
                panic!("{} commands came back, then no more", seen.len());
            };
            let status = i32::try_from(id % 100).unwrap();
            assert_eq!(result.unwrap().ending, CommandEnding::Exited(status));
            let log = std::fs::read_to_string(bench.path(&id.to_string())).unwrap();
            assert_eq!(log, format!("{id}\n"));
            seen.push(id);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
    }

    fn dropping_a_pool_kills_its_commands(bench: Bench) {
        let number = unique();
        let pool = Pool::new(1).unwrap();
        let (spec, guard) = (
            bench.spec(&format!("trap '' TERM; echo ready; sleep {number}; :")),
            bench.guard(),
        );
        pool.submit(1, move |token| run_command(&spec, &guard, token)).unwrap();
        eventually("the command runs", || bench.log().contains("ready"));
        let before = Instant::now();
        drop(pool);
        assert!(before.elapsed() < FOREVER / 2);
        assert_eq!(processes_with(&number), [0_u32; 0]);
    }
}

#[test]
fn a_supervisor_ends_and_counts_what_sheds_marker_session_and_parent() {
    let bench = Bench::supervised();
    let number = unique();
    let report = bench.run(&format!(
        "(setsid env -i sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo > done; sleep {number}; :' &) ; \
         until [ -e done ]; do sleep 0.01; done"
    ));
    assert_eq!(report.ending, CommandEnding::Exited(0));
    assert_eq!(processes_with(&number), [0_u32; 0]);
    assert!(report.usage.cpu_s > 0.02, "{report:?}");
}

#[test]
fn an_executable_that_is_no_supervisor_is_reported_and_leaves_nothing() {
    let mut bench = Bench::supervised();
    bench.supervision = noodle2_exec::Supervision::Process("/no/such/supervisor".into());
    let missing = reason(bench.run("exit 0").ending);
    assert!(missing.contains("/no/such/supervisor"), "{missing}");
    bench.supervision = noodle2_exec::Supervision::Process("/bin/true".into());
    assert_eq!(bench.run("exit 0").ending, KILL);
}
