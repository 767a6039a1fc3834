//! Paths in the layout `json`. It is read by its lines, for the tool writes names into it as they are: one with a
//! backslash makes it no JSON. Its times are in seconds, whatever the unit of the other layouts is.

use super::row::Number;
use super::summary::ReportCheck;

/// The line with which a report in this layout begins.
pub(super) const BEGIN: &[u8] = b"{\"checks\": [";

/// What a line means to a report in this layout.
#[derive(PartialEq, Debug)]
pub(super) enum JsonLine<'a> {
    /// It is of a path, or of what is in one.
    Inner,
    /// A path begins.
    PathBegins,
    /// A path ends.
    PathEnds,
    /// The report ends.
    End,
    /// It is no line of such a report.
    Foreign,
    /// The path group.
    Group(&'a [u8]),
    /// The check.
    Check(ReportCheck),
    /// The start.
    Start(&'a [u8]),
    /// The end.
    Endpoint(&'a [u8]),
    /// The slack in ps.
    Slack(Number),
}

pub(super) fn read(line: &[u8]) -> JsonLine<'_> {
    let line = line.trim_ascii_end();
    match line {
        b"{" => return JsonLine::PathBegins,
        b"}" | b"}," => return JsonLine::PathEnds,
        b"]" => return JsonLine::End,
        _ => {}
    }
    let Some(inner) = line.strip_prefix(b"  ") else {
        return JsonLine::Foreign;
    };
    let value = |key: &[u8]| {
        let rest = inner.strip_prefix(b"\"")?.strip_prefix(key)?;
        let rest = rest.strip_prefix(b"\": ")?;
        Some(rest.strip_suffix(b",").unwrap_or(rest))
    };
    let name = |key: &[u8]| value(key)?.strip_prefix(b"\"")?.strip_suffix(b"\"");
    if let Some(group) = name(b"path_group") {
        return JsonLine::Group(group);
    }
    if let Some(kind) = name(b"path_type") {
        return JsonLine::Check(match kind {
            b"max" => ReportCheck::Setup,
            b"min" => ReportCheck::Hold,
            _ => ReportCheck::Unknown,
        });
    }
    if let Some(start) = name(b"startpoint") {
        return JsonLine::Start(start);
    }
    if let Some(end) = name(b"endpoint") {
        return JsonLine::Endpoint(end);
    }
    let slack = value(b"slack").and_then(picoseconds);
    slack.map_or(JsonLine::Inner, JsonLine::Slack)
}

/// The picoseconds of `-8.092e-10` seconds, and how many digits behind the point they have.
fn picoseconds(text: &[u8]) -> Option<Number> {
    let text = std::str::from_utf8(text).ok()?;
    let (mantissa, exponent) = text.split_once('e')?;
    let is_mantissa = mantissa.len() <= 20
        && mantissa
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    let exponent: i32 = exponent.parse().ok().filter(|_| is_mantissa)?;
    // No time is further from 0.
    let exponent = exponent.checked_add(12).filter(|power| *power < 15)?;
    let value: f64 = format!("{mantissa}e{exponent}").parse().ok()?;
    let digits = mantissa
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len() as i32);
    let decimals = digits.saturating_sub(exponent).clamp(0, 15);
    Some(Number {
        value,
        decimals: decimals as u8,
    })
}
