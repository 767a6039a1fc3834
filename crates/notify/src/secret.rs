//! Values of environment variables: put in where they are needed, and kept out of everything else.

use noodle2_model::{TextPiece, placeholders};

/// The variables that were put in, with their values.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    values: Vec<(String, String)>,
}

impl Secrets {
    /// A text with every `${NAME}` replaced by its value.
    ///
    /// # Errors
    /// Which variable is not set.
    pub(crate) fn fill(
        &mut self,
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, String> {
        let pieces = placeholders(text)
            .map_err(|broken| format!("`{broken}` names no environment variable"))?;
        let mut filled = String::new();
        for piece in pieces {
            match piece {
                TextPiece::Literal(text) => filled.push_str(text),
                TextPiece::Variable(name) => {
                    let value = environment(name)
                        .filter(|value| !value.is_empty())
                        .ok_or_else(|| format!("the environment variable `{name}` is not set"))?;
                    filled.push_str(&value);
                    self.values.push((name.to_owned(), value));
                }
            }
        }
        Ok(filled)
    }

    /// A text in which no value is left: each is shown by the name of its variable.
    pub(crate) fn hide(&self, text: &str) -> String {
        let mut values: Vec<_> = self.values.iter().collect();
        // A value may hold another.
        values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        values.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(value.as_str(), &format!("${{{name}}}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_in_and_never_come_out() {
        let environment = |name: &str| match name {
            "TOKEN" => Some("s3cret".to_owned()),
            "LONG" => Some("very-s3cret".to_owned()),
            _ => None,
        };
        let mut secrets = Secrets::default();
        let filled = secrets.fill("Bearer ${TOKEN}/${LONG}", &environment);
        assert_eq!(filled.as_deref(), Ok("Bearer s3cret/very-s3cret"));
        assert_eq!(
            secrets.hide("refused: very-s3cret, s3cret"),
            "refused: ${LONG}, ${TOKEN}"
        );
        let missing = secrets.fill("${ABSENT}", &environment).unwrap_err();
        assert!(missing.contains("`ABSENT` is not set"), "{missing}");
    }
}
