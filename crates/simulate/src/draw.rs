//! Chance by key: the same draws for the same thing, whatever was drawn before.

use noodle2_control::AttemptRole;
use noodle2_model::TrialId;

/// Chance for one thing: SplitMix64 (Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, 2014), seeded
/// with all that names it.
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    /// Chance for an attempt: what is drawn depends on the seed of the study, the trial, what the attempt is made for,
    /// how many such were made before, and on what is drawn.
    pub fn of(seed: u64, trial: TrialId, role: AttemptRole, earlier: usize, what: &str) -> Self {
        let role = match role {
            AttemptRole::Derives => 0,
            AttemptRole::Confirms => 1,
            AttemptRole::Repeats(repeat) => 2 + u64::from(repeat),
        };
        let stage = u64::from(trial.stage.0);
        let words = [seed, stage, u64::from(trial.derived), role, earlier as u64];
        let what = what.bytes().map(u64::from);
        Self(words.into_iter().chain(what).fold(0, |state, word| {
            let mut mixed = Self(state ^ word);
            mixed.next()
        }))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to 1, 1 left out.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number between two others.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A number of the standard normal distribution (Box and Muller, *A note on the generation of random normal
    /// deviates*, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A place among `count`, which is at least 1.
    pub fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_each_part_of_its_key_and_on_nothing_else() {
        let trial: TrialId = "3_7".parse().unwrap();
        let role = AttemptRole::Derives;
        let first = |draw: Draw| draw.clone().next();
        let drawn = first(Draw::of(1, trial, role, 0, "a"));
        assert_eq!(drawn, first(Draw::of(1, trial, role, 0, "a")));
        for other in [
            Draw::of(2, trial, role, 0, "a"),
            Draw::of(1, "7_3".parse().unwrap(), role, 0, "a"),
            Draw::of(1, trial, AttemptRole::Confirms, 0, "a"),
            Draw::of(1, trial, AttemptRole::Repeats(0), 0, "a"),
            Draw::of(1, trial, role, 1, "a"),
            Draw::of(1, trial, role, 0, "b"),
        ] {
            assert_ne!(first(other), drawn);
        }
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let mut draw = Draw(7);
        let drawn: Vec<f64> = (0..20_000).map(|_| draw.normal()).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|value| value * value).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }
}
