//! The identity of a study.

use noodle2_model::{ContentHash, Study};

/// The hash of what a study says: blind to comments, layout, key order, shorthands, the place of its file,
/// to whom it tells what happens, and to where the platform's libraries and the engine lie, which a run records by their content.
/// Other paths count as written.
pub fn study_hash(study: &Study) -> ContentHash {
    let mut study = study.clone();
    study.design.platform_root = None;
    study.engine.path = None;
    study.notify.clear();
    // Fields are written in declaration order and maps in key order, so one study has one text.
    let text = serde_json::to_vec(&study).expect("a study has string keys only");
    ContentHash::of(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_libraries_and_engine_lie_and_who_is_told_does_not_count() {
        let text = "name: a\ndesign: {case_name: a, top: a, netlists: [a.v], platform: osu018, sdc: [a.sdc]}\n\
                    engine: {kind: opensta}\nobjective: {rank: [setup_wns_ps]}\n\
                    stages: [{name: s, trials: 1, ecos: [noop]}]\n";
        let read = |text: &str| {
            let reading = crate::read_structure(text.as_bytes(), "a.yaml".as_ref());
            study_hash(
                &reading
                    .study
                    .unwrap_or_else(|| panic!("{:#?}", reading.problems)),
            )
        };
        let elsewhere = text
            .replace(
                "platform: osu018",
                "platform: osu018, platform_root: /elsewhere",
            )
            .replace("kind: opensta", "kind: opensta, path: /elsewhere/sta")
            .replace("stages:", "notify: [{command: [tell, everybody]}]\nstages:");
        assert_eq!(read(text), read(&elsewhere));
        assert_ne!(read(text), read(&text.replace("trials: 1", "trials: 2")));
    }
}
