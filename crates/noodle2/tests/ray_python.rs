//! The tests of the Python package, which have clusters of their own: here so that they wait for their turn among all
//! tests that do.

use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_python_package_passes_its_own_tests() {
    let pytest = Path::new(env!("CARGO_BIN_EXE_noodle2"))
        .ancestors()
        .map(|folder| folder.join("ray/bin/pytest"))
        .find(|path| path.exists())
        .expect("Ray is not there: please run scripts/ray.sh");
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python");
    let output = Command::new(pytest)
        .args(["--quiet", "--durations=5"])
        .current_dir(package)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains(" passed"), "{said}");
}
