//! The files of a tree that patterns and searches name, and those that a program imports.

use super::tree::{Tree, joined, parent};
use bstr::ByteSlice as _;
use globset::{GlobBuilder, GlobMatcher};

/// The most files that a pattern or a search names.
const FILES: usize = 300;
/// How deep folders are searched.
const DEPTH: usize = 6;
/// Modules that Python's runners of tests import before they look at a test, and that a file in the folder where they
/// begin is taken for.
const IMPORTED: [&str; 88] = [
    "_pytest",
    "argparse",
    "ast",
    "attr",
    "attrs",
    "base64",
    "bdb",
    "bisect",
    "bz2",
    "calendar",
    "cmd",
    "code",
    "codeop",
    "colorama",
    "collections",
    "concurrent",
    "configparser",
    "contextlib",
    "contextvars",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "dis",
    "email",
    "exceptiongroup",
    "faulthandler",
    "fnmatch",
    "fractions",
    "functools",
    "getopt",
    "getpass",
    "gettext",
    "glob",
    "gzip",
    "hashlib",
    "heapq",
    "html",
    "importlib",
    "iniconfig",
    "inspect",
    "ipaddress",
    "itertools",
    "json",
    "linecache",
    "locale",
    "logging",
    "lzma",
    "math",
    "numbers",
    "opcode",
    "packaging",
    "pathlib",
    "pdb",
    "pickle",
    "platform",
    "pluggy",
    "pprint",
    "py",
    "pygments",
    "queue",
    "quopri",
    "random",
    "reprlib",
    "runpy",
    "selectors",
    "shlex",
    "shutil",
    "signal",
    "sitecustomize",
    "socket",
    "string",
    "struct",
    "subprocess",
    "sysconfig",
    "tempfile",
    "textwrap",
    "threading",
    "tokenize",
    "tomli",
    "tomllib",
    "traceback",
    "unittest",
    "usercustomize",
    "uuid",
    "xml",
];

impl Tree<'_> {
    /// What a word with `*`, `?` or `[` stands for in a folder, in the order of the names; else itself.
    #[must_use]
    pub fn globbed(&self, dir: &str, word: &str) -> Vec<String> {
        if !word.contains(['*', '?', '[']) || word.contains('$') {
            return vec![word.to_owned()];
        }
        let mut found = vec![String::new()];
        for part in word.split('/') {
            let each = |before: &String| -> Vec<String> {
                let at =
                    |name: &str| if before.is_empty() { name.to_owned() } else { format!("{before}/{name}") };
                let Some(pattern) = pattern(part).filter(|_| part.contains(['*', '?', '['])) else {
                    return vec![at(part)];
                };
                let Some(folder) = joined(dir, before) else { return Vec::new() };
                let fits = |name: &String| pattern.is_match(name) && !name.starts_with('.');
                self.names(&folder).into_iter().filter(fits).map(|name| at(&name)).collect()
            };
            found = found.iter().flat_map(each).take(FILES).collect();
        }
        found
    }

    /// The files below a folder whose names fit a pattern.
    #[must_use]
    pub fn below(&self, dir: &str, name: &str) -> Vec<String> {
        let Some(pattern) = pattern(name) else { return Vec::new() };
        let (mut found, mut left) = (Vec::new(), vec![(dir.to_owned(), 0)]);
        while let Some((folder, depth)) = left.pop().filter(|_| found.len() < FILES) {
            for name in self.names(&folder) {
                let path = joined(&folder, &name).unwrap_or_default();
                match (self.entry)(&path) {
                    Some(_) if pattern.is_match(&name) => found.push(path),
                    Some(_) => {}
                    None if depth < DEPTH && left.len() < FILES => left.push((path, depth + 1)),
                    None => {}
                }
            }
        }
        found.sort();
        found
    }

    /// The names in a folder, in their order.
    pub(super) fn names(&self, dir: &str) -> Vec<String> {
        let mut names: Vec<String> =
            (self.list)(dir.as_bytes()).iter().map(|name| name.to_str_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Modules in a folder that are taken for those of Python's runners.
    pub(super) fn shadows(&self, dir: &str) -> Vec<String> {
        let module = |name: &String| {
            let path = joined(dir, name).unwrap_or_default();
            let is_package = || self.text(&format!("{path}/__init__.py")).is_some();
            name.strip_suffix(".py").is_some_and(|bare| IMPORTED.contains(&bare))
                || IMPORTED.contains(&name.as_str()) && is_package()
        };
        self.names(dir).into_iter().filter(module).collect()
    }

    /// The files of the tree that a program in Python or JavaScript imports by their places.
    pub(super) fn imported(&self, path: &str, text: &str) -> Vec<String> {
        let (dir, python) = (parent(path), path.ends_with(".py"));
        let names = text.lines().flat_map(|line| if python { modules(line) } else { paths(line) });
        let endings: &[&str] = if python {
            &[".py", "/__init__.py"]
        } else {
            &["", ".js", ".mjs", ".cjs", ".ts", "/index.js", "/index.ts"]
        };
        let file = |name: String| {
            endings.iter().find_map(|ending| {
                joined(dir, &format!("{name}{ending}")).filter(|path| self.text(path).is_some())
            })
        };
        names.take(FILES).filter_map(file).collect()
    }
}

fn pattern(name: &str) -> Option<GlobMatcher> {
    GlobBuilder::new(name).literal_separator(true).build().ok().map(|glob| glob.compile_matcher())
}

/// The modules that a line of Python imports, as paths.
fn modules(line: &str) -> Vec<String> {
    let words: Vec<&str> =
        line.trim_start().split([' ', ',', '\t']).filter(|word| !word.is_empty()).collect();
    let path = |module: &&str| module.trim_start_matches('.').replace('.', "/");
    match words[..] {
        ["import", ref all @ ..] => all.iter().take_while(|word| **word != "as").map(path).collect(),
        ["from", module, "import", ref all @ ..] => {
            let from = path(&module);
            let inside = all.iter().map(|name| format!("{from}/{name}").trim_start_matches('/').to_owned());
            std::iter::once(from.clone()).filter(|from| !from.is_empty()).chain(inside).collect()
        }
        _ => Vec::new(),
    }
}

/// The paths that a line of JavaScript imports.
fn paths(line: &str) -> Vec<String> {
    let imports = line.contains("require(") || line.contains("import");
    let quoted = line.split(['"', '\'']).skip(1).step_by(2);
    quoted.filter(|path| imports && path.starts_with('.')).map(str::to_owned).collect()
}
