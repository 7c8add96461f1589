//! `key new`: generates a key.

use std::path::{Path, PathBuf};

use eots::SecretKey;
use rand_core::OsRng;
use zeroize::Zeroizing;

use super::public_key::{AddressArgs, Output};
use crate::args::new_file::NewFile;
use crate::args::secret::forbid_core_dumps;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[cfg_attr(
    feature = "signer",
    command(
        after_help = "With --name the key is encrypted with a passphrase, in the keystore, and is derived from 24 words (BIP-39), of which `key restore` makes it again. They are \
    shown once: on the terminal alone, never on standard output or standard error, also with --json; where there is no terminal --mnemonic-out writes them to a file. Keep them, and --hd-path where one was given, on paper.\n\n\
    With --out, for tests and demos, the file holds the secret key as 64 hex digits, for its owner alone to read (mode 0600). It is not encrypted, and there is no \
    other copy. The secret key is not printed; the public key is x-only, as all commands here take it.\n\nExamples:\n  \
    btcstake key new --name alice --mnemonic-out alice.words --passphrase-fd 3 3< passphrase\n  \
    btcstake key new --out new.key"
    )
)]
#[cfg_attr(
    not(feature = "signer"),
    command(
        after_help = "The file holds the secret key as 64 hex digits, for its owner alone to read (mode 0600). It is not encrypted, and there is no \
    other copy. The secret key is not printed; the public key is x-only, as all commands here take it.\n\nExample:\n  btcstake key new --out new.key"
    )
)]
#[cfg_attr(
    feature = "signer",
    command(group = clap::ArgGroup::new("place").required(true).args(["out", "name"]))
)]
pub(crate) struct Args {
    /// A file to write the secret key to, which must not exist. It is not encrypted: for tests and demos.
    #[arg(long, value_name = "FILE")]
    #[cfg_attr(feature = "signer", arg(conflicts_with_all = named::FLAGS))]
    #[cfg_attr(not(feature = "signer"), arg(required = true))]
    out: Option<PathBuf>,
    #[cfg(feature = "signer")]
    #[command(flatten)]
    named: named::NamedArgs,
    #[command(flatten)]
    address: AddressArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        forbid_core_dumps()?;
        match &self.out {
            Some(out) => self.write(out),
            #[cfg(feature = "signer")]
            None => Printout::of(&self.named.add(&self.address)?),
            #[cfg(not(feature = "signer"))]
            None => anyhow::bail!("--out is absent; must be given"),
        }
    }

    /// Writes a plain file.
    fn write(&self, out: &Path) -> anyhow::Result<Printout> {
        let file = NewFile::begin_secret("--out", out)?;
        let key = SecretKey::generate(&mut OsRng);
        let digits = Zeroizing::new(hex::encode(key.to_bytes().as_slice()));
        let output = Output { warnings: file.warnings(), ..Output::of(&key, &self.address)? };
        file.write(&Zeroizing::new(format!("{}\n", *digits)))?;
        Printout::of(&output)
    }
}

/// A key in the keystore.
#[cfg(feature = "signer")]
mod named {
    use std::io::Write as _;
    use std::path::PathBuf;

    use anyhow::Context;
    use signer::keystore::{KeyName, Mnemonic};
    use zeroize::Zeroizing;

    use super::super::derivation::DerivationArgs;
    use super::super::public_key::{AddressArgs, Output};
    use crate::args::keystore::EncryptionArgs;
    use crate::args::new_file::NewFile;

    /// What only a key with a name has.
    pub(super) const FLAGS: [&str; 7] = [
        "name",
        "mnemonic_out",
        "hd_path",
        "bip39_passphrase",
        "bip39_passphrase_fd",
        "bip39_verbatim",
        "work_factor",
    ];

    #[derive(clap::Args)]
    pub(super) struct NamedArgs {
        /// The name of the key in the keystore, where it is encrypted with a passphrase.
        #[arg(long)]
        name: Option<KeyName>,
        /// A file to write the 24 words to, which must not exist, instead of showing them on the terminal.
        /// Whoever reads it has the key.
        #[arg(long, value_name = "FILE")]
        mnemonic_out: Option<PathBuf>,
        #[command(flatten)]
        derivation: DerivationArgs,
        #[command(flatten)]
        encryption: EncryptionArgs,
    }

    /// Where the words go.
    enum Words {
        Terminal(std::fs::File),
        File(NewFile),
    }

    impl Words {
        /// Opens it, before there are any.
        fn begin(out: Option<PathBuf>) -> anyhow::Result<Self> {
            if let Some(path) = out {
                return Ok(Self::File(NewFile::begin_secret("--mnemonic-out", &path)?));
            }
            let terminal = std::fs::OpenOptions::new().write(true).open("/dev/tty");
            let hint = "no terminal to show the mnemonic on: --mnemonic-out writes it to a file";
            terminal.map(Self::Terminal).context(hint)
        }

        fn warnings(&self) -> Vec<String> {
            match self {
                Self::Terminal(_) => Vec::new(),
                Self::File(file) => file.warnings(),
            }
        }

        /// Shows or writes them, and returns where.
        fn give(self, name: &KeyName, mnemonic: &Mnemonic) -> anyhow::Result<String> {
            let words = mnemonic.words();
            let mut terminal = match self {
                Self::File(file) => {
                    return Ok(format!("in {}", file.write(&Zeroizing::new(format!("{}\n", *words)))?));
                }
                Self::Terminal(terminal) => terminal,
            };
            let words: Vec<_> = words.split(' ').collect();
            let head = format!(
                "\nThe words of {name}, shown this once. Write them down in this order. Whoever has them has \
                 the key;\nwithout them nobody gets it back when its file or its passphrase is lost.\n\n"
            );
            let lines = words.chunks(6).flat_map(|line| {
                let gaps = ["    "].into_iter().chain(std::iter::repeat(" "));
                gaps.zip(line).flat_map(|(gap, word)| [gap, *word]).chain(["\n"])
            });
            // In pieces: a text of all of them would be one more copy to erase.
            let shown = [&*head].into_iter().chain(lines).chain(["\n"]);
            let mut shown = shown.map(str::as_bytes);
            shown
                .try_for_each(|piece| terminal.write_all(piece))
                .context("cannot show the mnemonic on the terminal")?;
            Ok("on the terminal".to_owned())
        }
    }

    impl NamedArgs {
        pub(super) fn add(self, address: &AddressArgs) -> anyhow::Result<Output> {
            let name = self.name.context("--name is absent; must be given")?;
            let place = self.encryption.place(&name)?;
            let words = Words::begin(self.mnemonic_out)?;
            let mut warnings = words.warnings();
            let derivation = self.derivation.read(true)?;
            let passphrase = place.passphrase()?;
            let mnemonic = Mnemonic::generate()?;
            let key = derivation.key(&mnemonic)?;
            // Before the key is there: no key is ever kept whose words nobody has seen.
            let seen = words.give(&name, &mnemonic)?;
            let added = place.add(&key, &passphrase);
            warnings
                .extend(added.with_context(|| format!("the words {seen} may be of no key that was kept"))?);
            Ok(Output { warnings, ..Output::of(&key, address)? })
        }
    }
}
