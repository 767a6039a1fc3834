//! The JSON Schema of study files.

use noodle2_model::Study;
use serde_json::{Value, json};

/// The JSON Schema (draft 2020-12) of study files, by which editors complete and check them.
///
/// Generated from the types, with the shorthands of the file format and the plainest ranges added. It
/// knows the shape only: what holds between values, and what a study refers to, is checked by
/// [`read_study`](crate::read_study) alone.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(Study).to_value();
    shorthands(&mut schema);
    for (pointer, keyword, value) in constraints() {
        at(&mut schema, pointer)[keyword] = value;
    }
    schema["title"] = json!("Noodle 2 study");
    schema
}

/// The forms that a file may use beside those of the types.
fn shorthands(schema: &mut Value) {
    let ecos = at(schema, "/$defs/Stage/properties/ecos");
    ecos["items"] = json!({
        "anyOf": [
            { "type": "string", "description": "The name of an ECO whose parameters keep their defaults." },
            { "$ref": "#/$defs/StageEco" },
        ]
    });
    let steps = at(schema, "/$defs/StageEco/properties/sequence");
    steps["items"] = json!({
        "anyOf": [
            { "type": "string", "description": "The name of an ECO whose parameters keep their defaults." },
            { "$ref": "#/$defs/SequenceStep" },
        ]
    });
    // A sequence may go without a name.
    let eco = at(schema, "/$defs/StageEco");
    eco["required"] = json!([]);
    eco["anyOf"] = json!([{ "required": ["name"] }, { "required": ["sequence"] }]);
    // A proposer without values may be a single word.
    let proposer = at(schema, "/$defs/Stage/properties/proposer");
    let whole = proposer.clone();
    *proposer = json!({ "anyOf": [{ "$ref": "#/$defs/ProposerKind" }, whole] });
    at(schema, "/$defs/Notification")["oneOf"] = json!([
        { "required": ["command"], "properties": { "command": { "type": "array" }, "webhook": { "type": "null" } } },
        { "required": ["webhook"], "properties": { "webhook": { "type": "string" }, "command": { "type": "null" } } },
    ]);
    let after = at(schema, "/$defs/Stage/properties/after");
    after["type"] = json!(["array", "string"]);
    let from = at(schema, "/$defs/ExtraTrials/properties/from");
    from["type"] = json!(["array", "string"]);
    let sdc = json!({
        "description": "The constraint files of a study with a single scene: the platform's default corner, ideal clocks, no wires, setup and hold. Refused together with `scenes`.",
        "type": "array",
        "items": { "type": "string" },
        "minItems": 1,
    });
    at(schema, "/$defs/Design/properties")["sdc"] = sdc;
    if let Some(required) = at(schema, "/required").as_array_mut() {
        required.retain(|key| key != "scenes");
    }
    schema["oneOf"] = json!([
        { "required": ["scenes"] },
        { "properties": { "design": { "required": ["sdc"] } } },
    ]);
    // An untagged variant cannot refuse unknown keys by itself.
    at(schema, "/$defs/ParameterDomain/anyOf/2")["additionalProperties"] = json!(false);
}

/// Ranges and patterns that the types do not carry: pointer, keyword, value.
fn constraints() -> Vec<(&'static str, &'static str, Value)> {
    const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
    vec![
        ("/properties/name", "pattern", json!(NAME)),
        ("/properties/scenes", "minItems", json!(1)),
        ("/properties/stages", "minItems", json!(1)),
        ("/properties/eco_path", "uniqueItems", json!(true)),
        (
            "/$defs/Design/properties/case_name",
            "pattern",
            json!("^[A-Za-z][A-Za-z0-9_]{0,63}$"),
        ),
        (
            "/$defs/Design/properties/netlists",
            "uniqueItems",
            json!(true),
        ),
        ("/$defs/Scene/properties/name", "pattern", json!(NAME)),
        ("/$defs/Scene/properties/sdc", "minItems", json!(1)),
        ("/$defs/Scene/properties/sdc", "uniqueItems", json!(true)),
        ("/$defs/Scene/properties/checks", "minItems", json!(1)),
        ("/$defs/Scene/properties/checks", "uniqueItems", json!(true)),
        ("/$defs/Objective/properties/rank", "minItems", json!(1)),
        (
            "/$defs/Objective/properties/rank",
            "uniqueItems",
            json!(true),
        ),
        ("/$defs/Bound/properties/max_loss", "minimum", json!(0)),
        (
            "/$defs/Bound/properties/max_loss_percent",
            "minimum",
            json!(0),
        ),
        ("/$defs/NoiseRules/properties/repeats", "minimum", json!(1)),
        (
            "/$defs/NoiseRules/properties/repeats",
            "maximum",
            json!(100),
        ),
        ("/$defs/Gates/properties/stability", "minimum", json!(1)),
        ("/$defs/Gates/properties/stability", "maximum", json!(100)),
        ("/$defs/Fallback/properties/max_loss", "minimum", json!(0)),
        (
            "/$defs/Fallback/properties/max_loss_percent",
            "minimum",
            json!(0),
        ),
        ("/$defs/Budget/properties/trials", "minimum", json!(1)),
        (
            "/$defs/Budget/properties/cpu_time_s",
            "exclusiveMinimum",
            json!(0),
        ),
        (
            "/$defs/Budget/properties/wall_time_s",
            "exclusiveMinimum",
            json!(0),
        ),
        ("/$defs/Budget/properties/disk_mib", "minimum", json!(1)),
        ("/$defs/BranchBudget/properties/trials", "minimum", json!(1)),
        (
            "/$defs/BranchBudget/properties/cpu_time_s",
            "exclusiveMinimum",
            json!(0),
        ),
        (
            "/$defs/BranchBudget/properties/wall_time_s",
            "exclusiveMinimum",
            json!(0),
        ),
        ("/$defs/ExtraTrials/properties/from", "minItems", json!(1)),
        (
            "/$defs/ExtraTrials/properties/from",
            "uniqueItems",
            json!(true),
        ),
        ("/$defs/ExtraTrials/properties/at_most", "minimum", json!(1)),
        (
            "/$defs/StageBudget/properties/cpu_time_s",
            "exclusiveMinimum",
            json!(0),
        ),
        (
            "/$defs/StageBudget/properties/wall_time_s",
            "exclusiveMinimum",
            json!(0),
        ),
        (
            "/$defs/Limits/properties/cpu_time_s",
            "exclusiveMinimum",
            json!(0),
        ),
        (
            "/$defs/Limits/properties/wall_time_s",
            "exclusiveMinimum",
            json!(0),
        ),
        ("/$defs/Limits/properties/memory_mib", "minimum", json!(1)),
        ("/$defs/Limits/properties/output_mib", "minimum", json!(1)),
        ("/$defs/Stage/properties/name", "pattern", json!(NAME)),
        (
            "/$defs/PriorRules/properties/project",
            "pattern",
            json!(NAME),
        ),
        (
            "/$defs/PriorRules/properties/max_age_days",
            "exclusiveMinimum",
            json!(0),
        ),
        (
            "/$defs/PriorRules/properties/half_life_days",
            "exclusiveMinimum",
            json!(0),
        ),
        (
            "/$defs/PriorSource/properties/weight",
            "exclusiveMinimum",
            json!(0),
        ),
        ("/$defs/PriorSource/properties/weight", "maximum", json!(1)),
        ("/$defs/Stage/properties/after", "uniqueItems", json!(true)),
        ("/$defs/Stage/properties/survivors", "minimum", json!(1)),
        ("/$defs/Aborts/properties/failures", "minimum", json!(1)),
        (
            "/$defs/Aborts/properties/failures_in_a_row",
            "minimum",
            json!(1),
        ),
        (
            "/$defs/EarlyStop/properties/doomed_after",
            "minimum",
            json!(1),
        ),
        ("/$defs/StageEco/properties/sequence", "minItems", json!(2)),
        ("/$defs/Approval/properties/approvers", "minimum", json!(1)),
        (
            "/$defs/Approval/properties/from",
            "uniqueItems",
            json!(true),
        ),
        ("/$defs/Notification/properties/on", "minItems", json!(1)),
        (
            "/$defs/Notification/properties/on",
            "uniqueItems",
            json!(true),
        ),
        (
            "/$defs/Notification/properties/retries",
            "maximum",
            json!(10),
        ),
        ("/$defs/Join/properties/keep", "minimum", json!(1)),
        ("/$defs/Join/properties/pairs", "minimum", json!(1)),
        (
            "/$defs/JoinPolicy/oneOf/2/properties/quorum",
            "minimum",
            json!(1),
        ),
        ("/$defs/ParameterDomain/anyOf/1", "minItems", json!(1)),
        (
            "/$defs/ParameterDomain/anyOf/2/properties/step",
            "exclusiveMinimum",
            json!(0),
        ),
    ]
}

fn at<'a>(schema: &'a mut Value, pointer: &str) -> &'a mut Value {
    schema.pointer_mut(pointer).unwrap_or_else(|| {
        panic!("the schema of a study has {pointer}: every test of the schema passes here")
    })
}
