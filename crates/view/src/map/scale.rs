//! Round numbers for ticks and bars.

/// 1, 2 or 5 times a power of ten, at most `most`, which is above 0.
pub(crate) fn round_step(most: f64) -> f64 {
    let power = 10.0_f64.powf(most.log10().floor());
    let step = [5.0, 2.0, 1.0]
        .into_iter()
        .find(|step| step * power <= most * (1.0 + 1e-9));
    step.unwrap_or(1.0) * power
}

/// Four to ten round numbers from `low` to `high`, which is greater.
pub(crate) fn ticks(low: f64, high: f64) -> Vec<f64> {
    let step = round_step((high - low) / 4.0);
    if !(step > 0.0 && step.is_finite()) {
        return vec![low, high];
    }
    let first = (low / step - 1e-9).ceil();
    (0..12)
        .map(|place| (first + f64::from(place)) * step)
        .take_while(|tick| *tick <= high + step * 1e-9)
        .map(|tick| if tick == 0.0 { 0.0 } else { tick })
        .collect()
}

/// A number of a map with the digits that a step of this size needs.
pub(crate) fn number(value: f64, step: f64) -> String {
    let decimals = (-step.abs().log10().floor()).clamp(0.0, 9.0) as usize;
    if value != 0.0 && (value.abs() >= 1e6 || step.abs() < 1e-6) {
        return format!("{value:.2e}").replace('-', "−");
    }
    format!("{value:.decimals$}").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(ticks(0.0, 100.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(-3.0, 3.0), [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]);
        assert_eq!(ticks(50.0, 72.0), [50.0, 55.0, 60.0, 65.0, 70.0]);
        assert_eq!(round_step(52.0), 50.0);
        assert_eq!(round_step(0.3), 0.2);
        assert_eq!(number(-2.5, 0.5), "−2.5");
        assert_eq!(number(1e7, 1e6), "1.00e7");
        assert_eq!(number(40.0, 20.0), "40");
    }
}
