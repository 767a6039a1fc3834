//! The page on failures lists every class as it is: `UPDATE_DOCS=1 cargo test -p noodle2-model` writes it.

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
