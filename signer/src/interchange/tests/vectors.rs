//! The vectors in `vectors/interchange`, on every kind of store (that in PostgreSQL beside its other tests).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{ExportForm, Interchange, Provider, ask, provider};
use crate::protection::{ChangeKind, HeightRange, LaneChange, MemoryStore, Outcome, Store, Verdict};
use finality::ConsumerHeight;

/// How many there are.
const VECTORS: usize = 35;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).unwrap()
}

fn height(value: &Value) -> ConsumerHeight {
    ConsumerHeight(text(value).parse().unwrap())
}

/// A run of a vector on a store.
struct Run<'a> {
    store: &'a dyn Store,
    keys: &'a Value,
    /// What was signed at each height of a lane.
    signed: BTreeMap<(String, Vec<u8>, ConsumerHeight), Vec<u8>>,
}

impl Run<'_> {
    fn provider(&self, of: &Value) -> Arc<Provider> {
        let key = bytes(&self.keys[text(&of["key"])]);
        assert_eq!(key, [key[0]; 32]);
        provider(key[0], &bytes(&of["chain_id"]))
    }

    fn export(&self, form: ExportForm) -> Value {
        let exported = Interchange::export(self.store, form).unwrap();
        assert_eq!(Interchange::from_json(&exported.to_json()).unwrap(), exported);
        serde_json::from_str(&exported.to_json()).unwrap()
    }

    fn change(&self, of: &Value, kind: ChangeKind) {
        let lane = (*self.provider(of).lane).clone();
        self.store.change(vec![LaneChange { lane, kind }]).unwrap();
    }

    fn import(&self, file: &str, expected: &Value) {
        let before = self.export(ExportForm::Complete);
        let imported = Interchange::from_json(file)
            .map_err(|error| error.to_string())
            .and_then(|read| read.import(self.store).map_err(|error| error.to_string()));
        match (imported, expected.get("error")) {
            (Ok(lanes), None) => {
                let expected = expected["lanes"].as_array().unwrap();
                assert_eq!(lanes.len(), expected.len());
                for ((lane, changed), expected) in lanes.iter().zip(expected) {
                    assert_eq!(*lane, *self.provider(expected).lane);
                    let all = |heights: &[ConsumerHeight]| -> Vec<_> {
                        heights.iter().map(|height| height.to_u64().to_string()).collect()
                    };
                    let one =
                        |height: Option<ConsumerHeight>| height.map(|height| height.to_u64().to_string());
                    let found = json!({
                        "key": expected["key"], "chain_id": expected["chain_id"],
                        "records": changed.records, "contradicted": all(&changed.contradicted),
                        "low": one(changed.watermarks.low), "high": one(changed.watermarks.high),
                    });
                    assert_eq!(found, *expected);
                }
            }
            (Err(error), Some(expected)) => {
                assert!(error.contains(text(expected)), "{error}; must contain {expected}");
                assert_eq!(self.export(ExportForm::Complete), before);
            }
            (found, _) => panic!("{found:?}; must be {expected}"),
        }
    }

    fn sign(&mut self, of: &Value, step: &Value) {
        let (provider, at, message) = (self.provider(of), height(&of["height"]), bytes(&of["message"]));
        let outcome = ask(self.store, &provider, at.to_u64(), &message);
        let (found, signature) = match &outcome {
            Outcome::Signed(Verdict::New(signature)) => ("new", Some(signature)),
            Outcome::Signed(Verdict::Again(signature)) => ("again", Some(signature)),
            Outcome::Refused(refusal) => (refusal.as_str(), None),
            Outcome::Failed(error) => panic!("{error}"),
        };
        assert_eq!(
            (found, Value::from(signature.map(|it| hex::encode(it.to_bytes())))),
            (text(&step["expect"]), step.get("signature").cloned().unwrap_or(Value::Null))
        );
        if signature.is_some() {
            let key = (text(&of["key"]).to_owned(), provider.lane.chain_id.clone(), at);
            let earlier = self.signed.insert(key, message.clone());
            assert!(earlier.is_none_or(|earlier| earlier == message), "two messages");
        }
    }

    fn step(&mut self, step: &Value) {
        for (name, what) in step.as_object().unwrap() {
            match name.as_str() {
                "register" => self.change(what, ChangeKind::Register(height(&what["first_height"]))),
                "set_high" => {
                    let high = what.get("height").filter(|it| !it.is_null()).map(height);
                    self.change(what, ChangeKind::SetHigh(high));
                }
                "prune" => self.change(what, ChangeKind::Prune(height(&what["height"]))),
                "commit" => {
                    let (first, last) = (height(&what["height"]), height(&what["height"]));
                    self.change(what, ChangeKind::Committed(HeightRange { first, last }));
                }
                "sign" => self.sign(what, step),
                "import" => self.import(&what.to_string(), &step["expect"]),
                "import_text" => self.import(text(what), &step["expect"]),
                "export" if what == "complete" => {
                    assert_eq!(self.export(ExportForm::Complete), step["expect"]);
                }
                "export" if what == "minimal" => {
                    assert_eq!(self.export(ExportForm::Minimal), step["expect"]);
                }
                "expect" | "signature" => {}
                other => panic!("a step {other:?}"),
            }
        }
    }
}

/// Runs every vector on stores that `make` returns, with the name of the vector for the store.
pub(crate) fn run(make: &dyn Fn(&str) -> Box<dyn Store>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/interchange");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    assert_eq!(files.len(), VECTORS);
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let vector: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let store = make(name);
        let mut run = Run { store: store.as_ref(), keys: &vector["secret_keys"], signed: BTreeMap::new() };
        for (number, step) in vector["steps"].as_array().unwrap().iter().enumerate() {
            println!("{name}, step {number}");
            run.step(step);
        }
    }
}

#[test]
fn vectors_hold_in_memory() {
    run(&|_| Box::new(MemoryStore::default()));
}

#[cfg(feature = "sqlite")]
#[test]
fn vectors_hold_in_a_file() {
    use crate::protection::{SqlitePaths, SqliteStore};
    let folder = tempfile::tempdir().unwrap();
    run(&|name| {
        let paths = SqlitePaths::beside(folder.path().join(name));
        Box::new(SqliteStore::initialise(&paths, &[]).unwrap())
    });
}
