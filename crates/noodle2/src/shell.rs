//! Commands that a person can paste into a shell.

use std::path::Path;

/// A path as one word of a POSIX shell: as it stands where that is safe, else in single quotes.
pub(crate) fn word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain =
        |character: char| character.is_alphanumeric() || "/._-+=:,@%".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_written() {
        for text in [
            "plain/study.yaml",
            "my study/it's.yaml",
            "$HOME/*;`id`\"\\ &",
            "~/~",
            "tab\tand\nline",
            "ü",
        ] {
            let command = format!("printf %s {}", word(Path::new(text)));
            let output = std::process::Command::new("sh")
                .args(["-c", &command])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }
}
