//! `noodle2 cache`, and how runs use what is known.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use noodle2_model::TimeSpan;

use super::FormatOption;

#[derive(Debug, Default, Args)]
pub(crate) struct CacheOption {
    /// The store of known results, instead of NOODLE2_CACHE or the one in the user's cache folder.
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_cache")]
    pub cache: Option<PathBuf>,
    /// Use no known result and keep none: everything runs. NOODLE2_CACHE=off says the same.
    #[arg(long)]
    pub no_cache: bool,
}

#[derive(Debug, Default, Args)]
pub(crate) struct CacheFolderOption {
    /// The store of known results, instead of NOODLE2_CACHE or the one in the user's cache folder.
    #[arg(long, value_name = "FOLDER")]
    pub cache: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Says how much the store holds.
    #[command(after_help = "Example:\n  noodle2 cache stats --format json")]
    Stats {
        #[command(flatten)]
        store: CacheFolderOption,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Removes what is damaged or belongs to nothing, and what the options name. Runs may go on meanwhile.
    #[command(
        after_help = "Examples:\n  noodle2 cache gc --older-than 30d\n  noodle2 cache gc --max-size 10G --dry-run"
    )]
    Gc {
        /// Results that were not used for longer than this: 12h, 30d.
        #[arg(long, value_name = "TIME", value_parser = time_span)]
        older_than: Option<Duration>,
        /// Results that were not used for longest, until the store is no larger than this: 500M, 10G.
        #[arg(long, value_name = "SIZE", value_parser = size)]
        max_size: Option<u64>,
        /// Only say what would be removed.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        store: CacheFolderOption,
        #[command(flatten)]
        format: FormatOption,
    },
}

fn time_span(text: &str) -> Result<Duration, String> {
    let span: TimeSpan = text.parse().map_err(|_| {
        "a time is a whole number and a unit, such as 90s, 45m, 12h, 30d".to_owned()
    })?;
    Ok(span.into())
}

/// Bytes: a whole number, and a power of 1024 as its unit.
fn size(text: &str) -> Result<u64, String> {
    let (number, power) = match text.char_indices().next_back() {
        Some((at, 'K')) => (&text[..at], 1),
        Some((at, 'M')) => (&text[..at], 2),
        Some((at, 'G')) => (&text[..at], 3),
        Some((at, 'T')) => (&text[..at], 4),
        _ => (text, 0),
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| number.parse::<u64>().ok()).flatten();
    number
        .and_then(|number| number.checked_mul(1024_u64.pow(power)))
        .ok_or_else(|| {
            "a size is a whole number of bytes, or one of K, M, G or T, such as 500M or 10G"
                .to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_numbers_with_a_unit() {
        assert_eq!(size("0"), Ok(0));
        assert_eq!(size("10G"), Ok(10 << 30));
        for wrong in ["", "G", "-1", "+1", "1.5G", "10g", "10GB", "99999999999T"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
