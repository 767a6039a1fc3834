//! Slacks of endpoints, by scene and check: the file of an attempt that shows how they are spread.
//!
//! Evidence to look at, no metric: nothing decides by it, and no digest holds it. Never holds an endpoint that no check
//! constrains, nor a slack that was not read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use noodle2_model::Check;

use super::read::fields;

/// Digits behind the point of a picosecond. Engines compute in single precision, which at a tenth of a nanosecond
/// resolves no more; what is below zero stays below it.
const DIGITS: usize = 6;

const HEAD: &str = "scene\tcheck\tpin\tslack_ps";

/// The slack of one endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointSlack {
    /// The scene.
    pub scene: String,
    /// The check.
    pub check: Check,
    /// The pin or port.
    pub pin: String,
    /// Its worst slack over paths and path groups, in ps.
    pub slack_ps: f64,
}

/// The slacks of all constrained endpoints of a measured design.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EndpointSlacks {
    slacks: Vec<EndpointSlack>,
}

impl EndpointSlacks {
    /// The file's name, within the folder of an attempt.
    pub const FILE: &str = "endpoints.tsv";

    pub(crate) fn add(&mut self, scene: &str, check: Check, slacks: &[(String, f64)]) {
        let of_check = slacks.iter().map(|(pin, slack)| EndpointSlack {
            scene: scene.to_owned(),
            check,
            pin: pin.clone(),
            slack_ps: *slack,
        });
        self.slacks.extend(of_check);
    }

    /// Whether none was read.
    pub fn is_empty(&self) -> bool {
        self.slacks.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &EndpointSlack> {
        self.slacks.iter()
    }

    /// The scenes in which this check constrains an endpoint.
    pub fn scenes(&self, check: Check) -> BTreeSet<&str> {
        let of_check = self.slacks.iter().filter(|slack| slack.check == check);
        of_check.map(|slack| slack.scene.as_str()).collect()
    }

    /// The worst slack of each endpoint over scenes, by its name.
    pub fn worst(&self, check: Check) -> BTreeMap<&str, f64> {
        let mut worst = BTreeMap::new();
        for slack in self.slacks.iter().filter(|slack| slack.check == check) {
            worst
                .entry(slack.pin.as_str())
                .and_modify(|known: &mut f64| *known = known.min(slack.slack_ps))
                .or_insert(slack.slack_ps);
        }
        worst
    }

    /// The file: a head, then a line for each, by scene, check and pin; escaped as result files are.
    pub fn to_tsv(&self) -> String {
        let mut slacks: Vec<&EndpointSlack> = self.slacks.iter().collect();
        slacks.sort_by(|one, other| {
            (&one.scene, one.check, &one.pin).cmp(&(&other.scene, other.check, &other.pin))
        });
        let mut text = format!("{HEAD}\n");
        for slack in slacks {
            let check = name_of(slack.check);
            let (scene, pin) = (escaped(&slack.scene), escaped(&slack.pin));
            let _ = writeln!(text, "{scene}\t{check}\t{pin}\t{:.DIGITS$}", slack.slack_ps);
        }
        text
    }

    /// Reads the file; `None` for what is no such file.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next() != Some(HEAD) {
            return None;
        }
        let slacks = lines.map(read).collect::<Option<_>>()?;
        Some(Self { slacks })
    }
}

fn read(line: &str) -> Option<EndpointSlack> {
    let [scene, check, pin, slack] = <[String; 4]>::try_from(fields(line)?).ok()?;
    let checks = [Check::Setup, Check::Hold];
    Some(EndpointSlack {
        scene,
        check: checks.into_iter().find(|known| name_of(*known) == check)?,
        pin,
        slack_ps: slack.parse().ok().filter(|slack: &f64| slack.is_finite())?,
    })
}

fn name_of(check: Check) -> &'static str {
    match check {
        Check::Setup => "setup",
        Check::Hold => "hold",
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '\t' => escaped.push_str("\\t"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\0' => escaped.push_str("\\0"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slacks() -> EndpointSlacks {
        let mut slacks = EndpointSlacks::default();
        let named = |pin: &str, slack| (pin.to_owned(), slack);
        slacks.add(
            "typical",
            Check::Hold,
            &[named("b/D", 12.5), named("a\t[0]", -0.000_007)],
        );
        slacks.add("slow", Check::Setup, &[named("b/D", -3.0)]);
        slacks.add("fast", Check::Setup, &[named("b/D", 2.0)]);
        slacks
    }

    #[test]
    fn the_file_is_sorted_and_reads_back() {
        let text = slacks().to_tsv();
        let lines = [
            HEAD,
            "fast\tsetup\tb/D\t2.000000",
            "slow\tsetup\tb/D\t-3.000000",
            "typical\thold\ta\\t[0]\t-0.000007",
            "typical\thold\tb/D\t12.500000",
        ];
        assert_eq!(text, lines.join("\n") + "\n");
        assert_eq!(
            EndpointSlacks::parse(text.as_bytes()).unwrap().to_tsv(),
            text
        );
        let read = slacks();
        assert_eq!(read.scenes(Check::Setup), BTreeSet::from(["fast", "slow"]));
        let worst = read.worst(Check::Setup);
        assert_eq!(worst, BTreeMap::from([("b/D", -3.0)]));
    }

    #[test]
    fn what_is_no_such_file_is_not_read() {
        let text = slacks().to_tsv();
        for (from, to) in [
            ("slack_ps\n", "slack_ns\n"),
            ("\thold\t", "\theld\t"),
            ("12.500000", "NaN"),
            ("12.500000", "inf"),
            ("12.500000", ""),
            ("12.500000", "1\t2"),
            ("12.500000\n", "12.500000"),
        ] {
            assert!(text.contains(from));
            let broken = text.replacen(from, to, 1);
            assert_eq!(EndpointSlacks::parse(broken.as_bytes()), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = EndpointSlacks::parse(&bytes);
            let mut tail = format!("{HEAD}\n").into_bytes();
            tail.extend(bytes);
            let _ = EndpointSlacks::parse(&tail);
        }
    }
}
