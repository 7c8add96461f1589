//! Delegations are of the published schema, at every step of their way.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::delegation::{FILES, write_all};
use crate::process::Folder;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../../staking-scripts/data/delegation.schema.json");
    jsonschema::draft202012::options().build(&serde_json::from_str(schema).unwrap()).unwrap()
});

impl Folder {
    /// A file that holds a delegation, found to be of the schema.
    pub(crate) fn delegation(&self, name: &str) -> Value {
        let found = serde_json::from_slice(&std::fs::read(self.path().join(name)).unwrap()).unwrap();
        if let Err(error) = SCHEMA.validate(&found) {
            panic!("{name}: {error} at {}", error.instance_path());
        }
        found
    }
}

#[test]
fn from_draft_to_verified() {
    let folder = Folder::new();
    write_all(&folder);
    for file in ["draft.json", "signed.json", "verified.json"] {
        folder.delegation(file);
    }
}

/// What the schema refuses, the commands refuse too.
#[test]
fn what_is_not_of_the_schema() {
    let folder = Folder::new();
    write_all(&folder);
    let sound = folder.delegation("verified.json");
    let mut refused = 0;
    let mut refuse = |name: &str, harm: &dyn Fn(&mut Value)| {
        let mut changed = sound.clone();
        harm(&mut changed);
        assert!(!SCHEMA.is_valid(&changed), "{name}");
        folder.write("changed.json", changed.to_string());
        folder.run(&format!("stake check {FILES} changed.json")).fails(&["--delegation"]);
        refused += 1;
    };
    refuse("an unknown field", &|file| file["unheard_of"] = Value::Null);
    refuse("an unknown field of an answer", &|file| file["covenant_signatures"][0]["unheard_of"] = json!(1));
    refuse("a number as text", &|file| file["staking_amount_sat"] = json!("500000"));
    refuse("a key that is too short", &|file| file["staker"] = json!("00"));
    refuse("a list for the whole", &|file| *file = json!([]));
    // What a source may lack.
    let optional = [
        "extends",
        "inclusion",
        "proof_of_possession",
        "staker_signatures",
        "covenant_signatures",
        "parameters_height",
        "unbonding_transaction",
        "slashing_transaction",
        "unbonding_slashing_transaction",
    ];
    let fields: Vec<_> = sound.as_object().unwrap().keys().cloned().collect();
    for field in fields.iter().filter(|field| !optional.contains(&field.as_str())) {
        refuse(field, &|file| {
            file.as_object_mut().unwrap().remove(field);
        });
    }
    assert_eq!(refused, 5 + 6);
}
