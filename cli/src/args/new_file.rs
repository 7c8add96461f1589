//! Files that commands write: new ones, whole or not at all.

use std::ffi::OsStr;
use std::io::Read as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

use super::secret::check_name;

/// How the names of files begin that are not finished yet.
const UNFINISHED: &str = ".btcstake-unfinished-";

/// How many bytes of a file are looked at for a mark.
const MARKED_BYTES: u64 = 4096;

/// A file to be written. It is created under another name in the same folder, so that a path that cannot be
/// written to is refused at once, and a process that is killed leaves no file with this name.
pub(crate) struct NewFile {
    /// The flag that names it, for messages.
    flag: &'static str,
    path: PathBuf,
    file: NamedTempFile,
    /// Whether it takes the place of one that is there.
    replaces: bool,
}

impl NewFile {
    /// Creates the file. One that exists is left as it is.
    pub(crate) fn begin(flag: &'static str, path: &Path) -> anyhow::Result<Self> {
        // As other programs' files: what it holds is for other roles to read.
        Self::with_mode(flag, path, 0o666)
    }

    /// Creates a file as [`Self::begin`] does, which only its owner may read.
    pub(crate) fn begin_secret(flag: &'static str, path: &Path) -> anyhow::Result<Self> {
        Self::with_mode(flag, path, 0o600)
    }

    /// Creates a file as [`Self::begin`] does, or one that takes the place of an earlier one, which has this
    /// mark among its first bytes.
    pub(crate) fn replace(flag: &'static str, path: &Path, mark: &str) -> anyhow::Result<Self> {
        if path.symlink_metadata().is_err() {
            return Self::begin(flag, path);
        }
        let mut beginning = Vec::new();
        let named = || format!("{flag} {}", shown(path));
        std::fs::File::open(path)
            .and_then(|file| file.take(MARKED_BYTES).read_to_end(&mut beginning))
            .with_context(named)?;
        if !beginning.windows(mark.len()).any(|bytes| bytes == mark.as_bytes()) {
            bail!("{}: the file exists, and was not written by this command; must be a new one", named());
        }
        Ok(Self { replaces: true, ..Self::unchecked(flag, path, 0o666)? })
    }

    /// Creates a file that only its owner may read, in place of one that is there.
    #[cfg(feature = "watch")]
    pub(crate) fn put_secret(flag: &'static str, path: &Path) -> anyhow::Result<Self> {
        Ok(Self { replaces: true, ..Self::unchecked(flag, path, 0o600)? })
    }

    fn with_mode(flag: &'static str, path: &Path, mode: u32) -> anyhow::Result<Self> {
        // A link that leads nowhere is there too.
        if path != Path::new("-") && path.symlink_metadata().is_ok() {
            check_name(path).with_context(|| format!("{flag} (hidden)"))?;
            bail!("{flag} {}: the file exists; must be a new one", shown(path));
        }
        Self::unchecked(flag, path, mode)
    }

    /// Creates the file, whatever has its name.
    fn unchecked(flag: &'static str, path: &Path, mode: u32) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            bail!("{flag} -: must be a file, not standard output");
        }
        check_name(path).with_context(|| format!("{flag} (hidden)"))?;
        let folder =
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(UNFINISHED);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
        #[cfg(not(unix))]
        let _no_modes = mode;
        let file =
            builder.tempfile_in(folder).with_context(|| format!("cannot write {flag} {}", shown(path)))?;
        Ok(Self { flag, path: path.to_owned(), file, replaces: false })
    }

    /// Returns a warning for each file beside it that a run which was killed has left behind.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let warning = |path| {
            format!("{path} was left behind by a run that was killed, and may hold a secret key: delete it")
        };
        self.left_behind().into_iter().map(warning).collect()
    }

    fn left_behind(&self) -> Vec<String> {
        let (Some(folder), own) = (self.file.path().parent(), self.file.path()) else { return Vec::new() };
        let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let unfinished = |name: &OsStr| name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes());
        let found = entries.filter(|entry| unfinished(&entry.file_name()) && entry.path() != own);
        let mut found: Vec<String> = found.map(|entry| shown(&entry.path())).collect();
        found.sort();
        found
    }

    /// Writes the file, and returns its path.
    pub(crate) fn write(mut self, text: &str) -> anyhow::Result<String> {
        let path = shown(&self.path);
        let name = || format!("cannot write {} {path}", self.flag);
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.as_file().sync_all());
        written.with_context(name)?;
        let persisted = match self.replaces {
            true => self.file.persist(&self.path),
            false => self.file.persist_noclobber(&self.path),
        };
        persisted.map_err(|error| error.error).with_context(name)?;
        Ok(path)
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_there_before_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        let file = NewFile::begin("--report", &path).unwrap();
        assert!(!path.exists());
        drop(file);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        // Somebody else takes the name in the meantime, and keeps it.
        let file = NewFile::begin("--report", &path).unwrap();
        std::fs::write(&path, "theirs").unwrap();
        let error = format!("{:#}", file.write("ours").unwrap_err());
        assert!(error.contains("--report") && error.contains("exists"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(NewFile::begin("--out", &path).is_err());
    }

    /// The kernel's own full disk takes the place of the file that was begun.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_cannot_be_written_is_a_failure_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        let mut file = NewFile::begin("--report", &path).unwrap();
        *file.file.as_file_mut() = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = format!("{:#}", file.write("a page").unwrap_err());
        assert!(error.contains("cannot write --report") && error.contains("No space left"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
