//! Files that are followed: what grows, what is replaced, and what is no record.

use std::io::Write as _;

use crate::sources::{FollowedFiles, MOST_BYTES, MOST_RECORDS};

fn read(files: &mut FollowedFiles) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let name = |place: &str| place.rsplit('/').next().unwrap().to_owned();
    let (errors, _) = files.read(&mut |record| all.push((name(&record.place), record.text.trim().into())));
    assert!(errors.is_empty(), "{errors:?}");
    all
}

fn said(found: &[(String, String)]) -> Vec<(&str, &str)> {
    found.iter().map(|(place, text)| (place.as_str(), text.as_str())).collect()
}

#[test]
fn lines_are_read_once_and_only_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let mut files = FollowedFiles::new([path.clone()]);
    assert_eq!(read(&mut files), []);
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(b"one\n\ntwo\nthr").unwrap();
    assert_eq!(said(&read(&mut files)), [("a.jsonl:1", "one"), ("a.jsonl:3", "two")]);
    assert_eq!(read(&mut files), []);
    file.write_all(b"ee\nfour\n").unwrap();
    assert_eq!(said(&read(&mut files)), [("a.jsonl:4", "three"), ("a.jsonl:5", "four")]);
    // Another file in its place.
    std::fs::write(&path, "new\n").unwrap();
    assert_eq!(said(&read(&mut files)), [("a.jsonl:1", "new")]);
}

#[test]
fn folder_has_records_and_lines() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = FollowedFiles::new([folder.path().to_owned()]);
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("b.json", "{\n}\n");
    write("a.jsonl", "1\n2\n");
    write(".c.json", "half");
    write("d.txt", "other");
    assert_eq!(said(&read(&mut files)), [("a.jsonl:1", "1"), ("a.jsonl:2", "2"), ("b.json", "{\n}")]);
    assert_eq!(read(&mut files), []);
    write("b.json", "{ }\n\n\n");
    assert_eq!(said(&read(&mut files)), [("b.json", "{ }")]);
}

/// One that takes the place of another is read from its beginning, however long it is; what is no file is
/// an error, and keeps nobody waiting.
#[cfg(unix)]
#[test]
fn replaced_files_and_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, "one\ntwo\n").unwrap();
    let mut files = FollowedFiles::new([path.clone()]);
    assert_eq!(read(&mut files).len(), 2);
    let new = folder.path().join("new");
    std::fs::write(&new, "zero\none\ntwo\nthree\n").unwrap();
    std::fs::rename(&new, &path).unwrap();
    assert_eq!(read(&mut files).len(), 4);
    let pipe = folder.path().join("pipe.json");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let mut files = FollowedFiles::new([pipe]);
    let (errors, _) = files.read(&mut |_| panic!("a record of a pipe"));
    assert!(errors[0].1.to_string().contains("it is no file"), "{errors:?}");
}

/// A line that is too long is left out alone.
#[test]
fn long_line_keeps_no_other_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let long = "x".repeat(3 * usize::try_from(MOST_BYTES).unwrap() / 2);
    std::fs::write(&path, format!("one\n{long}\ntwo\n")).unwrap();
    let found = read(&mut FollowedFiles::new([path]));
    assert_eq!(found.len(), 3);
    assert!(found[1].1.starts_with("a line of 25165825 bytes"), "{}", &found[1].1[..80]);
    assert_eq!(found[2], ("a.jsonl:3".to_owned(), "two".to_owned()));
}

#[test]
fn long_file_is_read_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, "x\n".repeat(MOST_RECORDS + 1)).unwrap();
    let mut files = FollowedFiles::new([path]);
    let mut count = 0;
    let (_, is_more) = files.read(&mut |_| count += 1);
    assert_eq!((count, is_more), (MOST_RECORDS, true));
    let (_, is_more) = files.read(&mut |_| count += 1);
    assert_eq!((count, is_more), (MOST_RECORDS + 1, false));
}
