//! The file that the page is written to.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A new file that waits for the page. It is made before the play, so that a name that cannot be written to is refused at once; and it
/// goes again when no page comes.
pub(crate) struct PageFile {
    path: PathBuf,
    file: File,
    written: bool,
}

impl PageFile {
    /// Takes the name. A file that is there already is left as it is.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.with_context(|| format!("cannot write --report {}", shown(path)))?;
        Ok(Self { path: path.to_owned(), file, written: false })
    }

    /// Writes the page, and says where it is.
    pub(crate) fn write(mut self, page: &str) -> anyhow::Result<String> {
        let path = shown(&self.path);
        let written = self.file.write_all(page.as_bytes()).and_then(|()| self.file.sync_all());
        written.with_context(|| format!("cannot write --report {path}"))?;
        self.written = true;
        Ok(path)
    }
}

impl Drop for PageFile {
    fn drop(&mut self) {
        if !self.written {
            // Nothing is left to do where this fails; the reason for which there is no page is told.
            let _removed = std::fs::remove_file(&self.path);
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The kernel's own full disk takes the place of the file after its name was taken.
    #[test]
    fn a_page_that_cannot_be_written_is_a_failure_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        let mut page = PageFile::create(&path).unwrap();
        assert!(path.exists());
        page.file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = format!("{:#}", page.write("a page").unwrap_err());
        assert!(error.contains("cannot write --report") && error.contains("No space left"), "{error}");
        assert!(!path.exists());
    }
}
