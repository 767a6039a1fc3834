//! The same design with its instances in another order: what a tool makes of it should be the same, and
//! how far it is not is noise.

use std::ops::Range;

use noodle2_model::ContentHash;

use crate::error::NetlistError;
use crate::tokens::Tokens;
use crate::verilog::{BEHAVIOUR, DECLARING};

/// The netlist with the instances of each module in an order that depends on `seed` alone. Everything else stays
/// where it is, to the byte, and so does the design: its [`canonical_hash`](crate::canonical_hash) is the same.
///
/// # Errors
/// When the text is no complete structural netlist.
pub fn shuffle_instances(text: &[u8], seed: u64) -> Result<Vec<u8>, NetlistError> {
    let mut tokens = Tokens::new(text);
    let mut shuffled = Vec::with_capacity(text.len());
    let mut copied = 0;
    let mut modules = 0_u64;
    while let Some(token) = tokens.next()? {
        if token != b"module" {
            return Err(NetlistError::OutsideModule {
                line: tokens.line(),
                text: String::from_utf8_lossy(token).into_owned(),
            });
        }
        let places = instances(&mut tokens)?;
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_cached_key(|place| {
            ContentHash::of(format!("noodle2 order {seed} {modules} {place}"))
        });
        for (place, taken) in places.iter().zip(&order) {
            shuffled.extend_from_slice(&text[copied..place.start]);
            shuffled.extend_from_slice(&text[places[*taken].clone()]);
            copied = place.end;
        }
        modules += 1;
    }
    if modules == 0 {
        return Err(NetlistError::Empty);
    }
    shuffled.extend_from_slice(&text[copied..]);
    Ok(shuffled)
}

/// Where the instances of a module stand, after the word `module`: each from the end of the statement before,
/// so that comments stay with what they are about, to its semicolon.
fn instances(tokens: &mut Tokens<'_>) -> Result<Vec<Range<usize>>, NetlistError> {
    let inside = || "a module".to_owned();
    let mut places = Vec::new();
    let mut is_header = true;
    let mut start = tokens.offset();
    let mut first: Option<&[u8]> = None;
    let mut is_attribute = false;
    let mut before: &[u8] = b"";
    loop {
        let token = tokens.next()?.ok_or_else(|| tokens.cut_off(inside()))?;
        let has_begun = first.is_some();
        match token {
            b";" => {
                let declares = |word| DECLARING.iter().any(|other| other.as_bytes() == word);
                if first.is_some_and(|word| !is_header && !declares(word)) {
                    places.push(start..tokens.offset());
                }
                (is_header, first, start) = (false, None, tokens.offset());
            }
            b"endmodule" if !is_attribute && !has_begun => return Ok(places),
            // `(* … *)` before a statement.
            b"*" if !has_begun && before == b"(" => is_attribute = true,
            b")" if is_attribute && before == b"*" => is_attribute = false,
            b"(" if !has_begun && !is_header => {}
            _ if is_attribute => {}
            word => {
                let behaves = BEHAVIOUR.iter().find(|other| other.as_bytes() == word);
                if let (Some(behaviour), false) = (behaves, has_begun || is_header) {
                    return Err(NetlistError::Unsupported {
                        line: tokens.line(),
                        what: format!("`{behaviour}`"),
                    });
                }
                first = first.or(Some(word));
            }
        }
        before = token;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical_hash;
    use proptest::prelude::*;

    const TWO: &str = "module leaf (a, y); input a; output y; INV v1 (.A(a), .Y(n)); INV v2 (.A(n), .Y(y)); endmodule\n\
        // the top\nmodule top (a, y);\n  input a;\n  output y;\n  wire n, \\m; ;\n  \
        INV u1 (.A(a), .Y(n)); // first; of all\n  (* keep = \"1;\" *) INV u2 (.A(n), .Y(\\m; ));\n  \
        leaf u3 (.a(\\m; ), .y(k));\n  INV u4 (.A(k), .Y(y));\nendmodule\n";

    fn shuffled(seed: u64) -> String {
        String::from_utf8(shuffle_instances(TWO.as_bytes(), seed).unwrap()).unwrap()
    }

    #[test]
    fn another_order_is_the_same_design() {
        let hash = |text: &str| canonical_hash(text.as_bytes()).unwrap();
        let orders: std::collections::BTreeSet<String> = (0..40).map(shuffled).collect();
        assert!(orders.len() > 20, "the order hardly depends on the seed");
        for text in &orders {
            assert_eq!(hash(text), hash(TWO), "{text}");
            assert_eq!(text.len(), TWO.len());
            let header = text.find("module top").unwrap();
            let body = &text[header..];
            let place = |word: &str| body.find(word).unwrap_or_else(|| panic!("{word}: {text}"));
            assert!(place("wire n") < place("INV u1") && place("wire n") < place("leaf u3"));
        }
        assert_eq!(shuffled(3), shuffled(3));
    }

    #[test]
    fn what_is_no_netlist_is_not_shuffled() {
        for text in [
            "",
            "INV u1 ();",
            "module top (a); input a;",
            "module top (a); input a; always @(a) b = a; endmodule",
        ] {
            assert!(shuffle_instances(text.as_bytes(), 1).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_whatever_the_names(
            names in prop::collection::btree_set("[a-z]{1,4}|\\\\[!-~]{1,6} ", 1..12),
            seed in any::<u64>(),
        ) {
            let instances: String = names.iter().map(|name| format!("INV \\i_{} (.A(a));\n", name.trim_start_matches('\\'))).collect();
            let text = format!("module top (a); input a;\n{instances}endmodule\n");
            let text = text.as_bytes();
            let shuffled = shuffle_instances(text, seed).unwrap();
            prop_assert_eq!(canonical_hash(&shuffled).unwrap(), canonical_hash(text).unwrap());
        }
    }
}
