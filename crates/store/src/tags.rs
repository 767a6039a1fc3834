//! Tags: words that people give a run, beside its record and no part of it.
//!
//! A tag is an empty file of its name in the folder `tags` of a run. So two people who tag at once lose nothing, a run
//! that is being worked on can be tagged, and nothing that the journal vouches for changes.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::str::FromStr;

use serde::Serialize;

use crate::files::{IoContext, make_folder, sorted_entries};
use crate::{RunFolder, StoreError};

/// A word that people give a run: 1 to 64 letters, digits, `.`, `_` and `-`, the first a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct Tag(String);

impl Tag {
    /// How long a tag may be.
    const LONGEST: usize = 64;
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let begins = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        match begins && text.len() <= Self::LONGEST && text.bytes().all(fits) {
            true => Ok(Self(text.to_owned())),
            false => Err(format!(
                "a tag is 1 to {} letters, digits, `.`, `_` and `-`, the first a letter or digit",
                Self::LONGEST
            )),
        }
    }
}

impl RunFolder {
    /// The tags of the run. What else lies in their folder is passed over: `verify` tells of it.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn read_tags(&self) -> Result<BTreeSet<Tag>, StoreError> {
        let folder = self.tags();
        if !folder.exists() {
            return Ok(BTreeSet::new());
        }
        let entries = sorted_entries(&folder)?.into_iter();
        let names = entries.filter(|(_, kind)| kind.is_file());
        Ok(names
            .filter_map(|(path, _)| path.file_name()?.to_str()?.parse().ok())
            .collect())
    }

    /// Gives the run a tag; returns whether it had it not yet.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::DiskFull`].
    pub fn add_tag(&self, tag: &Tag) -> Result<bool, StoreError> {
        make_folder(&self.tags())?;
        let path = self.tags().join(&tag.0);
        match File::create_new(&path) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(false),
            made => made.context("write", &path).map(|_| true),
        }
    }

    /// Takes a tag from the run; returns whether it had it.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn remove_tag(&self, tag: &Tag) -> Result<bool, StoreError> {
        let path = self.tags().join(&tag.0);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(false),
            removed => removed.context("remove", &path).map(|()| true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_word_that_cannot_lead_out_of_its_folder() {
        for text in ["keep", "v1.2_final-3", "7"] {
            assert_eq!(text.parse::<Tag>().unwrap().to_string(), text);
        }
        let long = "a".repeat(65);
        for text in ["", ".", "..", "a/b", ".hidden", "-x", "a b", "ä", &long] {
            assert!(text.parse::<Tag>().is_err(), "{text}");
        }
    }
}
