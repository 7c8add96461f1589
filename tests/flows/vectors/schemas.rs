//! The vectors are of the schemas beside them, which whoever brings vectors of their own can lean on.

use std::path::Path;

use serde_json::Value;

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The files of a folder, each found to be of its schema, and to be of it no longer with a field that the
/// schema does not know.
fn checked(folder: &str) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(folder);
    let schema = folder.join("schema.json");
    let validator = jsonschema::draft202012::options().build(&read(&schema)).unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") || path == schema {
            continue;
        }
        let mut vectors = read(&path);
        if let Err(error) = validator.validate(&vectors) {
            panic!("{}: {} at {}", path.display(), error, error.instance_path());
        }
        let cases = vectors["cases"].as_array_mut().unwrap();
        let last = cases.last_mut().unwrap().as_object_mut().unwrap();
        last.insert("unheard_of".into(), Value::Null);
        assert!(!validator.is_valid(&vectors), "{}", path.display());
        files += 1;
    }
    files
}

#[test]
fn every_file_is_of_its_schema() {
    assert_eq!(["eots", "staking", "typescript"].map(checked), [10, 4, 5]);
}
