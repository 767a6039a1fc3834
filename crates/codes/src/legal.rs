//! Codes `N2-LEGAL-…`: what a safety domain or budget does not allow.

use crate::codes;

codes! {
    SEVERAL = "N2-LEGAL-000", "the study asks for what it does not allow" {
        meaning: "Several breaches were found, each told above with its own code.";
        causes: [
            "see the codes above",
        ];
        advice: "Narrow the study, or declare a wider domain and thereby that you accept its risk.";
        example: "an ECO and a rule that are both too wide";
    }
    CLASS_TOO_WIDE = "N2-LEGAL-001", "an ECO wider than its safety domain" {
        meaning: "`locked` permits topology_neutral and placement_local ECOs, `guarded` also routing_affecting \
             ones, `sandbox` all four classes. A stage's domain is the stricter of its own and the study's.";
        causes: [
            "an ECO that does more than the study is about",
            "a domain that is stricter than meant",
        ];
        advice: "Choose a narrower ECO, or declare a wider domain and thereby that you accept its risk.";
        example: "`restructure`, which is global_disruptive, under `safety_domain: locked`";
    }
    DOMAIN_TOO_LOOSE = "N2-LEGAL-002", "a stage that is freer than its study" {
        meaning: "A stage may declare a stricter domain than its study, never a looser one: the study's domain is \
             what its reader relies on.";
        causes: [
            "a study that was tightened after its stages were written",
        ];
        advice: "Make the stage's domain as strict as the study's, or widen the study's.";
        example: "`safety_domain: guarded` in a stage of a `locked` study";
    }
    OVER_BUDGET = "N2-LEGAL-003", "stages that may try more than the budget" {
        meaning: "The trials of all stages together exceed `budget.trials`, or those of a branch \
             `budget.branch.trials`, so that some stage could not do what it declares.";
        causes: [
            "a stage that was added without raising the budget",
        ];
        advice: "Raise the budget, or lower the trials of a stage.";
        example: "`budget: {trials: 20}` and two stages of 12";
    }
    ECO_NOT_ALLOWED = "N2-LEGAL-004", "an ECO that the study's lists keep out" {
        meaning: "`safety.deny_ecos` names ECOs that may not be tried, `safety.allow_ecos` the only ones that may; \
             a study's and a stage's lists both hold. Names are patterns: `*` stands for any text.";
        causes: [
            "a pattern that is wider than meant",
        ];
        advice: "Take the ECO out of the stage, or change the lists.";
        example: "`deny_ecos: [\"buffer_*\"]` and `buffer_fanout`";
    }
    RULE_TOO_LOOSE = "N2-LEGAL-005", "a rule that is looser than the safety domain" {
        meaning: "A domain sets how soon something is contained, when a study is given up, and which gates a result \
             passes before it survives. A study or stage may be stricter, never looser.";
        causes: [
            "a rule copied from a study with a wider domain",
        ];
        advice: "Remove the rule, or declare a wider domain and thereby that you accept its risk.";
        example: "a rail of 90 % failures under `locked`";
    }
    EXPLORATION = "N2-LEGAL-006", "exploration where it is locked" {
        meaning: "`locked` tries what is written and nothing else: no values drawn by chance.";
        causes: [
            "a range without `step`",
        ];
        advice: "List the values of the parameter, or give its range a `step`.";
        example: "`count: {from: 1, to: 9}` under `locked`";
    }
    HOLD_UNSEEN = "N2-LEGAL-007", "an ECO for hold where no scene answers for hold" {
        meaning: "Hold violations come from the skew between clock trees, and with ideal clocks there is none: what \
             is repaired may not be broken, and what is broken is not seen.";
        causes: [
            "ideal clocks in the only scene that checks hold",
        ];
        advice: "Set `clocks: propagated` in a scene that checks hold, or say there with `ideal_hold: REASON` why \
             its slacks are worth repairing.";
        example: "`fix_hold` with ideal clocks";
    }
}
