"""Reads Rust source far enough for the checks: code without comments, strings and tests, and the paths it names."""

import bisect
import json
import re
import subprocess
from pathlib import Path

IDENT = r"(?:r#)?[A-Za-z_][A-Za-z0-9_]*"
CHAR = re.compile(r"'(?:\\(?:x[0-9a-fA-F]{2}|u\{[0-9a-fA-F_]+\}|.)|[^\\'\n])'")
RAW = re.compile(r'(?:b|c)?r(#*)"')
TEST_CFG = re.compile(r"#\s*\[\s*cfg\s*\(\s*(?:test|all\s*\(\s*test\b[^\]]*)\s*\)\s*\]|#\s*\[\s*test\s*\]")


def blank(text, start, end):
    """Spaces in the place of a stretch, its line breaks kept."""
    return re.sub(r"[^\n]", " ", text[start:end])


def asides(text):
    """The stretches that are no code: (start, end, "comment" or "string"), in order. A character counts as a string."""
    i, n = 0, len(text)
    while i < n:
        two, start, kind = text[i : i + 2], i, "string"
        before = text[i - 1] if i else " "
        raw = RAW.match(text, i) if not (before.isalnum() or before == "_") else None
        if two == "//":
            end = text.find("\n", i)
            i, kind = n if end < 0 else end, "comment"
        elif two == "/*":
            depth, i, kind = 1, i + 2, "comment"
            while i < n and depth:
                step = text[i : i + 2]
                depth += (step == "/*") - (step == "*/")
                i += 2 if step in ("/*", "*/") else 1
        elif raw:
            end = text.find('"' + raw.group(1), raw.end())
            i = n if end < 0 else end + 1 + len(raw.group(1))
        elif text[i] == '"':
            i += 1
            while i < n and text[i] != '"':
                i += 2 if text[i] == "\\" else 1
            i = min(i + 1, n)
        elif text[i] == "'" and (char := CHAR.match(text, i)):
            i = char.end()
        else:
            i += 1
            continue
        yield start, i, kind


def without_asides(text):
    """The code with comments and strings blanked."""
    out, last = [], 0
    for start, end, _kind in asides(text):
        out += [text[last:start], blank(text, start, end)]
        last = end
    return "".join(out) + text[last:]


def end_of_item(code, i):
    """The end of the item that begins at `i`: past its braces, or past its semicolon."""
    depth = 0
    while i < len(code):
        c = code[i]
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth < 0:
                return i
            # `use a::{b};` ends at its semicolon, which does no harm to leave behind.
            if depth == 0 and c == "}":
                return i + 1
        elif c in ";," and depth == 0:
            return i + 1
        i += 1
    return i


def without_tests(code):
    """The code with everything under `#[cfg(test)]` and `#[test]` blanked, and the names of its test modules."""
    modules = set()
    while match := TEST_CFG.search(code):
        end = end_of_item(code, match.end())
        named = re.search(rf"\bmod\s+({IDENT})\s*;", code[match.end() : end])
        if named:
            modules.add(named.group(1))
        code = code[: match.start()] + blank(code, match.start(), end) + code[end:]
    return code, modules


def lines_of(text):
    """A function from a position to its line."""
    starts = [0] + [m.end() for m in re.finditer("\n", text)]
    return lambda position: bisect.bisect_right(starts, position)


def use_leaves(tree, at):
    """The (path, name, position) of each leaf of what stands between `use` and `;`. A glob is named `*`."""
    leaves, prefix, i = [], [], 0
    token = re.compile(rf"\s*(::|\{{|\}}|,|\*|as\b|{IDENT})")

    def group(prefix):
        nonlocal i
        path, name, start = list(prefix), None, None

        def close():
            nonlocal path, name, start
            if name or len(path) > len(prefix):
                leaves.append((tuple(path), name or path[-1], start))
            path, name, start = list(prefix), None, None

        while i < len(tree):
            match = token.match(tree, i)
            if not match:
                i += 1
                continue
            word, where = match.group(1), at + match.start(1)
            i = match.end()
            if word == "::":
                continue
            if word == "{":
                group(path)
                path, name, start = list(prefix), None, None
            elif word == "}":
                close()
                return
            elif word == ",":
                close()
            elif word == "as":
                match = token.match(tree, i)
                name, i = match.group(1), match.end()
            elif word == "*":
                path, name, start = path + ["*"], "*", start or where
            elif word == "self" and len(path) == len(prefix) and prefix:
                name, start = path[-1], where
            else:
                path, start = path + [word.removeprefix("r#")], start or where
        close()

    group(prefix)
    return leaves


USE = re.compile(r"(?P<vis>\bpub(?:\s*\([^)]*\))?\s+)?\buse\s+(?P<tree>[^;]+);")


def uses(code):
    """Each leaf of each `use`: (visibility, path, name, position)."""
    for match in USE.finditer(code):
        for path, name, position in use_leaves(match.group("tree"), match.start("tree")):
            yield (match.group("vis") or "").strip(), path, name, position


class File:
    """One source file of a crate."""

    def __init__(self, path, module):
        self.path, self.module = path, module
        self.text = path.read_text(encoding="utf-8")
        self.code, self.test_modules = without_tests(without_asides(self.text))
        self.line = lines_of(self.text)


class Crate:
    """A package's library: its files apart from tests, by module."""

    def __init__(self, root):
        self.root, self.files = Path(root), []
        source = self.root / "src"
        for name in ("lib.rs", "main.rs"):
            if (source / name).is_file():
                self._read(source / name, (), source)
                break

    def _read(self, path, module, folder):
        file = File(path, module)
        self.files.append(file)
        for match in re.finditer(rf"\bmod\s+({IDENT})\s*;", file.code):
            name = match.group(1).removeprefix("r#")
            for child in (folder / f"{name}.rs", folder / name / "mod.rs"):
                if child.is_file():
                    self._read(child, module + (name,), folder / name)


def packages(workspace):
    """The workspace's packages as cargo reads their manifests, by name without the workspace's prefix."""
    command = ["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"]
    run = subprocess.run(command, cwd=workspace, check=True, stdout=subprocess.PIPE, text=True)
    found = {}
    for package in json.loads(run.stdout)["packages"]:
        package["short"] = package["name"].removeprefix("btcstake-")
        package["root"] = Path(package["manifest_path"]).parent
        found[package["short"]] = package
    return found
