//! Orders cells from weak to strong.

use std::cmp::Ordering;

use crate::library::{Cell, PinDirection};

/// Cells whose strengths differ by less are equally strong: characterisation is no more exact.
const TOLERANCE: f64 = 0.02;

/// Sorts cells of one function from weak to strong.
///
/// Strength is the drive resistance where every cell states one, else the greatest load, else the area:
/// names lie, and the greatest loads of some open libraries are rounded to powers of two. Cells of equal
/// strength (within 2 % of their neighbour) follow by area, then by name with numbers compared as numbers.
pub(crate) fn weak_to_strong<'a>(cells: &mut Vec<(&'a str, &'a Cell)>) {
    let measure = [conductance, greatest_load, |cell: &Cell| cell.area]
        .into_iter()
        .find(|measure| cells.iter().all(|(_, cell)| measure(cell).is_some()));
    let mut ranked: Vec<(f64, &'a str, &'a Cell)> = cells
        .drain(..)
        .map(|(name, cell)| {
            let strength = measure.and_then(|measure| measure(cell)).unwrap_or(0.0);
            (strength, name, cell)
        })
        .collect();
    ranked.sort_by(|left, right| {
        left.0
            .total_cmp(&right.0)
            .then_with(|| by_area_and_name((left.1, left.2), (right.1, right.2)))
    });
    let runs = ranked.chunk_by(|left, right| right.0 - left.0 <= TOLERANCE * right.0.abs());
    for run in runs {
        let mut run: Vec<(&str, &Cell)> =
            run.iter().map(|(_, name, cell)| (*name, *cell)).collect();
        run.sort_by(|left, right| by_area_and_name(*left, *right));
        cells.extend(run);
    }
}

/// The inverse of the drive resistance of the cell's weakest output.
fn conductance(cell: &Cell) -> Option<f64> {
    weakest(cell, |pin| pin.drive_resistance_ohm.map(f64::recip))
}

fn greatest_load(cell: &Cell) -> Option<f64> {
    weakest(cell, |pin| pin.max_capacitance_f)
}

fn weakest(cell: &Cell, strength: impl Fn(&crate::Pin) -> Option<f64>) -> Option<f64> {
    cell.pins_of(PinDirection::Output)
        .map(|(_, pin)| strength(pin))
        .reduce(|left, right| Some(left?.min(right?)))?
}

fn by_area_and_name(left: (&str, &Cell), right: (&str, &Cell)) -> Ordering {
    let area = |cell: &Cell| cell.area.unwrap_or(0.0);
    area(left.1)
        .total_cmp(&area(right.1))
        .then_with(|| by_name(left.0, right.0))
}

/// Compares names with their numbers as numbers: `X2` before `X16`.
pub(crate) fn by_name(left: &str, right: &str) -> Ordering {
    let (mut left_rest, mut right_rest) = (left.as_bytes(), right.as_bytes());
    loop {
        let (left_digits, right_digits) = (digits(left_rest), digits(right_rest));
        if left_digits > 0 && right_digits > 0 {
            let (left_number, left_tail) = left_rest.split_at(left_digits);
            let (right_number, right_tail) = right_rest.split_at(right_digits);
            let (left_number, right_number) = (significant(left_number), significant(right_number));
            let order = left_number
                .len()
                .cmp(&right_number.len())
                .then_with(|| left_number.cmp(right_number));
            if order != Ordering::Equal {
                return order;
            }
            (left_rest, right_rest) = (left_tail, right_tail);
            continue;
        }
        match (left_rest, right_rest) {
            ([first, left_tail @ ..], [second, right_tail @ ..]) if first == second => {
                (left_rest, right_rest) = (left_tail, right_tail);
            }
            // Names that differ only in leading zeros still need an order.
            ([], []) => return left.cmp(right),
            _ => return left_rest.cmp(right_rest),
        }
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == b'0').count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Pin;

    fn cell(resistance: Option<f64>, load: Option<f64>, area: f64) -> Cell {
        let pin = Pin {
            direction: Some(PinDirection::Output),
            drive_resistance_ohm: resistance,
            max_capacitance_f: load,
            ..Pin::default()
        };
        Cell {
            area: Some(area),
            pins: [("Y".to_owned(), pin)].into(),
            ..Cell::default()
        }
    }

    fn names(cells: &[(&'static str, Cell)]) -> Vec<&'static str> {
        let mut list: Vec<(&str, &Cell)> = cells.iter().map(|(name, cell)| (*name, cell)).collect();
        weak_to_strong(&mut list);
        list.into_iter()
            .map(|(name, _)| cells.iter().find(|(known, _)| *known == name).unwrap().0)
            .collect()
    }

    #[test]
    fn resistance_then_load_then_area() {
        let by_resistance = [
            ("B", cell(Some(100.0), Some(1.0), 9.0)),
            ("A", cell(Some(900.0), Some(2.0), 9.0)),
        ];
        assert_eq!(names(&by_resistance), ["A", "B"]);
        let by_load = [
            ("A", cell(None, Some(2.0), 1.0)),
            ("B", cell(Some(100.0), Some(1.0), 2.0)),
        ];
        assert_eq!(names(&by_load), ["B", "A"], "one cell lacks a resistance");
        let by_area = [("A", cell(None, None, 2.0)), ("B", cell(None, None, 1.0))];
        assert_eq!(names(&by_area), ["B", "A"]);
    }

    #[test]
    fn equal_strength_goes_by_area_then_by_number() {
        let cells = [
            ("X16", cell(None, Some(1.000), 5.0)),
            ("X2", cell(None, Some(1.005), 5.0)),
            ("BIG", cell(None, Some(0.995), 9.0)),
            ("WEAK", cell(None, Some(0.5), 99.0)),
        ];
        assert_eq!(names(&cells), ["WEAK", "X2", "X16", "BIG"]);
    }

    #[test]
    fn names_with_numbers() {
        let mut list = ["b10", "b9", "b09", "a", "b", "b9x"];
        list.sort_by(|left, right| by_name(left, right));
        assert_eq!(list, ["a", "b", "b09", "b9", "b9x", "b10"]);
    }
}
