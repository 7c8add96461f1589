//! Settings that the environment overrides.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::error::ConfigRule;
use super::problems::{Place, Problems, shown};
use super::settings::{self, PREFIX, Setting};

/// The environment's overrides, by table and key.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    found: BTreeMap<(&'static str, &'static str), (String, OsString)>,
    /// The prefix's other variables, which are somebody else's.
    pub(super) others: Vec<String>,
}

impl Overrides {
    pub(super) fn collect(
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        problems: &Problems,
    ) -> Self {
        let mut overrides = Self::default();
        let settings: Vec<(String, &Setting)> = settings::SETTINGS
            .iter()
            .filter_map(|setting| setting.variable().map(|variable| (variable, setting)))
            .collect();
        for (name, value) in environment {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
            if let Some((_, setting)) = settings.iter().find(|(variable, _)| variable == name) {
                overrides.found.insert((setting.table, setting.key), (name.to_owned(), value));
                continue;
            }
            let tables =
                settings.iter().filter(|(_, it)| name.starts_with(&settings::table_prefix(it.table)));
            let known: Vec<_> = tables.map(|(variable, _)| variable.clone()).collect();
            if known.is_empty() {
                overrides.others.push(shown(name));
            } else {
                let place = Place { line: None, key: format!("${}", shown(name)) };
                problems.add(&place, ConfigRule::UnknownVariable { known });
            }
        }
        overrides.others.sort_unstable();
        overrides
    }

    /// Returns the variable that overrides a setting, and its value.
    pub(super) fn get(&self, setting: &Setting) -> Option<&(String, OsString)> {
        self.found.get(&(setting.table, setting.key))
    }

    /// Returns whether a variable overrides a setting of a table.
    pub(super) fn has_table(&self, table: &str) -> bool {
        self.found.keys().any(|(of, _)| *of == table)
    }
}
