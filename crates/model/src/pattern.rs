//! Name patterns as people write them for cells, instances and ECOs: `*` for any text, `?` for one character.

/// Whether `pattern` matches all of `name`. Case counts, as it does in netlists.
pub fn matches_pattern(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut from) = (0, 0);
    // Where to go back to: after the last star, and one byte further into the name.
    let mut retry = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, from));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[from] => {
                at += 1;
                from += 1;
            }
            _ => match retry {
                Some((star, start)) => {
                    retry = Some((star, start + 1));
                    at = star;
                    from = start + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches_pattern;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, expected) in [
            ("*clk*", "sky130_fd_sc_hd__clkbuf_1", true),
            ("CK*", "CKINVDCx10_ASAP7_75t_R", true),
            ("CK*", "XCKINV", false),
            ("*_?", "buf_1", true),
            ("*_?", "buf_16", false),
            ("*b*b*", "abab", true),
            ("", "", true),
            ("", "a", false),
            ("a*b", "acbd", false),
        ] {
            assert_eq!(
                matches_pattern(pattern, name),
                expected,
                "{pattern} on {name}"
            );
        }
    }
}
