//! Embeds the built-in ECOs, so that the program needs no folder beside it. A build script rather than
//! a macro, because only a build script is run again when a file is added to or taken from the folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let variable = |name: &str| {
        env::var_os(name).map_or_else(
            || Err(io::Error::other(format!("cargo sets no {name}"))),
            |value| Ok(PathBuf::from(value)),
        )
    };
    let folder = variable("CARGO_MANIFEST_DIR")?.join("../../ecos");
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=build.rs");

    let mut table = String::from("&[\n");
    for eco in entries(&folder)? {
        if !eco.is_dir() {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(table, "    ({:?}, &[", name(&eco)?);
        for file in entries(&eco)? {
            let path = fs::canonicalize(&file)?;
            let _ = writeln!(
                table,
                "        ({:?}, include_bytes!({path:?})),",
                name(&file)?
            );
        }
        table.push_str("    ]),\n");
    }
    table.push_str("]\n");
    fs::write(variable("OUT_DIR")?.join("built_in_ecos.rs"), table)
}

/// What stands in a folder, by name, without hidden files.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !name(&path)?.starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> io::Result<&str> {
    path.file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| io::Error::other(format!("the name of `{}` is not UTF-8", path.display())))
}
