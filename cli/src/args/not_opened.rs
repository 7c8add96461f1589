//! Why a signing database is not opened, and what to do: `signer init` where it is right, with what it costs.

use signer::config::StoreSettings;
use signer::daemon::StartError;
use signer::protection::{GuardError, OpenError, PostgresError, SqlitePaths};

/// What to do where another process has it.
const IN_USE: &str = "ask a signer that runs with `btcstake signer keys --signer URL`, or stop it first";
/// What to do where there was none yet.
const ABSENT: &str = "look at the path first; where none was ever made, `btcstake signer init` makes one, and its \
    --from-height must be above every vote that was ever made with the key, here or elsewhere";
/// The way on that may forget votes.
const LAST_WAY: &str = "The last way is `btcstake signer init`: every height that may have been signed, here or \
    elsewhere, must be below its --from-height, as the chain's own highest vote says (this database does not know it)";

/// What is known here is no answer to what was signed.
const MORE_SIGNED: &str =
    "more may have been signed elsewhere or since, so ask the chain for its highest vote of the key";

/// A signing database is not opened.
#[derive(Debug)]
pub(crate) struct NotOpened {
    cause: StartError,
    advice: Option<String>,
}

impl NotOpened {
    /// Says what to do about an error of a store.
    pub(crate) fn new(cause: StartError, settings: &StoreSettings) -> Self {
        let advice = advice(&cause, settings);
        Self { cause, advice }
    }
}

impl std::fmt::Display for NotOpened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.advice {
            Some(advice) => write!(f, "{}: {advice}", self.cause),
            None => write!(f, "{}", self.cause),
        }
    }
}

impl std::error::Error for NotOpened {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}

/// Returns what to do; `signer init` is no answer to what is not about an old copy or a missing file.
fn advice(error: &StartError, settings: &StoreSettings) -> Option<String> {
    use {OpenError as O, PostgresError as P};
    // Only a file's guard has a place of its own without being named.
    let is_guard_named = !matches!(settings, StoreSettings::Sqlite { guard: None, .. });
    match error {
        StartError::Open(O::InUse(_) | O::Guard(GuardError::InUse(_)))
        | StartError::Postgres(P::InUse | P::GuardInUse(_) | P::Guard(GuardError::InUse(_))) => {
            Some(IN_USE.to_owned())
        }
        StartError::Open(O::Absent(_)) | StartError::Postgres(P::Absent(_)) => Some(ABSENT.to_owned()),
        StartError::Open(O::GuardAbsent(_) | O::OtherStore(_)) if !is_guard_named => {
            Some(format!("was `--guard FILE` forgotten (`guard` of [store] in a configuration)? {LAST_WAY}"))
        }
        StartError::Open(O::GuardAbsent(_) | O::OtherStore(_))
        | StartError::Postgres(P::GuardAbsent(_) | P::OtherStore(_)) => {
            Some(format!("look whether the guard's path is right, and its disk is there. {LAST_WAY}"))
        }
        StartError::Open(O::DatabaseAbsent(_)) | StartError::Postgres(P::DatabaseAbsent(_)) => {
            Some(format!("look whether the database's path is right, and its disk is there. {LAST_WAY}"))
        }
        StartError::Open(O::Stale { .. } | O::Forgotten { .. } | O::Backup(_))
        | StartError::Postgres(P::Stale { .. } | P::Forgotten { .. }) => {
            Some(format!("look for the newest database first. {LAST_WAY}"))
        }
        StartError::Open(O::BelowKnown { .. }) | StartError::Postgres(P::BelowKnown { .. }) => {
            Some(MORE_SIGNED.to_owned())
        }
        _ => None,
    }
}

/// Refuses a database that is not there before it is locked: the lock is a file, which would stay.
pub(crate) fn check_is_there(settings: &StoreSettings) -> Result<(), StartError> {
    let StoreSettings::Sqlite { database, guard, .. } = settings else { return Ok(()) };
    if database.exists() {
        return Ok(());
    }
    let beside = SqlitePaths::beside(database);
    let is_guarded = guard.as_deref().unwrap_or(&beside.guard).exists();
    let absent = if is_guarded { OpenError::DatabaseAbsent } else { OpenError::Absent };
    Err(absent(database.clone()).into())
}
