//! Colours for values.

/// A colour of the screen (sRGB), eight bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// As SVG has it: `#rrggbb`.
    pub(crate) fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The colour of a magnitude at a share of its range, from 0 to 1: cividis, dark for little.
pub fn magnitude_colour(share: f64) -> Rgb {
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let colour = colorous::CIVIDIS.eval_continuous(share);
    Rgb(colour.r, colour.g, colour.b)
}

/// Lightness (CIE L*) at no change, and how much of it a full change takes away.
const NEUTRAL: f64 = 96.0;
const DARKENING: f64 = 54.0;

/// Chroma (CIE C*) of a full change: what both hues have at that lightness within sRGB.
const CHROMA: f64 = 50.0;

/// Hues (CIE h) in degrees: orange where it got worse, blue where it got better.
const WORSE: f64 = 55.0;
const BETTER: f64 = 280.0;

/// The colour of a change at a share of the greatest, from -1 (better) over 0 to 1 (worse). Lightness falls alike on both sides.
pub fn difference_colour(share: f64) -> Rgb {
    let share = if share.is_finite() {
        share.clamp(-1.0, 1.0)
    } else {
        0.0
    };
    let hue = if share > 0.0 { WORSE } else { BETTER };
    let (sine, cosine) = hue.to_radians().sin_cos();
    let chroma = CHROMA * share.abs();
    from_lab(
        NEUTRAL - DARKENING * share.abs(),
        chroma * cosine,
        chroma * sine,
    )
}

/// CIE L*a*b* of the white D65 as sRGB (IEC 61966-2-1).
fn from_lab(lightness: f64, a: f64, b: f64) -> Rgb {
    let y = (lightness + 16.0) / 116.0;
    let inverse = |value: f64| {
        if value > 6.0 / 29.0 {
            value.powi(3)
        } else {
            3.0 * (6.0_f64 / 29.0).powi(2) * (value - 4.0 / 29.0)
        }
    };
    let x = 0.950_47 * inverse(y + a / 500.0);
    let z = 1.088_83 * inverse(y - b / 200.0);
    let y = inverse(y);
    let channel = |linear: f64| {
        let encoded = if linear <= 0.003_130_8 {
            12.92 * linear
        } else {
            1.055 * linear.powf(1.0 / 2.4) - 0.055
        };
        (encoded.clamp(0.0, 1.0) * 255.0).round() as u8
    };
    Rgb(
        channel(3.240_454_2 * x - 1.537_138_5 * y - 0.498_531_4 * z),
        channel(-0.969_266 * x + 1.876_010_8 * y + 0.041_556 * z),
        channel(0.055_643_4 * x - 0.204_025_9 * y + 1.057_225_2 * z),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L*, a*, b* of a colour of the screen.
    fn lab(colour: Rgb) -> (f64, f64, f64) {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        let (r, g, b) = (linear(colour.0), linear(colour.1), linear(colour.2));
        let forward = |value: f64| {
            if value > (6.0_f64 / 29.0).powi(3) {
                value.cbrt()
            } else {
                value / (3.0 * (6.0_f64 / 29.0).powi(2)) + 4.0 / 29.0
            }
        };
        let x = forward((0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b) / 0.950_47);
        let y = forward(0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b);
        let z = forward((0.019_333_9 * r + 0.119_192 * g + 0.950_304_1 * b) / 1.088_83);
        (116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z))
    }

    #[test]
    fn magnitudes_get_lighter_all_the_way() {
        let steps: Vec<f64> = (0..=100)
            .map(|step| lab(magnitude_colour(f64::from(step) / 100.0)).0)
            .collect();
        for (step, pair) in steps.windows(2).enumerate() {
            assert!(pair[1] > pair[0] - 0.35, "{step}: {pair:?}");
        }
        for (step, pair) in steps.windows(11).enumerate() {
            assert!(pair[10] > pair[0] + 4.0, "{step}: {} {}", pair[0], pair[10]);
        }
        assert!(steps[0] < 20.0 && steps[100] > 85.0);
        assert_eq!(magnitude_colour(f64::NAN), magnitude_colour(0.0));
        assert_eq!(magnitude_colour(7.0), magnitude_colour(1.0));
    }

    #[test]
    fn changes_are_neutral_at_zero_and_as_dark_on_both_sides() {
        let (lightness, a, b) = lab(difference_colour(0.0));
        assert!((lightness - NEUTRAL).abs() < 0.5 && a.abs() < 1.0 && b.abs() < 1.0);
        let mut last = lightness;
        for step in 1..=50 {
            let share = f64::from(step) / 50.0;
            let (better, worse) = (
                lab(difference_colour(-share)),
                lab(difference_colour(share)),
            );
            assert!(
                (better.0 - worse.0).abs() < 1.0,
                "{share}: {better:?} {worse:?}"
            );
            assert!(better.0 < last, "{share}: {} {last}", better.0);
            last = better.0;
            // No channel was cut off: what was asked for is what is seen.
            for (seen, sign, hue) in [(better, -share, BETTER), (worse, share, WORSE)] {
                let chroma = seen.1.hypot(seen.2);
                assert!((chroma - CHROMA * share).abs() < 1.5, "{sign}: {chroma}");
                let seen_hue = seen.2.atan2(seen.1).to_degrees().rem_euclid(360.0);
                assert!(
                    (seen_hue - hue).abs() < 1.5 + 2.0 / share,
                    "{sign}: {seen_hue}"
                );
            }
        }
        // Blue and orange differ in b*, which those who do not see red or green see.
        let (better, worse) = (lab(difference_colour(-1.0)), lab(difference_colour(1.0)));
        assert!(worse.2 - better.2 > 60.0);
        assert_eq!(difference_colour(f64::NAN), difference_colour(0.0));
    }
}
