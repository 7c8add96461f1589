//! Files that are followed: one with a record on each line grows, one with a single record is replaced, a
//! folder gets more of both.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::SystemTime;

/// How long a line, or a file with a single record, may be. A chain's page of delegations has less.
pub(crate) const MOST_BYTES: u64 = 16 << 20;
/// How many records are read at once, so that a long file keeps nobody waiting.
pub(crate) const MOST_RECORDS: usize = 1_000;

/// A record of a followed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Where it is, for whoever looks for it: the file, and the line.
    pub place: String,
    /// What it says.
    pub text: String,
}

/// How far a file was read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    /// So many bytes, which are so many lines.
    Lines {
        bytes: u64,
        lines: u64,
        /// Which file it was.
        file: (u64, u64),
    },
    /// All of it, as it was.
    Whole(Option<SystemTime>, u64),
}

/// Files that are followed. A file `*.json` has one record, and a new one when it was replaced; of any other
/// each line is one, as soon as it is ended. A folder has files of both kinds; `-` is standard input.
#[derive(Debug)]
pub struct FollowedFiles {
    paths: Vec<PathBuf>,
    seen: BTreeMap<PathBuf, Seen>,
    input: Option<Input>,
}

/// Standard input, which somebody else waits for.
#[derive(Debug)]
struct Input {
    lines: Receiver<io::Result<String>>,
    count: u64,
}

impl Input {
    fn start() -> Self {
        let (send, lines) = sync_channel(MOST_RECORDS);
        // It ends with the process: nothing else ends a read.
        std::thread::spawn(move || {
            let mut reader = BufReader::new(io::stdin());
            loop {
                let line = read_line(&mut reader);
                let is_last = matches!(line, Ok(None) | Err(_));
                if let Some(line) = line.transpose()
                    && send.send(line.map(|(text, _)| text)).is_err()
                {
                    break;
                }
                if is_last {
                    break;
                }
            }
        });
        Self { lines, count: 0 }
    }
}

/// Reads a line with its length in bytes, also a last one without an end; `None` at the end.
fn read_line(reader: &mut impl io::BufRead) -> io::Result<Option<(String, u64)>> {
    let mut bytes = Vec::new();
    let length = reader.by_ref().take(MOST_BYTES).read_until(b'\n', &mut bytes)?;
    let mut length = u64::try_from(length).unwrap_or(u64::MAX);
    if length == 0 {
        return Ok(None);
    }
    // Of a line that is too long, what is kept does not read as a record.
    while length >= MOST_BYTES && bytes.last() != Some(&b'\n') {
        bytes.clear();
        let more = reader.by_ref().take(MOST_BYTES).read_until(b'\n', &mut bytes)?;
        if more == 0 {
            break;
        }
        length = length.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
    }
    if length >= MOST_BYTES && bytes.last() == Some(&b'\n') {
        return Ok(Some((format!("a line of {length} bytes; must have at most {MOST_BYTES}\n"), length)));
    }
    Ok(Some((String::from_utf8_lossy(&bytes).into_owned(), length)))
}

/// Returns what tells a file from another one that takes its name.
fn identity(found: &Metadata) -> (u64, u64) {
    #[cfg(unix)]
    return (std::os::unix::fs::MetadataExt::dev(found), std::os::unix::fs::MetadataExt::ino(found));
    #[cfg(not(unix))]
    return (found.created().map_or(0, |_| 1), 0);
}

fn is_whole(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
}

impl FollowedFiles {
    /// Returns the files to follow. They need not be there yet.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let (input, paths): (Vec<PathBuf>, Vec<PathBuf>) =
            paths.into_iter().partition(|path| path.as_os_str() == "-");
        Self { paths, seen: BTreeMap::new(), input: (!input.is_empty()).then(Input::start) }
    }

    /// Reads all of it again, but for standard input, which is gone.
    pub fn begin_again(&mut self) {
        self.seen.clear();
    }

    /// Calls for each record that is new, up to some thousand. Returns what could not be read, each with its
    /// file, and whether more waits.
    pub fn read(&mut self, each: &mut dyn FnMut(FileRecord)) -> (Vec<(PathBuf, io::Error)>, bool) {
        let (mut errors, mut left) = (Vec::new(), MOST_RECORDS);
        self.read_input(&mut left, each, &mut errors);
        for path in self.paths.clone() {
            match files_of(&path) {
                Ok(files) => {
                    for file in files {
                        if let Err(error) = self.read_file(&file, &mut left, each) {
                            errors.push((file, error));
                        }
                    }
                }
                // What is not there yet may come.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => errors.push((path, error)),
            }
        }
        (errors, left == 0)
    }

    fn read_input(
        &mut self,
        left: &mut usize,
        each: &mut dyn FnMut(FileRecord),
        errors: &mut Vec<(PathBuf, io::Error)>,
    ) {
        let Some(input) = &mut self.input else { return };
        while *left > 0 {
            match input.lines.try_recv() {
                Ok(Ok(text)) => {
                    input.count = input.count.saturating_add(1);
                    *left = left.saturating_sub(1);
                    give(&PathBuf::from("-"), Some(input.count), &text, each);
                }
                Ok(Err(error)) => errors.push((PathBuf::from("-"), error)),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.input = None;
                    return;
                }
            }
        }
    }

    fn read_file(
        &mut self,
        path: &Path,
        left: &mut usize,
        each: &mut dyn FnMut(FileRecord),
    ) -> io::Result<()> {
        let found = std::fs::metadata(path)?;
        // To open another thing, as a pipe, may take for ever.
        if !found.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is no file; must be one, or a folder",
            ));
        }
        if is_whole(path) {
            return self.read_whole(path, &found, left, each);
        }
        let (mut bytes, mut lines) = match self.seen.get(path) {
            // Shorter than it was, or another one by this name: it is read from its beginning.
            Some(Seen::Lines { bytes, lines, file })
                if *bytes <= found.len() && *file == identity(&found) =>
            {
                (*bytes, *lines)
            }
            _ => (0, 0),
        };
        if bytes == found.len() {
            return Ok(());
        }
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(bytes))?;
        let mut reader = BufReader::new(file);
        let mut result = Ok(());
        while *left > 0 {
            let (text, length) = match read_line(&mut reader) {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            };
            // Whoever writes it is not done.
            if !text.ends_with('\n') {
                break;
            }
            (bytes, lines) = (bytes.saturating_add(length), lines.saturating_add(1));
            *left = left.saturating_sub(1);
            give(path, Some(lines), &text, each);
        }
        self.seen.insert(path.to_owned(), Seen::Lines { bytes, lines, file: identity(&found) });
        result
    }

    fn read_whole(
        &mut self,
        path: &Path,
        found: &Metadata,
        left: &mut usize,
        each: &mut dyn FnMut(FileRecord),
    ) -> io::Result<()> {
        let now = Seen::Whole(found.modified().ok(), found.len());
        if *left == 0 || self.seen.get(path) == Some(&now) {
            return Ok(());
        }
        if found.len() > MOST_BYTES {
            let what = format!("it has {} bytes; must have at most {MOST_BYTES}", found.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let mut text = String::new();
        File::open(path)?.take(MOST_BYTES).read_to_string(&mut text)?;
        // What could not be read is tried again.
        self.seen.insert(path.to_owned(), now);
        *left = left.saturating_sub(1);
        give(path, None, &text, each);
        Ok(())
    }
}

fn give(path: &Path, line: Option<u64>, text: &str, each: &mut dyn FnMut(FileRecord)) {
    if text.trim().is_empty() {
        return;
    }
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    each(FileRecord { place: format!("{}{line}", path.display()), text: text.to_owned() });
}

/// Returns a file, or those of a folder, by name. What begins with a point is left out: it is being written.
fn files_of(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !std::fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let has_ending = entry.path().extension().is_some_and(|ending| ending == "json" || ending == "jsonl");
        if !is_hidden && has_ending {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
