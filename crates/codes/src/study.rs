//! Codes `N2-STUDY-…`: study files.

use crate::codes;

codes! {
    SEVERAL = "N2-STUDY-000", "the study is not valid" {
        meaning: "Several problems were found, each told above with its own code.";
        causes: [
            "see the codes above",
        ];
        advice: "Correct them; `noodle2 check` finds all at once.";
        example: "three misspelt keys";
    }
    ENCODING = "N2-STUDY-001", "the file is not plain UTF-8 text" {
        meaning: "Study files are UTF-8 without control characters, so that every editor and every message shows \
             the same text. A byte-order mark at the start is accepted and ignored.";
        causes: [
            "a file saved as UTF-16 or Latin-1",
            "a binary file",
        ];
        advice: "Save the file as UTF-8.";
        example: "`µ` written by an editor that uses Latin-1";
    }
    SYNTAX = "N2-STUDY-002", "the file is not YAML" {
        meaning: "The text breaks the rules of YAML 1.2, so nothing after that place can be understood.";
        causes: [
            "tabs where YAML wants spaces",
            "lines of one list that do not start in the same column",
            "a quote or bracket that is not closed",
            "a `: ` inside a text without quotes",
        ];
        advice: "Look at the place that is named and the line before it.";
        example: "`description: first try: slow` without quotes";
    }
    YAML_FEATURE = "N2-STUDY-003", "a part of YAML that study files do not use" {
        meaning: "Study files are plain data in a single document: no tags (`!!str`), no merge keys (`<<`), no keys \
             that are lists or mappings, no anchor that contains itself. Anchors and aliases (`&name`, \
             `*name`) are fine.";
        causes: [
            "a file made by a program that writes tags",
        ];
        advice: "Write out what is meant.";
        example: "`seed: !!int 7`";
    }
    TOO_LARGE = "N2-STUDY-004", "the file is too large or nested too deeply" {
        meaning: "A study file has at most 1 MiB, 64 levels of nesting and 200,000 values after aliases are \
             expanded. No study comes near; a file beyond that is the wrong file or a hostile one.";
        causes: [
            "the wrong file",
            "aliases that expand without end",
        ];
        advice: "Name the right file.";
        example: "a netlist given as study";
    }
    EMPTY = "N2-STUDY-005", "the file says nothing" {
        meaning: "The file is empty or holds only comments.";
        causes: [
            "an editor that did not save",
        ];
        advice: "Write a study; `noodle2 init` writes one that runs.";
        example: "a file of comments";
    }
    DUPLICATE_KEY = "N2-STUDY-006", "a key is given twice" {
        meaning: "One of the two values would be lost without a word.";
        causes: [
            "a block that was copied",
        ];
        advice: "Remove one, or merge their contents.";
        example: "`seed: 1` and further down `seed: 2`";
    }
    UNKNOWN_KEY = "N2-STUDY-007", "a key that is not known here" {
        meaning: "Unknown keys are refused because a misspelt one would otherwise be ignored, and the study would \
             do something else than it says.";
        causes: [
            "a misspelt key",
            "a key one level too deep",
        ];
        advice: "Take the nearest valid key, which the help names.";
        example: "`trails: 12`";
    }
    MISSING_KEY = "N2-STUDY-008", "a required key is missing" {
        meaning: "The value has no sensible default, so it must be written.";
        causes: [
            "a key that was forgotten",
            "a key one level too deep",
        ];
        advice: "Write it; `docs/reference/study.md` tells its type and an example.";
        example: "a stage without `name`";
    }
    WRONG_TYPE = "N2-STUDY-009", "a value of the wrong type" {
        meaning: "Text, whole numbers, numbers, `true`/`false`, lists and mappings are kept apart strictly: `yes` \
             and `no` are texts, and a name that looks like a number must be put in quotes.";
        causes: [
            "a list where one value is wanted",
            "a number in quotes",
        ];
        advice: "Write it in the type that the message names.";
        example: "`trials: \"12\"`";
    }
    OUT_OF_RANGE = "N2-STUDY-010", "a number out of range" {
        meaning: "The number is finite and of the right type, but cannot be meant: a limit of zero, a negative \
             percentage, a count too large to be counted. The help states the range.";
        causes: [
            "a unit that was mixed up",
            "a zero for \"no limit\"",
        ];
        advice: "Write a number within the range, or leave the key out.";
        example: "`trials: -1`";
    }
    UNKNOWN_WORD = "N2-STUDY-011", "a word that is not one of the choices" {
        meaning: "The value must be one of a fixed list of words, such as a metric, a check or a safety domain.";
        causes: [
            "a misspelt word",
        ];
        advice: "Take one of the words that the help names.";
        example: "`safety_domain: guardet`";
    }
    BAD_NAME = "N2-STUDY-012", "a name that cannot be used" {
        meaning: "Names become parts of file names, case names and engine commands. `case_name` is a letter \
             followed by letters, digits and underscores; names of studies, stages and scenes start with a \
             letter or digit and may also hold dots and dashes. At most 64 characters.";
        causes: [
            "a space or slash in a name",
        ];
        advice: "Use letters, digits and underscores.";
        example: "`case_name: my design`";
    }
    DUPLICATE = "N2-STUDY-013", "the same thing is listed twice" {
        meaning: "Stages and scenes are told apart by their names, and the second mention of a file, check or \
             metric adds nothing or loads it twice.";
        causes: [
            "a line that was copied",
        ];
        advice: "Remove or rename one.";
        example: "two stages called `timing`";
    }
    EMPTY_LIST = "N2-STUDY-014", "a list that needs an entry is empty" {
        meaning: "Without an entry there is nothing to read, to time, to rank or to do.";
        causes: [
            "a list whose entries were commented out",
        ];
        advice: "Give it an entry, or leave the key out where it is optional.";
        example: "`ecos: []` in a stage with trials";
    }
    UNKNOWN_STAGE = "N2-STUDY-015", "a stage is named that does not exist" {
        meaning: "A stage starts from the survivors of the stages in its `after`, which are named exactly as their \
             `name` is written. Their order in the file does not matter.";
        causes: [
            "a misspelt name",
            "a stage that was renamed",
        ];
        advice: "Write the name as the stage's own `name`.";
        example: "`after: [timming]`";
    }
    SELF_DEPENDENCY = "N2-STUDY-016", "a stage comes after itself" {
        meaning: "A stage cannot wait for its own survivors, nor draw the trials that it did not use itself.";
        causes: [
            "a stage that was copied with its `after`",
        ];
        advice: "Leave `after` out for a stage that starts from the base case.";
        example: "`{name: timing, after: [timing]}`";
    }
    CYCLE = "N2-STUDY-017", "stages wait for each other in a circle" {
        meaning: "None of the stages in the circle could ever start. A stage waits for those in its `after`, and \
             for those whose unused trials it may draw (`extra_trials`).";
        causes: [
            "an `after` or `extra_trials` that leads back",
        ];
        advice: "Remove one of the edges of the circle that the message names.";
        example: "`a` after `b` and `b` after `a`";
    }
    RELATION = "N2-STUDY-018", "the declared relation is not the one that the graph has" {
        meaning: "`relation` is a check, never a choice: `convergence` for a stage with several predecessors, \
             `independent` for one of several that follow the same predecessor, `sequential` for the only one \
             that follows its predecessor, and none for a root.";
        causes: [
            "an `after` that was added or forgotten",
        ];
        advice: "Correct `relation`, correct `after`, or leave `relation` out.";
        example: "`relation: sequential` with two entries in `after`";
    }
    JOIN = "N2-STUDY-019", "a join that cannot work" {
        meaning: "`join` tells how several branches are merged, so it needs a stage with at least two entries in \
             `after`. `keep` is for `merge: top` alone, and needed there. `mode`, `conflicts` and `pairs` are \
             for `merge: compose`, which needs trials, `conflicts` for its `replay` alone. A quorum is at \
             least 1 and at most the number of branches.";
        causes: [
            "a `join` in a stage with one predecessor",
            "`keep` with another merge than `top`",
        ];
        advice: "Correct the join as the message says.";
        example: "`join: {merge: top}` without `keep`";
    }
    SCENE_SHORTHAND = "N2-STUDY-020", "constraints are given in two places" {
        meaning: "`design.sdc` is the short form for a study with one scene: the platform's default corner, ideal \
             clocks, no wires, setup and hold. A study with `scenes` names the constraints in each scene.";
        causes: [
            "scenes added to a study that had one",
        ];
        advice: "Move `sdc` into the scenes.";
        example: "`design.sdc` beside `scenes`";
    }
    NO_SETUP = "N2-STUDY-021", "no scene checks setup" {
        meaning: "Every study needs at least one scene with `setup` among its `checks`: the gate before the first \
             stage measures setup, and without it no metric of the design's speed exists.";
        causes: [
            "a study of hold alone",
        ];
        advice: "Add `setup` to the `checks` of a scene.";
        example: "`checks: [hold]` in the only scene";
    }
    UNMEASURED_METRIC = "N2-STUDY-022", "a metric that no scene measures" {
        meaning: "Ranking by or bounding a metric that is never measured would make every case equal, or refuse \
             every case. Hold metrics need a scene with `hold` among its `checks`.";
        causes: [
            "a hold metric where no scene checks hold",
        ];
        advice: "Add the check to a scene, or take the metric out.";
        example: "`rank: [hold_tns_ps]` with `checks: [setup]`";
    }
    BOUND = "N2-STUDY-023", "a bound without a limit, or with contradictory ones" {
        meaning: "A bound has at least one of `min`, `max`, `max_loss` and `max_loss_percent`; `min` is not above \
             `max`; and each metric has one bound, which holds all its limits. A `fallback` has at least one \
             of `max_loss` and `max_loss_percent`.";
        causes: [
            "`min` and `max` exchanged",
            "two bounds of one metric",
        ];
        advice: "Give each metric one bound with at least one limit.";
        example: "`{metric: power_w}`";
    }
    IDLE_STAGE = "N2-STUDY-024", "trials without ECOs, or ECOs without trials" {
        meaning: "A stage that may propose trials needs at least one ECO to try, and a stage with `trials: 0` \
             passes its inputs on and tries nothing. The ECO `noop` changes nothing.";
        causes: [
            "a stage that is meant to join only, with ECOs",
            "`trials` forgotten",
        ];
        advice: "Give both or neither.";
        example: "`trials: 0` with ECOs";
    }
    UNKNOWN_ECO = "N2-STUDY-025", "an ECO that is not in the catalogue" {
        meaning: "ECOs are searched by name in the folders of `eco_path`, in order, and then among the built-in \
             ones. `noodle2 eco list` shows what there is, `noodle2 eco lint` why an ECO cannot be read.";
        causes: [
            "a misspelt name",
            "a missing `eco_path`",
        ];
        advice: "Take a name of `noodle2 eco list`.";
        example: "`ecos: [upsize_critcal]`";
    }
    UNKNOWN_PARAMETER = "N2-STUDY-026", "a parameter that the ECO does not have" {
        meaning: "A misspelt parameter would leave the real one at its default without a word.";
        causes: [
            "a misspelt parameter",
        ];
        advice: "Take one that `noodle2 eco show` lists.";
        example: "`parameters: {cout: 3}`";
    }
    PARAMETER_VALUE = "N2-STUDY-027", "a value that the parameter does not take" {
        meaning: "Each parameter of an ECO has a type and a range, which `noodle2 eco show` prints. Whole numbers \
             are accepted for real parameters, but not the other way round.";
        causes: [
            "a value out of range",
            "a text for a number",
        ];
        advice: "Give a value that `noodle2 eco show` permits.";
        example: "`parameters: {count: 1.5}`";
    }
    PARAMETER_RANGE = "N2-STUDY-028", "a range that makes no sense" {
        meaning: "A range `{from, to, step}` runs upwards from `from` to `to`, both included, in steps above zero \
             that fit into it, with at most 100,000 points; only numbers have ranges, and a whole-number \
             parameter has whole numbers in its range. Without `step` the range is sampled.";
        causes: [
            "`from` and `to` exchanged",
            "a step that does not fit",
        ];
        advice: "Correct the range, or list the values.";
        example: "`{from: 8, to: 2}`";
    }
    DUPLICATE_ECO = "N2-STUDY-029", "the same ECO with the same parameters twice in one stage" {
        meaning: "No trial of the same parent is run twice, so the second entry would only skew the choice of \
             trials. Entries that spell out a default count as equal to those that leave it out.";
        causes: [
            "an entry that was copied",
        ];
        advice: "Remove one, or give it other parameters.";
        example: "`ecos: [noop, noop]`";
    }
    ECO_ENGINE = "N2-STUDY-030", "an ECO that the study's engine cannot run" {
        meaning: "An ECO names the engines that its script was written for.";
        causes: [
            "an ECO for OpenROAD in a study for OpenSTA",
        ];
        advice: "Choose another ECO, or another engine.";
        example: "`ecos: [repair_timing_setup]` with `engine: {kind: opensta}`";
    }
    ECO_CONNECTIVITY = "N2-STUDY-031", "an ECO that changes connectivity where wires come from SPEF" {
        meaning: "Extracted parasitics belong to the nets as they were. An edit that disconnects a net drops its \
             wires, and timing then looks better than it is.";
        causes: [
            "SPEF kept from an earlier study",
        ];
        advice: "Use ECOs that keep connectivity, or parasitics that are estimated anew (`none` or `wireload`).";
        example: "`buffer_fanout` with `parasitics: {spef: core.spef}`";
    }
    PARASITICS = "N2-STUDY-032", "parasitics that the engine cannot estimate" {
        meaning: "Parasitics from placement or global routing need an engine that holds a placement. OpenSTA reads \
             netlists and SPEF only.";
        causes: [
            "a study that was written for OpenROAD",
        ];
        advice: "Use `none`, `wireload` or SPEF, or OpenROAD as engine.";
        example: "`parasitics: placement` with OpenSTA";
    }
    MISSING_FILE = "N2-STUDY-033", "a file or folder that does not exist" {
        meaning: "Paths are relative to the folder of the study file. `~` and `$VARIABLES` are not expanded.";
        causes: [
            "a misspelt path",
            "a path relative to somewhere else",
        ];
        advice: "Correct the path.";
        example: "`netlists: [~/core.v]`";
    }
    COMPRESSED = "N2-STUDY-034", "a compressed file where plain text is needed" {
        meaning: "OpenSTA as Debian ships it cannot read `.gz` netlists, constraints or SPEF. Only Liberty files \
             are decompressed, because only they are shared between studies.";
        causes: [
            "a netlist as the flow left it",
        ];
        advice: "Use `gunzip --keep` and name the plain file.";
        example: "`netlists: [core.v.gz]`";
    }
    UNKNOWN_PLATFORM = "N2-STUDY-035", "a platform that does not exist" {
        meaning: "`platform` is the name of a built-in platform, or the path of a platform file (with a `/` or \
             ending in `.yaml`).";
        causes: [
            "a misspelt name",
            "a path without `./`",
        ];
        advice: "Take a name of `noodle2 platform list`, or a path.";
        example: "`platform: sky130`";
    }
    UNKNOWN_CORNER = "N2-STUDY-036", "a corner that the platform does not have" {
        meaning: "`platform:<corner>` in `liberty` stands for the libraries of one of the platform's corners. An \
             empty `liberty` means the platform's default corner.";
        causes: [
            "a corner of another platform",
        ];
        advice: "Take a corner that the message lists.";
        example: "`liberty: [platform:worst]`";
    }
    SELECTION = "N2-STUDY-037", "a selection that cannot work" {
        meaning: "`weights` belong to the strategy `top_n`, `metrics` to `pareto`, `distance` to `diverse` and \
             `size` to `tournament`; `top_n` needs weights and `pareto` metrics.";
        causes: [
            "a key of another strategy",
        ];
        advice: "Give the strategy what it needs, and nothing else.";
        example: "`{strategy: top_n, metrics: [area_um2]}`";
    }
    PROPOSER = "N2-STUDY-038", "a proposer that cannot work" {
        meaning: "`round` is for proposers that learn from their results, `bandit` and `external`; `command` and \
             `timeout_s` are for `external`, which needs a command; `catalogue` is for `diagnosis`. `grid` \
             needs values to list: a range of real numbers without `step` has none.";
        causes: [
            "a key of another proposer",
            "a range without `step` for `grid`",
        ];
        advice: "Give the proposer what it needs, and nothing else.";
        example: "`proposer: {kind: external}` without `command`";
    }
    APPROVAL = "N2-STUDY-039", "an approval that nobody could give" {
        meaning: "`approvers` is how many different people must approve: at most as many as `from` names, where it \
             names any. `on_timeout` says what happens when `timeout` is over, and needs one.";
        causes: [
            "more approvers than people",
            "`on_timeout` without `timeout`",
        ];
        advice: "Correct the numbers.";
        example: "`{approvers: 2, from: [ann]}`";
    }
    NOTIFICATION = "N2-STUDY-040", "a notification that could not be sent" {
        meaning: "A notification has either a `command` (a program with its arguments) or a `webhook` (an `http` or \
             `https` address, with `headers` where they are needed). `${NAME}` in an address or a header \
             stands for the value of an environment variable.";
        causes: [
            "both `command` and `webhook`",
            "an address without `https://`",
        ];
        advice: "Give one of the two.";
        example: "`webhook: hooks.example.com/x`";
    }
    SECRET = "N2-STUDY-041", "a secret in the study file" {
        meaning: "The study file is kept in the run folder and its values in the journal, which others read.";
        causes: [
            "a token pasted into a header",
        ];
        advice: "Put it into an environment variable and write `${NAME}`: its value is never written anywhere.";
        example: "`headers: {Authorization: \"Bearer abc…\"}`";
    }
    SEQUENCE = "N2-STUDY-042", "a sequence of ECOs that cannot work" {
        meaning: "A sequence lists at least two ECOs under `sequence`, each with its own `parameters`, and has a \
             name that no ECO of the catalogue has and no other sequence of the study. `rollback` (`all`, \
             `partial`, `none`) says what happens when a step fails.";
        causes: [
            "a sequence of one",
            "a name that an ECO has",
        ];
        advice: "Correct the sequence as the message says.";
        example: "`{sequence: [upsize_critical]}`";
    }
    IDEAL_HOLD = "N2-STUDY-043", "a reason for ideal clocks where none is needed" {
        meaning: "`ideal_hold` says, in words, why hold may be repaired in a scene whose clocks are ideal. It \
             stands in a scene that checks hold under ideal clocks, and nowhere else.";
        causes: [
            "a reason left in after the clocks were made `propagated`",
        ];
        advice: "Remove `ideal_hold`.";
        example: "`ideal_hold` in a scene with `checks: [setup]`";
    }
    ENGINE_KEY = "N2-STUDY-044", "an engine that lacks what it needs, or is given what means nothing to it" {
        meaning: "OpenROAD starts from a placed design, `snapshot`: a database (`.odb`), or a DEF file. It \
             estimates wires in one way for the base case and every trial, `wires`. It may run in a container, \
             whose image is named by its content. None of these means anything to OpenSTA.";
        causes: [
            "OpenROAD without a snapshot",
            "`container` with OpenSTA",
        ];
        advice: "Give the engine what it needs, and nothing else.";
        example: "`engine: {kind: openroad}`";
    }
    ENGINE_ABILITY = "N2-STUDY-045", "something that the engine does not do" {
        meaning: "OpenSTA times netlists: it places and routes nothing. Modes that route, and audits of what is \
             left of a gain once it is routed, need OpenROAD.";
        causes: [
            "a mode for OpenROAD in a study for OpenSTA",
        ];
        advice: "Choose OpenROAD, or leave it out.";
        example: "an audit by routing with `engine: {kind: opensta}`";
    }
    UNREADABLE = "N2-STUDY-100", "the study file cannot be read" {
        meaning: "It is not there or may not be read.";
        causes: [
            "a misspelt path",
        ];
        advice: "Name the file itself.";
        example: "`noodle2 check my-study` instead of `my-study/study.yaml`";
    }
}
