//! Scalars and lists, typed strictly.

use noodle2_model::ParameterValue;

use super::{Lowered, Place, Reported};
use crate::codes::{self, Code};
use crate::locations::Location;
use crate::report::Report;
use crate::suggest::{did_you_mean, quoted};
use crate::tree::{Kind, Node};

/// What a scalar is by the core schema of YAML 1.2, less what other versions of YAML read differently.
pub(super) enum Scalar<'a> {
    /// Nothing stands there.
    Empty,
    /// `null` or `~`.
    Null,
    Boolean(bool),
    Integer(i128),
    Real(f64),
    /// `.inf`, `.nan`, or a number that no floating-point number can hold.
    NotFinite,
    /// A word or number that YAML versions or readers disagree about, and what to write instead.
    Ambiguous(&'a str, String),
    Text(&'a str),
}

pub(super) fn resolve(text: &str, plain: bool) -> Scalar<'_> {
    if !plain {
        return Scalar::Text(text);
    }
    match text {
        "" => return Scalar::Empty,
        "null" | "~" => return Scalar::Null,
        "true" => return Scalar::Boolean(true),
        "false" => return Scalar::Boolean(false),
        "Null" | "NULL" => return Scalar::Ambiguous(text, "`null`".to_owned()),
        "True" | "TRUE" => return Scalar::Ambiguous(text, "`true`".to_owned()),
        "False" | "FALSE" => return Scalar::Ambiguous(text, "`false`".to_owned()),
        _ => {}
    }
    let (sign, digits) = match text.as_bytes()[0] {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let lower = digits.to_ascii_lowercase();
    if matches!(lower.as_str(), ".inf" | ".nan") {
        return Scalar::NotFinite;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(rest) = digits.strip_prefix(prefix) {
            if !rest.is_empty() && rest.chars().all(|digit| digit.is_digit(radix)) {
                return i128::from_str_radix(&format!("{sign}{rest}"), radix)
                    .map_or(Scalar::NotFinite, Scalar::Integer);
            }
            return Scalar::Text(text);
        }
    }
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let significant = digits.trim_start_matches('0');
        if digits.len() > 1 && significant.len() < digits.len() {
            let significant = if significant.is_empty() {
                "0"
            } else {
                significant
            };
            return Scalar::Ambiguous(text, format!("`{sign}{significant}`"));
        }
        if let Ok(number) = format!("{sign}{digits}").parse() {
            return Scalar::Integer(number);
        }
    }
    if is_real(digits) {
        return match format!("{sign}{digits}").parse::<f64>() {
            // Zero has one spelling, so that a study has one hash.
            Ok(0.0) => Scalar::Real(0.0),
            Ok(number) if number.is_finite() => Scalar::Real(number),
            _ => Scalar::NotFinite,
        };
    }
    Scalar::Text(text)
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, YAML 1.2.2 section 10.3.2.
fn is_real(digits: &str) -> bool {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = match mantissa.split_once('.') {
        Some((whole, part)) => {
            all_digits(whole) && all_digits(part) && !(whole.is_empty() && part.is_empty())
        }
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    let exponent = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && all_digits(exponent)
    });
    mantissa && exponent
}

/// What a node is, in words.
pub(super) fn describe(node: &Node) -> String {
    match &node.kind {
        Kind::Sequence(_) => "a list".to_owned(),
        Kind::Mapping(_) => "a mapping".to_owned(),
        Kind::Scalar { text, plain } => match resolve(text, *plain) {
            Scalar::Empty => "nothing".to_owned(),
            Scalar::Null => quoted(text),
            Scalar::Boolean(_) => quoted(text),
            Scalar::Integer(_) | Scalar::Real(_) => format!("the number {}", quoted(text)),
            Scalar::NotFinite | Scalar::Ambiguous(..) => quoted(text),
            Scalar::Text(_) => format!("the text {}", quoted(text)),
        },
    }
}

const TEXT: &str = "a text";

/// Lowers one value.
pub(super) trait Lower<T>: Fn(&mut Report, &Place<'_>) -> Lowered<T> {}

impl<T, F: Fn(&mut Report, &Place<'_>) -> Lowered<T>> Lower<T> for F {}

/// Reports that `place` does not hold what is `wanted` ("a whole number").
pub(super) fn wrong_type(
    report: &mut Report,
    place: &Place<'_>,
    wanted: &str,
    help: Option<String>,
) -> Reported {
    let label = quoted(place.label());
    let (message, help) = match &place.node.kind {
        Kind::Scalar { text, plain } => match resolve(text, *plain) {
            Scalar::Empty => (
                format!("{label} has no value"),
                help.or(Some(format!("write {wanted}"))),
            ),
            Scalar::Ambiguous(text, instead) => (
                format!(
                    "{label} must be {wanted}, and YAML versions disagree about {}",
                    quoted(text)
                ),
                Some(if wanted == TEXT {
                    format!("put it in quotes: \"{text}\"")
                } else {
                    format!("write {instead}")
                }),
            ),
            Scalar::NotFinite => (
                format!("{label} must be {wanted}; {} is not finite", quoted(text)),
                help,
            ),
            _ => (
                format!("{label} must be {wanted}, not {}", describe(place.node)),
                help,
            ),
        },
        _ => (
            format!("{label} must be {wanted}, not {}", describe(place.node)),
            help,
        ),
    };
    refuse(report, place, codes::WRONG_TYPE, message, help)
}

pub(super) fn refuse(
    report: &mut Report,
    place: &Place<'_>,
    code: Code,
    message: String,
    help: Option<String>,
) -> Reported {
    let span = place.span(report);
    report.add(code, span, message, help);
    Reported
}

/// A text; what looks like a number or a word such as `true` needs quotes.
pub(super) fn text(report: &mut Report, place: &Place<'_>) -> Lowered<String> {
    let help = match &place.node.kind {
        Kind::Scalar { text, plain } => match resolve(text, *plain) {
            Scalar::Text(text) => return Ok(text.to_owned()),
            Scalar::Empty => None,
            _ => Some(format!("put it in quotes: \"{text}\"")),
        },
        Kind::Sequence(items) if items.len() == 1 => {
            Some("write the one entry without `-` or brackets".to_owned())
        }
        _ => None,
    };
    Err(wrong_type(report, place, TEXT, help))
}

/// A text that is a path or a name, and so not empty.
pub(super) fn filled(report: &mut Report, place: &Place<'_>) -> Lowered<String> {
    let text = text(report, place)?;
    if text.trim().is_empty() || text.trim() != text {
        let message = format!(
            "{} is empty, or starts or ends with a blank",
            quoted(place.label())
        );
        return Err(refuse(report, place, codes::BAD_NAME, message, None));
    }
    Ok(text)
}

/// `true` or `false`, and nothing else.
pub(super) fn boolean(report: &mut Report, place: &Place<'_>) -> Lowered<bool> {
    let help = match &place.node.kind {
        Kind::Scalar { text, plain } => match resolve(text, *plain) {
            Scalar::Boolean(value) => return Ok(value),
            _ => match text.to_lowercase().as_str() {
                "yes" | "on" | "y" | "1" | "true" => Some("write `true`".to_owned()),
                "no" | "off" | "n" | "0" | "false" => Some("write `false`".to_owned()),
                _ => None,
            },
        },
        _ => None,
    };
    Err(wrong_type(report, place, "`true` or `false`", help))
}

/// A whole number that the type can hold.
pub(super) fn whole<T: TryFrom<i128> + Bounded>(
    report: &mut Report,
    place: &Place<'_>,
) -> Lowered<T> {
    let mut help = None;
    if let Kind::Scalar { text, plain } = &place.node.kind {
        match resolve(text, *plain) {
            Scalar::Integer(value) => {
                return T::try_from(value).map_err(|_| {
                    let label = quoted(place.label());
                    let message = if value < 0 {
                        format!("{label} must not be negative")
                    } else {
                        format!("{label} must be at most {}, not {value}", T::GREATEST)
                    };
                    refuse(report, place, codes::OUT_OF_RANGE, message, None)
                });
            }
            Scalar::Real(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                help = Some(format!("write `{value:.0}`"));
            }
            Scalar::Real(_) => help = Some("fractions are not meant here".to_owned()),
            Scalar::Text(text) => help = number_help(text),
            _ => {}
        }
    }
    Err(wrong_type(report, place, "a whole number", help))
}

/// The unsigned types of a study, with their greatest value for messages.
pub(super) trait Bounded {
    const GREATEST: u64;
}

impl Bounded for u32 {
    const GREATEST: u64 = u32::MAX as u64;
}

impl Bounded for u64 {
    const GREATEST: u64 = u64::MAX;
}

/// A finite number.
pub(super) fn number(report: &mut Report, place: &Place<'_>) -> Lowered<f64> {
    let mut help = None;
    if let Kind::Scalar { text, plain } = &place.node.kind {
        match resolve(text, *plain) {
            Scalar::Integer(value) => return Ok(value as f64),
            Scalar::Real(value) => return Ok(value),
            Scalar::Text(text) => help = number_help(text),
            Scalar::NotFinite => help = Some("leave it out where no limit is meant".to_owned()),
            _ => {}
        }
    }
    Err(wrong_type(report, place, "a number", help))
}

/// What to write for a text that was meant as a number.
fn number_help(text: &str) -> Option<String> {
    let plain: String = text
        .chars()
        .filter(|character| !matches!(character, '_' | ',' | '\''))
        .collect();
    if plain.parse::<f64>().is_ok_and(f64::is_finite) {
        return Some(if plain == text {
            "write the number without quotes".to_owned()
        } else {
            format!("write `{plain}`")
        });
    }
    let unit = text.trim_start_matches(|character: char| {
        character.is_ascii_digit() || "+-. ".contains(character)
    });
    let number = text[..text.len() - unit.len()].trim();
    (!unit.is_empty() && number.parse::<f64>().is_ok_and(f64::is_finite)).then(|| {
        format!(
            "write the number alone, in the unit that the key names; {} cannot be read",
            quoted(unit)
        )
    })
}

/// A value for an ECO parameter.
pub(super) fn parameter_value(report: &mut Report, place: &Place<'_>) -> Lowered<ParameterValue> {
    if let Kind::Scalar { text, plain } = &place.node.kind {
        match resolve(text, *plain) {
            Scalar::Boolean(value) => return Ok(ParameterValue::Boolean(value)),
            Scalar::Integer(value) => {
                return i64::try_from(value)
                    .map(ParameterValue::Integer)
                    .map_err(|_| {
                        let message =
                            format!("{} is too large a number: {value}", quoted(place.label()));
                        refuse(report, place, codes::OUT_OF_RANGE, message, None)
                    });
            }
            Scalar::Real(value) => return Ok(ParameterValue::Real(value)),
            Scalar::Text(text) => return Ok(ParameterValue::Text(text.to_owned())),
            _ => {}
        }
    }
    Err(wrong_type(
        report,
        place,
        "a number, a word, `true` or `false`",
        None,
    ))
}

/// One of a fixed list of words. `noun` is what they are, as in "metric".
pub(super) fn word<T: Copy>(
    report: &mut Report,
    place: &Place<'_>,
    noun: &str,
    words: &[(&str, T)],
) -> Lowered<T> {
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    let given = match &place.node.kind {
        Kind::Scalar { text, plain } => match resolve(text, *plain) {
            Scalar::Text(text) => text,
            _ => {
                return Err(wrong_type(
                    report,
                    place,
                    &format!("a {noun}"),
                    did_you_mean(text, &names),
                ));
            }
        },
        _ => {
            return Err(wrong_type(
                report,
                place,
                &format!("a {noun}"),
                did_you_mean("", &names),
            ));
        }
    };
    if let Some((_, value)) = words.iter().find(|(name, _)| *name == given) {
        return Ok(*value);
    }
    let message = format!("{} is not a known {noun}", quoted(given));
    Err(refuse(
        report,
        place,
        codes::UNKNOWN_WORD,
        message,
        did_you_mean(given, &names),
    ))
}

/// A list, each entry lowered by `lower`, with `placeholder` for entries that fail.
pub(super) fn list<T: Clone>(
    report: &mut Report,
    place: &Place<'_>,
    placeholder: &T,
    lower: impl Lower<T>,
) -> Lowered<Vec<T>> {
    let Kind::Sequence(items) = &place.node.kind else {
        let help = match &place.node.kind {
            Kind::Scalar { text, plain } => match resolve(text, *plain) {
                Scalar::Empty => None,
                _ => Some(format!(
                    "write `[{}]`",
                    report.source().slice(place.node.span)
                )),
            },
            _ => Some("start each entry with `- `".to_owned()),
        };
        return Err(wrong_type(report, place, "a list", help));
    };
    let mut values = Vec::with_capacity(items.len());
    for (index, node) in items.iter().enumerate() {
        let item = Place {
            node,
            field: format!("{}[{index}]", place.field),
        };
        report.locate(
            &item.field,
            Location {
                key: None,
                value: node.span,
            },
        );
        values.push(lower(report, &item).unwrap_or_else(|Reported| {
            report.mark_broken(&item.field);
            placeholder.clone()
        }));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> &'static str {
        match resolve(text, true) {
            Scalar::Empty => "empty",
            Scalar::Null => "null",
            Scalar::Boolean(_) => "boolean",
            Scalar::Integer(_) => "integer",
            Scalar::Real(_) => "real",
            Scalar::NotFinite => "not finite",
            Scalar::Ambiguous(..) => "ambiguous",
            Scalar::Text(_) => "text",
        }
    }

    #[test]
    fn plain_scalars_are_what_yaml_1_2_says() {
        for (expected, texts) in [
            ("empty", &[""][..]),
            ("null", &["null", "~"]),
            ("boolean", &["true", "false"]),
            (
                "integer",
                &[
                    "0",
                    "-7",
                    "+3",
                    "0x1F",
                    "0o17",
                    "170141183460469231731687303715884105727",
                ],
            ),
            (
                "real",
                &[
                    "1.5",
                    "-.5",
                    "1.",
                    "1e3",
                    "1E-3",
                    "170141183460469231731687303715884105728",
                ],
            ),
            ("not finite", &[".inf", "-.INF", ".NaN", "1e999"]),
            ("ambiguous", &["True", "FALSE", "Null", "007", "-00"]),
            (
                "text",
                &[
                    "yes", "no", "on", "1_000", "1:30", "e3", ".", "+", "-", "1e", "0x", "0xfg",
                    "a", "--1", "inf",
                ],
            ),
        ] {
            for text in texts {
                assert_eq!(name(text), expected, "{text:?}");
            }
        }
        assert!(matches!(resolve("true", false), Scalar::Text("true")));
        assert!(matches!(resolve("0x1F", true), Scalar::Integer(31)));
    }

    #[test]
    fn numbers_written_for_people_are_understood_in_the_help() {
        assert_eq!(number_help("1_000").as_deref(), Some("write `1000`"));
        assert_eq!(
            number_help("12").as_deref(),
            Some("write the number without quotes")
        );
        assert!(number_help("5 ps").is_some_and(|help| help.contains("`ps`")));
        assert_eq!(number_help("many"), None);
    }
}
