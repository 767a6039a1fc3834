//! The designs that many trials begin with, read once.
//!
//! Owns: a few designs by the content of their netlists, all of one top. Never believes a path: the text is read and
//! hashed each time, since the file may be another one now.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use noodle2_liberty::LibraryIndex;
use noodle2_model::{ContentHash, Failure, FailureClass};
use noodle2_netlist::{Aliases, ClockNetwork, Design, NetlistError, ScanChain};

use super::attempt::{failure, io_failure, read_file};
use super::context::StudyContext;

/// How many designs are kept.
const MOST_DESIGNS: usize = 4;

/// How much text the kept designs may have together, in bytes. A design takes some ten times its text.
const MOST_TEXT: usize = 64 << 20;

/// A design as it was read.
#[derive(Debug)]
pub(crate) struct ReadDesign {
    design: Result<Design, NetlistError>,
    aliases: Vec<Result<Aliases, NetlistError>>,
    clocks: OnceLock<ClockNetwork>,
    scan: OnceLock<ScanChain>,
}

#[derive(Debug)]
struct Kept {
    texts: Vec<ContentHash>,
    bytes: usize,
    read: Arc<OnceLock<Arc<ReadDesign>>>,
}

/// The designs that were read last, the latest first.
#[derive(Debug, Default)]
pub(crate) struct Parents(Mutex<Vec<Kept>>);

impl Parents {
    /// The place of a design: empty when it is new.
    fn place(&self, texts: Vec<ContentHash>, bytes: usize) -> Arc<OnceLock<Arc<ReadDesign>>> {
        // Nobody can have left it half changed.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|design| design.texts == texts);
        let design = match found {
            Some(place) => kept.remove(place),
            None => Kept {
                texts,
                bytes,
                read: Arc::default(),
            },
        };
        let read = Arc::clone(&design.read);
        kept.insert(0, design);
        let mut total = 0;
        let fits = |design: &Kept| {
            total += design.bytes;
            total <= MOST_TEXT
        };
        let most = kept.iter().map(fits).take_while(|fits| *fits).count();
        kept.truncate(most.clamp(1, MOST_DESIGNS));
        read
    }
}

impl ReadDesign {
    fn new(
        design: Result<Design, NetlistError>,
        aliases: Vec<Result<Aliases, NetlistError>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            design,
            aliases,
            clocks: OnceLock::new(),
            scan: OnceLock::new(),
        })
    }

    /// The design.
    ///
    /// # Errors
    /// When its netlists are none.
    pub(crate) fn design(&self) -> Result<&Design, Failure> {
        self.design.as_ref().map_err(incomparable)
    }

    /// Its clock network, once it is a design. One context has one index of `cells`.
    pub(crate) fn clocks(&self, design: &Design, cells: &LibraryIndex) -> &ClockNetwork {
        self.clocks.get_or_init(|| ClockNetwork::of(design, cells))
    }

    /// Its scan chains.
    pub(crate) fn scan(&self, design: &Design, cells: &LibraryIndex) -> &ScanChain {
        self.scan.get_or_init(|| ScanChain::of(design, cells))
    }

    /// What each of its netlists holds beside instances.
    ///
    /// # Errors
    /// When one ends inside a comment or string.
    pub(crate) fn aliases(&self) -> Result<Vec<Aliases>, Failure> {
        let aliases = self.aliases.iter();
        aliases
            .map(|found| found.as_ref().copied().map_err(unreadable))
            .collect()
    }
}

impl StudyContext {
    /// The design of netlists that other trials begin with too.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn parent(&self, netlists: &[impl AsRef<Path>]) -> Result<Arc<ReadDesign>, Failure> {
        let texts = read_texts(netlists)?;
        let hashes = texts.iter().map(ContentHash::of).collect();
        let place = self.parents.place(hashes, texts.iter().map(Vec::len).sum());
        let read = place.get_or_init(|| {
            let aliases = texts.iter().map(|text| Aliases::count(text)).collect();
            ReadDesign::new(read_all(&texts, &self.top), aliases)
        });
        Ok(Arc::clone(read))
    }

    /// A design that is read for this once.
    ///
    /// # Errors
    /// When a file cannot be read, or is no design.
    pub(crate) fn read_design(&self, netlists: &[impl AsRef<Path>]) -> Result<Design, Failure> {
        read_all(&read_texts(netlists)?, &self.top).map_err(|error| incomparable(&error))
    }
}

fn read_texts(netlists: &[impl AsRef<Path>]) -> Result<Vec<Vec<u8>>, Failure> {
    let read = |path: &Path| read_file(path).map_err(|error| io_failure("read", path, &error));
    netlists.iter().map(|path| read(path.as_ref())).collect()
}

fn read_all(texts: &[Vec<u8>], top: &str) -> Result<Design, NetlistError> {
    let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    Design::read_all(&texts, top)
}

fn incomparable(error: &NetlistError) -> Failure {
    failure(
        FailureClass::ParseFailure,
        format!("the netlist cannot be compared with its parent: {error}"),
    )
}

/// What a netlist that is no text of Verilog makes of an attempt.
pub(crate) fn unreadable(error: &NetlistError) -> Failure {
    failure(FailureClass::ConfigurationError, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_designs_are_kept_as_far_as_they_fit() {
        let parents = Parents::default();
        let texts = |name: &str| vec![ContentHash::of(name)];
        let is_new = |name: &str, bytes| {
            let place = parents.place(texts(name), bytes);
            let is_new = place.get().is_none();
            place.get_or_init(|| ReadDesign::new(Ok(Design::default()), Vec::new()));
            is_new
        };
        assert!(is_new("a", 10));
        assert!(!is_new("a", 10));
        for name in ["b", "c", "d"] {
            assert!(is_new(name, 10));
        }
        assert!(!is_new("a", 10), "four are kept");
        assert!(is_new("e", 10));
        assert!(!is_new("a", 10), "what was asked for last stays");
        assert!(is_new("b", 10), "what was not goes");
        // One that is larger than all that may be kept is kept alone.
        assert!(is_new("huge", MOST_TEXT + 1));
        assert!(!is_new("huge", MOST_TEXT + 1));
        assert!(is_new("a", 10));
    }
}
