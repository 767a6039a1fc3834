//! The page on failures lists every class as it is: `UPDATE_DOCS=1 cargo test -p noodle2-model` writes it. It also
//! names a test that produces each class, which must be there.

use std::fmt::Write;
use std::path::Path;

use noodle2_model::FailureClass;

const BEGIN: &str = "<!-- table of classes: written by a test of crates/model -->\n";
const END: &str = "<!-- end of the table -->\n";

fn table() -> String {
    let mut text = String::from(
        "| class | meaning | severity | about the | again? | what to do |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for class in FailureClass::ALL {
        let again = if class.is_transient() { "yes" } else { "no" };
        let (meaning, severity, scope) = (class.meaning().trim(), class.severity(), class.scope());
        let advice = class.advice();
        writeln!(
            text,
            "| `{class}` | {meaning} | {severity} | {scope} | {again} | {advice} |"
        )
        .unwrap();
    }
    text
}

#[test]
fn the_page_on_failures_lists_every_class() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/failures.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page marks its table");
    let (found, after) = rest.split_once(END).expect("the page marks its table");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
    } else {
        assert_eq!(found, table(), "UPDATE_DOCS=1 writes the table anew");
    }
}

const CAUSES: &str = "<!-- list of causes: checked by a test of crates/model -->\n";

/// The cells of the rows of the list of causes.
fn causes(page: &str) -> Vec<Vec<&str>> {
    let (_, rest) = page.split_once(CAUSES).expect("the page marks its list");
    let (list, _) = rest
        .split_once("<!-- end of the list -->")
        .expect("the page marks its list");
    let rows = list.lines().skip(2);
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim()).collect()
    })
    .collect()
}

/// What is wrong with the row of a class.
fn fault(root: &Path, class: FailureClass, rows: &[Vec<&str>]) -> Option<String> {
    let named = format!("`{class}`");
    let mut of_class = rows.iter().filter(|row| row[0] == named);
    let (Some(row), None) = (of_class.next(), of_class.next()) else {
        return Some(format!("{class}: not in exactly one row"));
    };
    let place = row[2]
        .split_once(": ")
        .map(|(file, test)| (file.trim_matches('`'), test.trim_matches('`')));
    let Some((file, test)) = place else {
        return Some(format!("{class}: no test in `{}`", row[2]));
    };
    let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
    let is_test = |indent: &str| text.contains(&format!("#[test]\n{indent}fn {test}() {{"));
    if !is_test("") && !is_test("    ") {
        return Some(format!("{class}: `{file}` has no test `{test}`"));
    }
    // By its name as it is written in records, or as code calls it.
    let variant = format!("::{class:?}");
    let speaks_of_it = text.contains(&variant) || text.contains(class.name());
    (!speaks_of_it).then(|| format!("{class}: `{file}` does not speak of it"))
}

#[test]
fn each_class_is_produced_by_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/failures.md")).unwrap();
    let rows = causes(&page);
    let classes = FailureClass::ALL.iter();
    let faults: Vec<String> = classes
        .filter_map(|class| fault(&root, *class, &rows))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(rows.len(), FailureClass::ALL.len());

    // What it would find.
    let class = FailureClass::Killed;
    let row = |place: &'static str| vec![vec!["`killed`", "", place]];
    for rows in [
        Vec::new(),
        row("nowhere"),
        row("`crates/model/tests/gone.rs`: `each_class_is_produced_by_a_test_that_is_there`"),
        row("`crates/model/tests/failures.rs`: `table`"),
        row("`crates/netlist/tests/protection.rs`: `attributes_mark_instances_and_nets`"),
    ] {
        assert!(fault(&root, class, &rows).is_some(), "{rows:?}");
    }
}
