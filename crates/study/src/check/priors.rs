//! Evidence of other runs: names that can be kept, weights and times that can be meant.

use noodle2_model::Study;

use super::{file_name, out_of_range};
use crate::codes;
use crate::report::Report;

pub(super) fn check(study: &Study, report: &mut Report) {
    let Some(priors) = &study.priors else {
        return;
    };
    if let Some(project) = &priors.project {
        file_name(report, "priors.project", project);
    }
    for (key, days) in [
        ("max_age_days", priors.max_age_days),
        ("half_life_days", priors.half_life_days),
    ] {
        if days <= 0.0 {
            out_of_range(report, &format!("priors.{key}"), "must be above 0 days");
        }
    }
    for (index, source) in priors.sources.iter().enumerate() {
        if !(source.weight > 0.0 && source.weight <= 1.0) {
            let field = format!("priors.sources[{index}].weight");
            out_of_range(report, &field, "must be above 0 and at most 1");
        }
        let earlier = &priors.sources[..index];
        let same = |other: &noodle2_model::PriorSource| {
            (&other.project, &other.study) == (&source.project, &source.study)
        };
        if earlier.iter().any(same) {
            report.at(
                codes::DUPLICATE,
                &format!("priors.sources[{index}]"),
                "the same source is listed twice".to_owned(),
                "the first of several that match decides, so this one never does; remove one"
                    .to_owned(),
            );
        }
    }
}
