//! New keys: whole or not at all, and never over another file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use eots::SecretKey;

use super::super::files::{create_new, sync_folder, write_durably};
use super::super::name::KeyName;
use super::super::passphrase::Passphrase;
use super::super::plaintext;
use super::super::sealed::seal;
use super::Keystore;

/// The error of a key that is not added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// There is a key of this name.
    #[error("{} is there already; must be another name (no key is ever overwritten)", .path.display())]
    Exists {
        /// The key's file.
        path: PathBuf,
    },
    /// A file is left of a key of this name.
    #[error(
        "{} is there without its key: its writer was killed, or is at work; must be moved away first",
        .path.display()
    )]
    Leftover {
        /// The file.
        path: PathBuf,
    },
    /// The key cannot be encrypted.
    #[error("cannot encrypt the key")]
    Sealing(#[source] io::Error),
    /// A file cannot be written.
    #[error("cannot write {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: io::Error,
    },
}

/// Between which steps a writer may be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The encrypted key has another name.
    Sealed,
    /// The public key is there.
    PublicKey,
    /// The encrypted key has both names.
    Linked,
    /// The disk has the names.
    Synced,
    /// The other name is gone.
    Finished,
}

/// Files that are removed again when the key is not finished. A process that is killed does not come to it.
struct Undo(Vec<PathBuf>);

impl Undo {
    /// Writes a file that is removed again.
    fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<(), AddError> {
        let failed = |cause| AddError::File { path: path.to_owned(), cause };
        let file = match create_new(path) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                return Err(AddError::Leftover { path: path.to_owned() });
            }
            file => file.map_err(failed)?,
        };
        // Only what this has made.
        self.0.push(path.to_owned());
        write_durably(file, bytes).map_err(failed)
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for path in &self.0 {
            // What cannot be removed is named by the next listing.
            let _removed = fs::remove_file(path);
        }
    }
}

impl Keystore {
    /// Refuses a name that is taken, before anybody is asked for a passphrase. [`Self::add`] refuses it too.
    ///
    /// # Errors
    /// [`AddError`] when there is a key of this name, or a file left of one.
    pub fn check_new(&self, name: &KeyName) -> Result<(), AddError> {
        // A link that leads nowhere is there too.
        let is_there = |path: &Path| path.symlink_metadata().is_ok();
        let (path, beside) = (self.key_path(name), [self.unfinished_path(name), self.public_key_path(name)]);
        if is_there(&path) {
            return Err(AddError::Exists { path });
        }
        match beside.into_iter().find(|path| is_there(path)) {
            Some(path) => Err(AddError::Leftover { path }),
            None => Ok(()),
        }
    }

    /// Returns the path of an encrypted key while it is written.
    fn unfinished_path(&self, name: &KeyName) -> PathBuf {
        self.folder.join(format!(".{name}.age.new"))
    }

    /// Adds a key, encrypted with a passphrase. When it returns, the disk has it.
    ///
    /// # Errors
    /// [`AddError`] when there is a key of this name, or a file left of one, or a file cannot be written.
    pub fn add(&self, name: &KeyName, key: &SecretKey, passphrase: &Passphrase) -> Result<(), AddError> {
        self.add_stepwise(name, key, passphrase, &|_| ())
    }

    /// As [`Self::add`]; `done` is told of each step, so that tests can be killed there.
    pub(crate) fn add_stepwise(
        &self,
        name: &KeyName,
        key: &SecretKey,
        passphrase: &Passphrase,
        done: &dyn Fn(Step),
    ) -> Result<(), AddError> {
        // For the better message: the link below decides.
        self.check_new(name)?;
        let path = self.key_path(name);
        let sealed = seal(&plaintext::write(key), passphrase, self.work_factor).map_err(AddError::Sealing)?;
        let unfinished = self.unfinished_path(name);
        let mut undo = Undo(Vec::new());
        undo.write(&unfinished, &sealed)?;
        done(Step::Sealed);
        undo.write(&self.public_key_path(name), format!("{}\n", key.public_key()).as_bytes())?;
        done(Step::PublicKey);
        // Unlike a renaming, a link never replaces a file.
        match fs::hard_link(&unfinished, &path) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                return Err(AddError::Exists { path });
            }
            linked => linked.map_err(|cause| AddError::File { path: path.clone(), cause })?,
        }
        // From here on the key is there.
        undo.0.truncate(1);
        done(Step::Linked);
        sync_folder(&self.folder).map_err(|cause| AddError::File { path: self.folder.clone(), cause })?;
        done(Step::Synced);
        drop(undo);
        done(Step::Finished);
        Ok(())
    }
}
