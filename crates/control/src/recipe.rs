//! What one entry of a stage's ECOs can become: an ECO or a sequence of them, with the values of its
//! parameters. Parameters of a sequence bear the number of their step: `2.max_cells`.

use std::collections::BTreeMap;

use noodle2_model::{
    Containment, ContentHash, EcoClass, EcoDefinition, EcoProposal, ParameterDomain, ParameterKind,
    ParameterSpec, ParameterValue, Parameters, Rollback, StageEco,
};

/// An entry of a stage's ECOs with its definitions.
#[derive(Clone)]
pub(crate) struct Recipe<'a> {
    pub name: &'a str,
    parts: Vec<&'a EcoDefinition>,
    rollback: Option<Rollback>,
    pub axes: Vec<Axis<'a>>,
}

/// One parameter and the values that a stage tries for it.
#[derive(Clone)]
pub(crate) struct Axis<'a> {
    pub name: String,
    kind: &'a ParameterKind,
    pub values: AxisValues,
}

/// The values of one parameter.
#[derive(Clone)]
pub(crate) enum AxisValues {
    Listed(Vec<ParameterValue>),
    Sampled { from: f64, to: f64 },
}

impl<'a> Recipe<'a> {
    /// The recipe of an entry; `None` where an ECO of it is not known.
    pub fn new(entry: &'a StageEco, ecos: &'a BTreeMap<String, EcoDefinition>) -> Option<Self> {
        let mut parts = Vec::new();
        let mut axes = Vec::new();
        for (step, (name, parameters)) in entry.components().enumerate() {
            let definition = ecos.get(name)?;
            for (parameter, domain) in parameters {
                if let Some(spec) = definition.manifest.parameters.get(parameter) {
                    axes.push(Axis {
                        name: qualified(entry.is_sequence(), step, parameter),
                        kind: &spec.kind,
                        values: axis_values(domain, &spec.kind),
                    });
                }
            }
            parts.push(definition);
        }
        let rollback = entry
            .is_sequence()
            .then(|| entry.rollback.unwrap_or_default());
        Some(Self {
            name: &entry.name,
            parts,
            rollback,
            axes,
        })
    }

    /// The ECOs that it is made of.
    pub fn parts(&self) -> &[&'a EcoDefinition] {
        &self.parts
    }

    pub fn is_sequence(&self) -> bool {
        self.rollback.is_some()
    }

    /// Whether it is this ECO, or has it among its parts.
    pub fn holds(&self, eco: &str) -> bool {
        self.name == eco || self.parts.iter().any(|part| part.manifest.name == eco)
    }

    /// The hash over the ECO's manifest and files; of a sequence over those of its parts and its rollback.
    pub fn content(&self) -> ContentHash {
        let Some(rollback) = self.rollback else {
            return self.parts[0].content;
        };
        let contents: Vec<String> = (self.parts.iter())
            .map(|part| part.content.to_string())
            .collect();
        ContentHash::of(format!(
            "noodle2 sequence {rollback} {}",
            contents.join(" ")
        ))
    }

    /// The class of its widest part.
    pub fn class(&self) -> EcoClass {
        let classes = self.parts.iter().map(|part| part.manifest.class);
        classes.max().unwrap_or(EcoClass::TopologyNeutral)
    }

    /// Whether it, or a part of it, is contained.
    pub fn is_kept_out(&self, containment: &Containment) -> bool {
        containment.keeps_out(self.name, self.class())
            || (self.parts.iter())
                .any(|part| containment.keeps_out(&part.manifest.name, part.manifest.class))
    }

    /// How many different combinations it has; `None` where a parameter is sampled.
    pub fn combinations(&self) -> Option<u128> {
        self.axes
            .iter()
            .try_fold(1_u128, |product, axis| match &axis.values {
                AxisValues::Listed(values) => Some(product.saturating_mul(values.len() as u128)),
                AxisValues::Sampled { .. } => None,
            })
    }

    /// The combination with this number, the last parameter running fastest.
    pub fn combination(&self, mut number: u128) -> Parameters {
        let mut parameters = Parameters::new();
        for axis in self.axes.iter().rev() {
            if let AxisValues::Listed(values) = &axis.values {
                let count = values.len() as u128;
                let value = &values[(number % count) as usize];
                parameters.insert(axis.name.clone(), value.clone());
                number /= count;
            }
        }
        parameters
    }

    /// Every parameter of its parts.
    pub fn parameters(&self) -> BTreeMap<String, ParameterSpec> {
        let parts = self.parts.iter().enumerate();
        let of_part = |(step, part): (usize, &&EcoDefinition)| {
            let parameters = part.manifest.parameters.iter();
            let named = parameters
                .map(|(name, spec)| (qualified(self.is_sequence(), step, name), spec.clone()));
            named.collect::<Vec<_>>()
        };
        parts.flat_map(of_part).collect()
    }

    /// The values to which its stage restricts its parameters.
    pub fn values(&self) -> BTreeMap<String, ParameterDomain> {
        let axes = self.axes.iter();
        axes.map(|axis| {
            let domain = match &axis.values {
                AxisValues::Listed(values) => ParameterDomain::Values(values.clone()),
                AxisValues::Sampled { from, to } => ParameterDomain::Range {
                    from: *from,
                    to: *to,
                    step: None,
                },
            };
            (axis.name.clone(), domain)
        })
        .collect()
    }

    /// The proposal with `given` values; the other parameters keep their defaults.
    pub fn proposal(&self, given: &Parameters) -> EcoProposal {
        let Some(rollback) = self.rollback else {
            let part = self.parts[0];
            return EcoProposal::single(&part.manifest, part.content, given);
        };
        let steps = self.parts.iter().enumerate().map(|(step, part)| {
            let of_step = format!("{}.", step + 1);
            let own = given.iter().filter_map(|(name, value)| {
                Some((name.strip_prefix(&of_step)?.to_owned(), value.clone()))
            });
            EcoProposal::single(&part.manifest, part.content, &own.collect())
        });
        EcoProposal {
            name: self.name.to_owned(),
            version: 1,
            content: self.content(),
            class: self.class(),
            parameters: Parameters::new(),
            composition: None,
            sequence: steps.collect(),
            rollback: Some(rollback),
        }
    }

    /// Values from outside, as this recipe holds them; a parameter left out takes the only value that the
    /// stage gives, or its default.
    ///
    /// # Errors
    /// What the stage does not permit, in words.
    pub fn admit(&self, given: &Parameters) -> Result<Parameters, String> {
        let mut admitted = Parameters::new();
        for axis in &self.axes {
            let value = match (given.get(&axis.name), &axis.values) {
                (Some(value), _) => axis.admit(value)?,
                (None, AxisValues::Listed(values)) if values.len() == 1 => values[0].clone(),
                (None, _) => return Err(format!("it gives no value for `{}`", axis.name)),
            };
            admitted.insert(axis.name.clone(), value);
        }
        for (name, value) in given {
            if admitted.contains_key(name) {
                continue;
            }
            let Some(default) = self.default_of(name) else {
                return Err(format!("`{}` has no parameter `{name}`", self.name));
            };
            if default != *value {
                return Err(format!(
                    "the stage gives no values for `{name}`, so it keeps its default {default}"
                ));
            }
        }
        Ok(admitted)
    }

    /// This recipe with some parameters of one step fixed; `None` where the stage does not permit these values.
    pub fn narrowed(&self, step: usize, values: &Parameters) -> Option<Self> {
        let mut narrowed = self.clone();
        for (name, value) in values {
            let name = qualified(self.is_sequence(), step, name);
            match narrowed.axes.iter_mut().find(|axis| axis.name == name) {
                Some(axis) => axis.narrow(value).then_some(())?,
                None => (self.default_of(&name)? == *value).then_some(())?,
            }
        }
        Some(narrowed)
    }

    fn default_of(&self, name: &str) -> Option<ParameterValue> {
        let names_it = |(step, part): (usize, &&EcoDefinition)| {
            let parameters = part.manifest.parameters.iter();
            parameters
                .map(move |(own, spec)| (qualified(self.is_sequence(), step, own), spec.clone()))
                .find(|(own, _)| own == name)
        };
        let (_, spec) = self.parts.iter().enumerate().find_map(names_it)?;
        Some(spec.kind.default_value())
    }
}

pub(crate) fn qualified(in_sequence: bool, step: usize, parameter: &str) -> String {
    match in_sequence {
        true => format!("{}.{parameter}", step + 1),
        false => parameter.to_owned(),
    }
}

impl Axis<'_> {
    /// A value from outside, where it is one of this axis.
    fn admit(&self, value: &ParameterValue) -> Result<ParameterValue, String> {
        let refuse = || format!("{value} is no value that the stage gives `{}`", self.name);
        let value = self.kind.admit(value).ok_or_else(refuse)?;
        let is_there = match (&self.values, &value) {
            (AxisValues::Listed(values), value) => values.contains(value),
            (AxisValues::Sampled { from, to }, ParameterValue::Real(value)) => {
                (from..=to).contains(&value)
            }
            (AxisValues::Sampled { .. }, _) => false,
        };
        match is_there {
            true => Ok(value),
            false => Err(refuse()),
        }
    }

    /// Whether `value` is one of this axis, and then the only one left.
    pub fn narrow(&mut self, value: &ParameterValue) -> bool {
        match self.admit(value) {
            Ok(value) => {
                self.values = AxisValues::Listed(vec![value]);
                true
            }
            Err(_) => false,
        }
    }
}

fn axis_values(domain: &ParameterDomain, kind: &ParameterKind) -> AxisValues {
    let admit = |value: &ParameterValue| kind.admit(value);
    match domain {
        ParameterDomain::Value(value) => AxisValues::Listed(admit(value).into_iter().collect()),
        ParameterDomain::Values(values) => {
            AxisValues::Listed(values.iter().filter_map(admit).collect())
        }
        ParameterDomain::Range { from, to, step } => {
            let whole = matches!(kind, ParameterKind::Integer { .. });
            match step.or(whole.then_some(1.0)) {
                None => AxisValues::Sampled {
                    from: *from,
                    to: *to,
                },
                Some(step) => AxisValues::Listed(stepped(*from, *to, step, whole)),
            }
        }
    }
}

/// The points from `from` to `to`. Each is computed from its number, so that no error accumulates,
/// and rounded to nine digits, so that 0.1 + 2 × 0.1 is written as 0.3.
fn stepped(from: f64, to: f64, step: f64, whole: bool) -> Vec<ParameterValue> {
    let last = ((to - from) / step + 1e-9).floor().max(0.0) as u64;
    (0..=last)
        .map(|number| {
            let value = rounded(from + number as f64 * step, 9);
            if whole {
                ParameterValue::Integer(value as i64)
            } else {
                ParameterValue::Real(value)
            }
        })
        .collect()
}

pub(crate) fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}
