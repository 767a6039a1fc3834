//! Short reports of timing: slacks, limits, clocks, checks of the setup.

use serde::Serialize;

use crate::lines::{Lines, count, is_rule, last_words, number};

/// Which slack a line is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SlackKind {
    /// `report_wns`: the worst slack, at most 0.
    WorstNegative,
    /// `report_tns`: the sum over endpoints, at most 0.
    TotalNegative,
    /// `report_worst_slack`: the worst slack.
    Worst,
}

/// A line of `report_wns`, `report_tns` or `report_worst_slack`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SlackReport {
    /// Which slack.
    pub kind: SlackKind,
    /// The kind of path where the line says so (`max`, `min`), which versions after 2025 do; which check it is of cannot be
    /// told otherwise.
    pub path_type: Option<String>,
    /// In the log's unit of time, as printed, `-0.00` as minus zero; none where it says `INF`: no path is constrained.
    pub value: Option<f64>,
}

impl SlackReport {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (kind, rest) = [
            ("wns ", SlackKind::WorstNegative),
            ("tns ", SlackKind::TotalNegative),
            ("worst slack ", SlackKind::Worst),
        ]
        .into_iter()
        .find_map(|(words, kind)| Some((kind, line.strip_prefix(words)?)))?;
        let mut words = rest.split_ascii_whitespace().rev();
        let value = words.next()?;
        let path_type = words.next();
        if words.next().is_some() || !matches!(path_type, None | Some("max" | "min")) {
            return None;
        }
        let is_infinite = matches!(value, "INF" | "-INF" | "inf" | "-inf");
        let value = number(value);
        if value.is_none() && !is_infinite {
            return None;
        }
        Some(Self {
            kind,
            path_type: path_type.map(str::to_owned),
            value,
        })
    }
}

/// A kind of limit, with the pins that `report_check_types` lists under it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LimitCheck {
    /// What is limited, as printed: `max slew`, `max capacitance`, `max fanout`, …
    pub kind: String,
    /// How many pins are listed.
    pub listed: u64,
    /// How many of them violate the limit.
    pub violations: u64,
    /// The pin with the least slack.
    pub worst: Option<LimitedPin>,
}

/// A pin under a limit. Values are in the log's units, of time for slews and of capacitance for capacitances.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LimitedPin {
    /// Its name.
    pub pin: String,
    /// The limit.
    pub limit: f64,
    /// What it is.
    pub value: f64,
    /// How far it is from the limit, negative beyond it, as printed: two digits make minus zero of a small violation.
    pub slack: f64,
}

impl LimitCheck {
    pub(crate) fn read(lines: &mut Lines<'_>) -> Option<Self> {
        let kind = lines.peek()?;
        let is_kind = kind.starts_with("max ") || kind.starts_with("min ");
        let header = (1..=2).find(|ahead| {
            let header = lines.look(*ahead).unwrap_or_default();
            header.starts_with("Pin ") && header.contains(" Limit ") && header.ends_with(" Slack")
        });
        let header = header.filter(|_| is_kind && kind.len() < 40)?;
        lines.skip(header + 1);
        let mut check = Self {
            kind: kind.to_owned(),
            listed: 0,
            violations: 0,
            worst: None,
        };
        lines.rows(|line| {
            let (pin, [limit, value, slack, state]) = last_words(line)?;
            let violated = match state {
                "(VIOLATED)" => true,
                "(MET)" => false,
                _ => return None,
            };
            let pin = LimitedPin {
                pin: pin.to_owned(),
                limit: number(limit)?,
                value: number(value)?,
                slack: number(slack)?,
            };
            check.listed += 1;
            check.violations += u64::from(violated);
            if check
                .worst
                .as_ref()
                .is_none_or(|worst| pin.slack < worst.slack)
            {
                check.worst = Some(pin);
            }
            Some(())
        });
        Some(check)
    }
}

/// What `report_clock_skew` says of a clock.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ClockSkew {
    /// The clock.
    pub clock: String,
    /// The check: `setup` or `hold`.
    pub check: String,
    /// The skew, in the log's unit of time.
    pub skew: f64,
    /// Pin and latency at the register that launches.
    pub source: Option<(String, f64)>,
    /// Pin and latency at the register that captures, as printed: the latency is subtracted and has its sign changed.
    pub target: Option<(String, f64)>,
    /// What was taken off for what both have in common.
    pub crpr: Option<f64>,
}

impl ClockSkew {
    pub(crate) fn read(lines: &mut Lines<'_>) -> Option<Self> {
        let clock = lines.peek()?.strip_prefix("Clock ")?;
        let (mut source, mut target, mut crpr, mut end) = (None, None, None, None);
        // A few lines of a number and what it is; the skew is the last.
        for ahead in 1..=12 {
            let line = lines.look(ahead)?.trim_start();
            if is_rule(line) {
                continue;
            }
            let (value, what) = line.split_once(' ')?;
            let value = number(value)?;
            let pin = |rest: &str| {
                let pin = rest.trim_end_matches(['^', 'v']).trim();
                Some((pin.to_owned(), value))
            };
            if let Some(rest) = what.strip_prefix("source latency ") {
                source = pin(rest);
            } else if let Some(rest) = what.strip_prefix("target latency ") {
                target = pin(rest);
            } else if what == "CRPR" {
                crpr = Some(value);
            } else if let Some(check) = what.strip_suffix(" skew") {
                end = Some((ahead, check, value));
                break;
            }
        }
        let (ahead, check, skew) = end?;
        lines.skip(ahead + 1);
        Some(Self {
            clock: clock.to_owned(),
            check: check.to_owned(),
            skew,
            source,
            target,
            crpr,
        })
    }
}

/// What `report_clock_min_period` says of a clock.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ClockMinPeriod {
    /// The clock.
    pub clock: String,
    /// The least period, in the log's unit of time.
    pub period: f64,
    /// The greatest frequency, in MHz.
    pub frequency_mhz: f64,
}

impl ClockMinPeriod {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (clock, rest) = line.split_once(" period_min = ")?;
        let (period, frequency) = rest.split_once(" fmax = ")?;
        Some(Self {
            clock: clock.to_owned(),
            period: number(period)?,
            frequency_mhz: number(frequency)?,
        })
    }
}

/// A complaint of `check_setup`: `There are 2 unconstrained endpoints.`
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SetupComplaint {
    /// How many.
    pub count: u64,
    /// Of what, as printed, in the plural: `unconstrained endpoints`.
    pub of: String,
}

impl SetupComplaint {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let line = line.strip_prefix("Warning: ").unwrap_or(line);
        let line = match line.strip_prefix("[WARNING ") {
            Some(rest) => rest.split_once("] ")?.1,
            None => line,
        };
        let rest = line
            .strip_prefix("There are ")
            .or_else(|| line.strip_prefix("There is "))?;
        let (number, of) = rest.split_once(' ')?;
        let of = of.trim_end_matches(['.', ':']);
        Some(Self {
            count: count(number)?,
            of: match number {
                "1" => plural(of),
                _ => of.to_owned(),
            },
        })
    }
}

/// The plural of what `check_setup` complains of once.
fn plural(of: &str) -> String {
    let mut words: Vec<&str> = of.split(' ').collect();
    let nouns = [
        ("endpoint", "endpoints"),
        ("pin", "pins"),
        ("port", "ports"),
        ("loop", "loops"),
        ("clock", "clocks"),
    ];
    let noun = |word: &&str| nouns.into_iter().find(|(one, _)| one == word);
    if let Some((at, (_, many))) =
        (words.iter().enumerate()).find_map(|(at, word)| Some((at, noun(word)?)))
    {
        words[at] = many;
    }
    words.join(" ")
}
