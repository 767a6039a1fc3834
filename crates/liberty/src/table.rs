//! The drive resistance in a delay table: the only thing that is read of the tables.

use std::collections::BTreeMap;

use crate::syntax::{Arguments, Event, Fault, Scanner};

/// The axes of a `lu_table_template`.
#[derive(Default)]
pub(crate) struct Template {
    variables: [Option<Axis>; 3],
    indexes: [Option<Span>; 3],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
    Load,
    Other,
}

/// What is needed of an index: how many values it has, the first and the last.
#[derive(Clone, Copy)]
struct Span {
    length: usize,
    first: f64,
    last: f64,
}

pub(crate) type Templates = BTreeMap<Vec<u8>, Template>;

/// The bytes under which a template is stored and asked for.
pub(crate) fn template_name(arguments: Arguments<'_>) -> Vec<u8> {
    arguments
        .first()
        .map(|name| name.as_bytes().to_vec())
        .unwrap_or_default()
}

impl Template {
    /// Reads the group whose opening was the last event.
    pub(crate) fn read(scanner: &mut Scanner<'_>) -> Result<Self, Fault> {
        let mut template = Self::default();
        loop {
            match scanner.next()? {
                Event::Simple(name, value) => {
                    if let Some(place) = numbered(name, b"variable_") {
                        template.variables[place] = Some(match value.text().as_ref() {
                            "total_output_net_capacitance" => Axis::Load,
                            _ => Axis::Other,
                        });
                    }
                }
                Event::Complex(name, arguments) => {
                    if let Some(place) = numbered(name, b"index_") {
                        template.indexes[place] = span(arguments);
                    }
                }
                Event::Open(..) => scanner.skip_group()?,
                Event::Close | Event::End => return Ok(template),
            }
        }
    }
}

fn numbered(name: &[u8], stem: &[u8]) -> Option<usize> {
    match name.strip_prefix(stem)? {
        b"1" => Some(0),
        b"2" => Some(1),
        b"3" => Some(2),
        _ => None,
    }
}

fn numbers(arguments: Arguments<'_>) -> impl Iterator<Item = &[u8]> {
    arguments
        .bytes()
        .split(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b'"' | b'\\'))
        .filter(|text| !text.is_empty())
}

fn number(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

fn span(arguments: Arguments<'_>) -> Option<Span> {
    let mut texts = numbers(arguments);
    let first = texts.next()?;
    let (length, last) = texts.fold((1, first), |(length, _), text| (length + 1, text));
    Some(Span {
        length,
        first: number(first)?,
        last: number(last)?,
    })
}

/// Reads the delay table whose opening was the last event: the growth of delay over the growth of load,
/// from the least load to the greatest, at the middle of the other axis. In the library's time unit per
/// capacitance unit; `None` where the table has no load axis or is not of the shape that it declares.
pub(crate) fn slope(
    scanner: &mut Scanner<'_>,
    template: Option<&Template>,
) -> Result<Option<f64>, Fault> {
    let mut indexes = template.map_or([None; 3], |template| template.indexes);
    let mut values = None;
    loop {
        match scanner.next()? {
            Event::Complex(b"values", arguments) => values = Some(arguments),
            Event::Complex(name, arguments) => {
                if let Some(place) = numbered(name, b"index_") {
                    indexes[place] = span(arguments);
                }
            }
            Event::Open(..) => scanner.skip_group()?,
            Event::Simple(..) => {}
            Event::Close | Event::End => break,
        }
    }
    Ok(template
        .zip(values)
        .and_then(|(template, values)| slope_of(template, indexes, values)))
}

fn slope_of(template: &Template, indexes: [Option<Span>; 3], values: Arguments<'_>) -> Option<f64> {
    // Values are stored with the last index running fastest.
    let (load, length, least, greatest) = match template.variables {
        [Some(Axis::Load), None, None] => {
            let load = indexes[0]?;
            (load, load.length, 0, load.length - 1)
        }
        [Some(Axis::Load), Some(Axis::Other), None] => {
            let (load, other) = (indexes[0]?, indexes[1]?);
            let length = load.length.checked_mul(other.length)?;
            let middle = other.length / 2;
            (load, length, middle, length - other.length + middle)
        }
        [Some(Axis::Other), Some(Axis::Load), None] => {
            let (other, load) = (indexes[0]?, indexes[1]?);
            let length = load.length.checked_mul(other.length)?;
            let row = other.length / 2 * load.length;
            (load, length, row, row + load.length - 1)
        }
        _ => return None,
    };
    let (mut count, mut from, mut to) = (0, None, None);
    for text in numbers(values) {
        if count == least {
            from = number(text);
        }
        if count == greatest {
            to = number(text);
        }
        count += 1;
    }
    let slope = (to? - from?) / (load.last - load.first);
    (count == length && slope.is_finite()).then_some(slope)
}
