//! Two branches of sound edits on random designs: composed, reversed, taken apart and merged, and what comes
//! of it computes what the ancestor does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use noodle2_liberty::{IndexOptions, Library, LibraryIndex};
use noodle2_model::ConflictRule;
use noodle2_netlist::{ConflictKind, Design, Edit, Ledger, Merge, compare_logic};
use proptest::prelude::*;

static CELLS: LazyLock<LibraryIndex> = LazyLock::new(|| {
    let path = Path::new("/usr/share/qflow/tech/osu018/osu018_stdcells.lib");
    let bytes = std::fs::read(path).expect("the Debian package qflow-tech-osu018 is installed");
    let library = Library::parse(&bytes, path).unwrap();
    LibraryIndex::build(&[Arc::new(library)], &IndexOptions::default())
});

const RULES: [ConflictRule; 3] = [
    ConflictRule::First,
    ConflictRule::Second,
    ConflictRule::None,
];

/// Cells of one function, and their inputs.
const FAMILIES: [(&[&str], &[&str]); 5] = [
    (&["INVX1", "INVX2", "INVX4"], &["A"]),
    (&["BUFX2", "BUFX4"], &["A"]),
    (&["AND2X1", "AND2X2"], &["A", "B"]),
    (&["OR2X1", "OR2X2"], &["A", "B"]),
    (&["NAND2X1"], &["A", "B"]),
];

/// A design that can be edited: instances with their cells and pins. Four inputs, two outputs.
#[derive(Clone, Debug, PartialEq)]
struct Sketch(BTreeMap<String, (String, BTreeMap<String, String>)>);

impl Sketch {
    fn design(&self) -> Design {
        let mut text = "module top (a, b, c, d, y, z);\n input a; input b; input c; input d; output y; output z;\n".to_owned();
        for (name, (cell, pins)) in &self.0 {
            let pins: Vec<String> = pins
                .iter()
                .map(|(pin, net)| format!(".{pin}({net})"))
                .collect();
            let _ = writeln!(text, "{cell} {name} ({});", pins.join(", "));
        }
        text.push_str("endmodule\n");
        Design::read(text.as_bytes(), "top").unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn sinks(&self, net: &str) -> Vec<(String, String)> {
        let pins = self.0.iter().flat_map(|(name, (_, pins))| {
            let of = pins.iter().filter(|(pin, on)| *pin != "Y" && *on == net);
            of.map(|(pin, _)| (name.clone(), pin.clone()))
        });
        pins.collect()
    }

    fn connect(&mut self, name: &str, pin: &str, net: &str) {
        let (_, pins) = self.0.get_mut(name).unwrap();
        pins.insert(pin.to_owned(), net.to_owned());
    }

    /// One sound edit, whose new objects are called after `tag`.
    fn edit(&mut self, (kind, at, which): (u8, prop::sample::Index, usize), tag: &str) {
        let names: Vec<String> = self.0.keys().cloned().collect();
        let name = at.get(&names).clone();
        let (cell, pins) = self.0[&name].clone();
        let family = FAMILIES
            .iter()
            .find(|(cells, _)| cells.contains(&cell.as_str()));
        let (members, inputs) = family.unwrap();
        let output = pins["Y"].clone();
        let sinks = self.sinks(&output);
        let some: Vec<(String, String)> = match which % 3 {
            0 => sinks.clone(),
            _ => sinks.iter().step_by(2).cloned().collect(),
        };
        match kind % 5 {
            0 => self.0.get_mut(&name).unwrap().0 = members[which % members.len()].to_owned(),
            1 if !some.is_empty() => {
                for (sink, pin) in &some {
                    self.connect(sink, pin, &format!("{tag}w"));
                }
                let pins = [("A", output), ("Y", format!("{tag}w"))];
                let pins = pins.map(|(pin, net)| (pin.to_owned(), net));
                self.0
                    .insert(format!("{tag}u"), ("BUFX2".to_owned(), pins.into()));
            }
            // The buffer takes over the net, as where a port is on it.
            2 => {
                for (sink, pin) in &sinks {
                    self.connect(sink, pin, &format!("{tag}w"));
                }
                self.connect(&name, "Y", &format!("{tag}w"));
                let pins = [("A", format!("{tag}w")), ("Y", output)];
                let pins = pins.map(|(pin, net)| (pin.to_owned(), net));
                self.0
                    .insert(format!("{tag}u"), ("BUFX4".to_owned(), pins.into()));
            }
            3 if cell.starts_with("BUF") && !["y", "z"].contains(&output.as_str()) => {
                for (sink, pin) in &sinks {
                    self.connect(sink, pin, &pins["A"]);
                }
                self.0.remove(&name);
            }
            4 if inputs.len() == 2 => {
                self.connect(&name, "A", &pins["B"]);
                self.connect(&name, "B", &pins["A"]);
            }
            4 if !some.is_empty() => {
                for (sink, pin) in &some {
                    self.connect(sink, pin, &format!("{tag}w"));
                }
                let mut copy = pins;
                copy.insert("Y".to_owned(), format!("{tag}w"));
                self.0.insert(format!("{tag}u"), (cell, copy));
            }
            _ => {}
        }
    }

    fn edited(&self, edits: &[(u8, prop::sample::Index, usize)], tag: &str) -> Self {
        let mut sketch = self.clone();
        for (number, edit) in edits.iter().enumerate() {
            sketch.edit(*edit, &format!("{tag}{number}"));
        }
        sketch
    }

    /// Makes the edits of a ledger, each of which must be possible.
    fn with(&self, ledger: &Ledger) -> Self {
        let mut sketch = self.clone();
        for edit in &ledger.edits {
            match edit {
                Edit::NewNet { .. } | Edit::RemoveNet { .. } => {}
                Edit::Insert { instance, cell } => {
                    let old = sketch
                        .0
                        .insert(instance.clone(), (cell.clone(), BTreeMap::new()));
                    assert_eq!(old, None, "{edit}");
                }
                Edit::Resize { instance, from, to } => {
                    let (cell, _) = sketch.0.get_mut(instance).unwrap();
                    assert_eq!(cell, from);
                    *cell = to.clone();
                }
                Edit::Disconnect { instance, pin, net } => {
                    let (_, pins) = sketch.0.get_mut(instance).unwrap();
                    assert_eq!(pins.remove(pin).as_ref(), Some(net), "{edit}");
                }
                Edit::Connect { instance, pin, net } => {
                    let (_, pins) = sketch.0.get_mut(instance).unwrap();
                    assert_eq!(pins.insert(pin.clone(), net.clone()), None, "{edit}");
                }
                Edit::Remove { instance, cell } => {
                    let (old, pins) = sketch.0.remove(instance).unwrap();
                    assert_eq!((&old, pins.len()), (cell, 0), "{edit}");
                }
            }
        }
        sketch
    }
}

/// Every pin of a net that nothing drives. Logic that is compared by structure would take one for an input.
fn undriven(sketch: &Sketch) -> Vec<String> {
    let pins = sketch.0.values().flat_map(|(_, pins)| pins);
    let driven: BTreeSet<&str> = pins
        .filter(|(pin, _)| *pin == "Y")
        .map(|(_, net)| net.as_str())
        .chain(["a", "b", "c", "d"])
        .collect();
    let nets = sketch.0.values().flat_map(|(_, pins)| pins.values());
    nets.filter(|net| !driven.contains(net.as_str()))
        .cloned()
        .collect()
}

fn computes_the_same(one: &Sketch, other: &Sketch, what: &str) {
    assert_eq!(undriven(other), Vec::<String>::new(), "{what}: {other:?}");
    let logic = compare_logic(&one.design(), &other.design(), &CELLS);
    assert!(logic.is_same(), "{what}: {:?}\n{other:?}", logic.differing);
}

fn sketches() -> impl Strategy<Value = Sketch> {
    let gate = (0..FAMILIES.len(), any::<[prop::sample::Index; 2]>());
    prop::collection::vec(gate, 3..14).prop_map(|gates| {
        let mut nets: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let mut sketch = Sketch(BTreeMap::new());
        let count = gates.len();
        for (place, (family, pins)) in gates.into_iter().enumerate() {
            let (cells, inputs) = FAMILIES[family];
            let output = match count - place {
                1 => "y".to_owned(),
                2 => "z".to_owned(),
                _ => format!("n{place}"),
            };
            let mut connected: BTreeMap<String, String> = inputs
                .iter()
                .zip(pins)
                .map(|(input, pin)| ((*input).to_owned(), pin.get(&nets).clone()))
                .collect();
            connected.insert("Y".to_owned(), output.clone());
            sketch
                .0
                .insert(format!("g{place}"), (cells[0].to_owned(), connected));
            if !["y", "z"].contains(&output.as_str()) {
                nets.push(output);
            }
        }
        sketch
    })
}

fn edits() -> impl Strategy<Value = Vec<(u8, prop::sample::Index, usize)>> {
    prop::collection::vec(
        (any::<u8>(), any::<prop::sample::Index>(), 0..6_usize),
        0..6,
    )
}

fn ledger(parent: &Sketch, child: &Sketch) -> Ledger {
    Ledger::between(&parent.design(), &child.design())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn ledgers_along_a_lineage_compose_to_the_difference_of_its_ends(
        base in sketches(), first in edits(), second in edits()
    ) {
        let child = base.edited(&first, "p");
        let grandchild = child.edited(&second, "q");
        let (one, other) = (ledger(&base, &child), ledger(&child, &grandchild));
        prop_assert_eq!(one.then(&other).unwrap(), ledger(&base, &grandchild));
        prop_assert_eq!(one.reversed(), ledger(&child, &base));
        prop_assert!(one.then(&one.reversed()).unwrap().is_empty());
        prop_assert_eq!(base.with(&one), child);
    }

    #[test]
    fn every_group_of_edits_can_be_made_alone(base in sketches(), edits in edits()) {
        let child = base.edited(&edits, "p");
        let whole = ledger(&base, &child);
        let groups = whole.groups(&base.design(), &CELLS);
        let count: usize = groups.iter().map(|group| group.edits.len()).sum();
        prop_assert_eq!(count, whole.edits.len());
        for group in &groups {
            computes_the_same(&base, &base.with(group), "one group");
        }
        let others = groups.iter().skip(1).flat_map(|group| group.edits.clone());
        let mut others: Vec<Edit> = others.collect();
        others.sort();
        let all_but_one = Ledger { edits: others, ports: Vec::new() };
        computes_the_same(&base, &base.with(&all_but_one), "all groups but one");
    }

    #[test]
    fn what_two_branches_did_merges_into_one_design_that_computes_the_same(
        base in sketches(), first in edits(), second in edits(), tags in any::<bool>()
    ) {
        // Both branches may choose the same names.
        let (one, other) = (base.edited(&first, "p"), base.edited(&second, if tags { "p" } else { "q" }));
        let (one_ledger, other_ledger) = (ledger(&base, &one), ledger(&base, &other));
        let merge = Merge::new(&base.design(), &one_ledger, &other_ledger, "n2_9_1_", &CELLS);
        for rule in RULES {
            let merged = merge.resolve(rule).unwrap();
            let both = base.with(&merged);
            computes_the_same(&base, &both, &format!("{rule}"));
            // The same on top of either parent.
            let rest = one_ledger.reversed().then(&merged).unwrap();
            prop_assert_eq!(&one.with(&rest), &both);
        }
        let dropped = merge.resolve(ConflictRule::Drop);
        prop_assert_eq!(dropped.is_none(), !merge.conflicts().is_empty());
        if merge.conflicts().is_empty() {
            for rule in RULES {
                prop_assert_eq!(merge.resolve(rule), merge.resolve(ConflictRule::Drop));
            }
            // Nothing of the first is lost.
            let all = merge.resolve(ConflictRule::Drop).unwrap();
            for edit in &one_ledger.edits {
                prop_assert!(all.edits.contains(edit), "{}", edit);
            }
        } else {
            // Whoever wins keeps everything.
            let all = merge.resolve(ConflictRule::First).unwrap();
            for edit in &one_ledger.edits {
                prop_assert!(all.edits.contains(edit), "{}", edit);
            }
        }
    }

    #[test]
    fn a_branch_merges_with_itself_to_itself(base in sketches(), edits in edits()) {
        let child = base.edited(&edits, "p");
        let own = ledger(&base, &child);
        let merge = Merge::new(&base.design(), &own, &own, "n2_9_1_", &CELLS);
        prop_assert_eq!(merge.conflicts(), &[]);
        prop_assert_eq!(merge.resolve(ConflictRule::Drop), Some(own));
    }
}

const BASE: &str = "module top (a, b, y, z);
 input a; input b; output y; output z;
 NAND2X1 u1 (.A(a), .B(b), .Y(n1));
 BUFX2 b1 (.A(n1), .Y(n2));
 INVX1 u2 (.A(n2), .Y(y));
 INVX1 u3 (.A(n1), .Y(z));
 INVX1 u9 (.Y(n9));
endmodule
";

fn read(text: &str) -> Design {
    Design::read(text.as_bytes(), "top").unwrap()
}

/// The conflicts between two children of [`BASE`], each made by replacements, as `kind object`.
fn conflicts(first: &[(&str, &str)], second: &[(&str, &str)]) -> Vec<String> {
    let child = |replacements: &[(&str, &str)]| {
        let mut text = BASE.to_owned();
        for (from, to) in replacements {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        read(&text)
    };
    let base = read(BASE);
    let ledger = |child: &Design| Ledger::between(&base, child);
    let (first, second) = (ledger(&child(first)), ledger(&child(second)));
    let merge = Merge::new(&base, &first, &second, "n2_2_1_", &CELLS);
    let told = merge.conflicts().iter();
    told.map(|conflict| format!("{} {}", conflict.kind, conflict.object))
        .collect()
}

#[test]
fn each_kind_of_conflict_is_found_and_named() {
    let resize = [("INVX1 u2", "INVX2 u2")];
    let resize_more = [("INVX1 u2", "INVX4 u2")];
    let no_buffer = [(" BUFX2 b1 (.A(n1), .Y(n2));\n", ""), (".A(n2)", ".A(n1)")];
    let strong_buffer = [("BUFX2 b1", "BUFX4 b1")];
    let isolated = [
        (".A(n1), .Y(z)", ".A(w), .Y(z)"),
        ("endmodule", "BUFX2 b2 (.A(n1), .Y(w));\nendmodule"),
    ];
    let buffered_output = [
        (".A(n2), .Y(y)", ".A(w), .Y(y)"),
        ("endmodule", "BUFX2 b2 (.A(n2), .Y(w));\nendmodule"),
    ];
    let swapped = [(".A(a), .B(b)", ".A(b), .B(a)")];
    let other_function = [("NAND2X1 u1", "NOR2X1 u1")];
    assert_eq!(conflicts(&resize, &resize_more), ["same_instance u2"]);
    assert_eq!(conflicts(&resize, &resize), [""; 0]);
    assert_eq!(conflicts(&resize, &no_buffer), [""; 0]);
    assert_eq!(conflicts(&strong_buffer, &no_buffer), ["gone b1"]);
    assert_eq!(conflicts(&no_buffer, &isolated), ["same_net n1"]);
    assert_eq!(
        conflicts(&no_buffer, &buffered_output),
        ["same_instance u2/A", "same_net n2", "gone n2"]
    );
    let idle_removed = [(" INVX1 u9 (.Y(n9));\n", "")];
    let idle_used = [("u9 (.Y", "u9 (.A(a), .Y")];
    let buffer_moved = [("b1 (.A(n1)", "b1 (.A(a)")];
    assert_eq!(conflicts(&idle_removed, &idle_used), ["gone u9"]);
    assert_eq!(
        conflicts(&no_buffer, &buffer_moved),
        ["same_net n1", "gone b1"]
    );
    assert_eq!(conflicts(&swapped, &resize), [""; 0]);
    assert_eq!(conflicts(&other_function, &swapped), ["same_instance u1"]);
}

#[test]
fn new_objects_of_one_name_are_two_objects() {
    let base = read(BASE);
    let with = |cell: &str, net: &str| {
        let buffer = format!("{cell} x1 (.A({net}), .Y(w1));\nendmodule");
        read(&BASE.replace("endmodule", &buffer))
    };
    let ledgers =
        [with("BUFX2", "a"), with("BUFX4", "b")].map(|child| Ledger::between(&base, &child));
    let merge = Merge::new(&base, &ledgers[0], &ledgers[1], "n2_2_1_", &CELLS);
    assert_eq!(merge.conflicts(), []);
    let renamed: Vec<(&str, &str)> = merge
        .renamed()
        .iter()
        .map(|(old, new)| (old.as_str(), new.as_str()))
        .collect();
    assert_eq!(renamed, [("w1", "n2_2_1_w1"), ("x1", "n2_2_1_x1")]);
    let edits = merge.resolve(ConflictRule::Drop).unwrap().to_tsv();
    for line in [
        "insert\tx1\tBUFX2",
        "insert\tn2_2_1_x1\tBUFX4",
        "connect\tn2_2_1_x1/Y\tn2_2_1_w1",
    ] {
        assert!(edits.contains(line), "{edits}");
    }
}

#[test]
fn ledgers_that_do_not_follow_each_other_do_not_compose() {
    let resize = |from: &str, to: &str| Ledger {
        edits: vec![Edit::Resize {
            instance: "u1".to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        }],
        ports: Vec::new(),
    };
    let refused = resize("INVX1", "INVX2").then(&resize("INVX4", "INVX8"));
    assert_eq!(refused.unwrap_err().object, "u1");
    assert_eq!(ConflictKind::Gone.name(), "gone");
}
