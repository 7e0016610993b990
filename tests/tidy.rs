//! The house rules as tests.
//!
//! Each rule reads the sources as text, with comments and strings blanked, and reports all of its
//! violations at once as `file:line: what`. An exception is a line in this file, with its reason;
//! one that nothing needs any more is a violation too.

use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The most lines of a file before its tests.
const FILE_LINES: usize = 400;
/// The most lines of a function.
const FUNCTION_LINES: usize = 60;
/// The most lines of a command.
const COMMAND_LINES: usize = 130;

/// One source file.
struct Source {
    /// Its path from the root of the project, with `/`.
    path: String,
    /// As it is.
    text: String,
    /// Comments and the insides of strings blanked, and what only tests compile; lines stay lines.
    code: String,
    /// String literals with their lines, without those of tests.
    strings: Vec<(usize, String)>,
}

impl Source {
    fn new(path: String, text: String) -> Self {
        let (masked, mut strings) = mask(&text);
        let code = without_tests(&masked);
        let kept: Vec<bool> = code.lines().map(|line| !line.trim().is_empty()).collect();
        strings.retain(|(line, _)| kept.get(line - 1).copied().unwrap_or(false));
        Self { path, text, code, strings }
    }

    /// The module below `src/` that the file belongs to.
    fn module(&self) -> &str {
        let below = self.path.trim_start_matches("src/");
        below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
    }

    /// Lines of code that a pattern is found in.
    fn find<'s>(&'s self, pattern: &Regex) -> Vec<(usize, String)> {
        let found = |(number, line): (usize, &'s str)| {
            pattern.find(line).map(|found| (number + 1, found.as_str().trim().to_owned()))
        };
        self.code.lines().enumerate().filter_map(found).collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder with an ending, in the order of their paths.
fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The sources of the program, without the files that only tests compile.
fn sources() -> Vec<Source> {
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
        Source::new(name, fs::read_to_string(&path).expect("a source is text"))
    };
    let mut all: Vec<Source> = files(&root().join("src"), ".rs").into_iter().map(read).collect();
    let test_module =
        Regex::new(r"(?m)^\s*#\[cfg\(test\)\]\n\s*(?:pub(?:\([\w: ]+\))? )?mod (\w+);").expect("a pattern");
    let mut only_tests = BTreeSet::new();
    for source in &all {
        let folder = source.path.trim_end_matches("mod.rs").trim_end_matches(".rs").trim_end_matches('/');
        for found in test_module.captures_iter(&source.text) {
            only_tests.insert(format!("{folder}/{}.rs", &found[1]));
        }
    }
    all.retain(|source| !only_tests.contains(&source.path));
    assert!(all.len() > 50, "the sources are not where they are looked for");
    all
}

/// Blanks comments and the insides of literals, and collects the strings.
fn mask(text: &str) -> (String, Vec<(usize, String)>) {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut strings, mut at, mut line) = (String::with_capacity(text.len()), Vec::new(), 0, 1);
    let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
    while at < chars.len() {
        let rest = &chars[at..];
        let end = at + literal_or_comment(rest, out.chars().last());
        if end == at {
            line += usize::from(chars[at] == '\n');
            out.push(chars[at]);
            at += 1;
            continue;
        }
        let piece: String = chars[at..end].iter().collect();
        if !piece.starts_with('/') && !piece.starts_with('\'') {
            strings.push((line, piece.clone()));
            out.push('"');
            out.extend(chars[at + 1..end].iter().map(|c| blank(*c)));
        } else {
            out.extend(chars[at..end].iter().map(|c| blank(*c)));
        }
        line += piece.matches('\n').count();
        at = end;
    }
    (out, strings)
}

/// How many characters of a comment or a literal lie here; 0 where there is none.
fn literal_or_comment(rest: &[char], before: Option<char>) -> usize {
    let until = |from: usize, end: &dyn Fn(usize) -> bool| {
        (from..rest.len()).find(|at| end(*at)).unwrap_or(rest.len())
    };
    match rest {
        ['/', '/', ..] => until(0, &|at| rest[at] == '\n'),
        ['/', '*', ..] => (until(2, &|at| rest[at] == '/' && rest[at - 1] == '*') + 1).min(rest.len()),
        ['"', ..] => quoted(rest, 0),
        ['b', '"', ..] if !before.is_some_and(is_word) => quoted(rest, 1),
        ['r', '"' | '#', ..] if !before.is_some_and(is_word) => raw(rest),
        // A character; what has no closing quote so soon is a lifetime.
        ['\'', '\\', ..] => until(3, &|at| rest[at] == '\'') + 1,
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn quoted(rest: &[char], open: usize) -> usize {
    let mut at = open + 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let closes = |at: usize| {
        rest[at] == '"' && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    (2 + hashes..rest.len()).find(|at| closes(*at)).map_or(rest.len(), |at| at + 1 + hashes)
}

/// Blanks the items behind `#[cfg(test)]`.
fn without_tests(masked: &str) -> String {
    let mut code = masked.to_owned();
    while let Some(start) = code.find("#[cfg(test)]") {
        let end = item_end(&code, start);
        let blanked: String = code[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(start..end, &blanked);
    }
    code
}

/// Where the item that begins here ends: at its semicolon, or with its last brace.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return start + at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return start + at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Fails with all violations, and with exceptions that nothing needs.
fn report(rule: &str, found: &[(String, usize, String)], exceptions: &[(&str, &str)]) {
    let mut wrong: Vec<String> = found
        .iter()
        .filter(|(path, _, _)| !exceptions.iter().any(|(except, _)| except == path))
        .map(|(path, line, what)| format!("{path}:{line}: {what}"))
        .collect();
    for (path, reason) in exceptions {
        if !found.iter().any(|(each, _, _)| each == path) {
            wrong.push(format!("{path}:0: is excepted ({reason}) and needs no exception any more"));
        }
    }
    assert!(wrong.is_empty(), "{rule}:\n{}\n", wrong.join("\n"));
}

/// The lines of all sources on which a pattern is found, but in its homes.
fn outside(sources: &[Source], pattern: &str, homes: &[&str]) -> Vec<(String, usize, String)> {
    let pattern = Regex::new(pattern).expect("a pattern");
    let home = |path: &str| homes.iter().any(|home| path == *home || path.starts_with(&format!("{home}/")));
    let away = sources.iter().filter(|source| !home(&source.path));
    let all = away.flat_map(|source| {
        source.find(&pattern).into_iter().map(|(line, what)| (source.path.clone(), line, format!("`{what}`")))
    });
    all.collect()
}

/// The modules in the order in which `lib.rs` lists them.
fn order() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).expect("lib.rs");
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn imports_point_upstream_only() {
    let order = order();
    let place = |name: &str| order.iter().position(|each| each == name);
    let direct = Regex::new(r"crate::(\w+)").expect("a pattern");
    let nested = Regex::new(r"use crate::\{([^;]*)\};").expect("a pattern");
    let first = Regex::new(r"(?:^|,)\s*(\w+)").expect("a pattern");
    let mut found = Vec::new();
    for source in sources() {
        let module = source.module();
        let own = if matches!(module, "main" | "lib") { order.len() } else { place(module).expect("listed") };
        let mut imports: Vec<(usize, String)> = direct
            .captures_iter(&source.code)
            .map(|found| (found.get(1).expect("a name").start(), found[1].to_owned()))
            .collect();
        for group in nested.captures_iter(&source.code) {
            let list = group.get(1).expect("a list");
            imports.extend(first.captures_iter(list.as_str()).map(|name| (list.start(), name[1].to_owned())));
        }
        for (at, name) in imports {
            let line = source.code[..at].matches('\n').count() + 1;
            if place(&name).is_some_and(|there| there > own) {
                found.push((
                    source.path.clone(),
                    line,
                    format!("`{module}` uses `{name}`, which comes after it"),
                ));
            }
        }
    }
    report("a module uses only those above it in lib.rs", &found, &[]);
}

#[test]
fn every_module_is_listed_once_in_reading_order() {
    let order = order();
    let mut listed: Vec<String> = order.iter().map(|name| format!("src/{name}")).collect();
    listed.sort();
    let mut there: Vec<String> = fs::read_dir(root().join("src"))
        .expect("src")
        .flatten()
        .map(|entry| format!("src/{}", entry.file_name().to_string_lossy().trim_end_matches(".rs")))
        .filter(|path| path != "src/main" && path != "src/lib")
        .collect();
    there.sort();
    assert_eq!(listed, there);
}

#[test]
fn only_the_outer_rooms_know_the_machine() {
    report(
        "effects/os is used by cli alone",
        &outside(&sources(), r"effects::os\b|super::os\b", &["src/effects/os", "src/cli", "src/main.rs"]),
        &[],
    );
    let machine = r"\bstd::(fs|process|env|net|thread|io::std\w+)\b|\b(std::time::|Instant::|SystemTime::)(Instant|SystemTime|now)\b|\bTimestamp::now\b|\buse std::time::.*\b(Instant|SystemTime)\b|\bprintln!|\beprintln!|\bprint!|\beprint!";
    report(
        "only effects/os, cli and main.rs touch files, processes, time, environment or the terminal",
        &outside(&sources(), machine, &["src/effects/os", "src/cli", "src/main.rs"]),
        &[
            ("src/report/human.rs", "this is where people are told, with a spinner or a heartbeat"),
            ("src/report/json.rs", "this is where programs are told, a line at a time"),
        ],
    );
}

#[test]
fn each_library_has_one_home() {
    let sources = sources();
    let homes: &[(&str, &[&str])] = &[
        ("duct", &["src/effects/os"]),
        ("gix", &["src/effects/os/git"]),
        ("walkdir", &["src/effects/os/files.rs", "src/effects/os/foreign.rs", "src/effects/os/tail.rs"]),
        ("rustix", &["src/effects/os", "src/cli/context.rs"]),
        ("landlock", &["src/effects/os/sandbox.rs"]),
        ("signal_hook", &["src/effects/os/signals.rs"]),
        ("getrandom", &["src/effects/os/clock.rs"]),
        ("tempfile", &["src/effects/os", "src/cli/demo.rs", "src/cli/demo_place.rs"]),
        ("indicatif", &["src/report/human.rs", "src/report/jobs.rs"]),
        ("anstyle", &["src/report", "src/cli/demo.rs"]),
        ("anstream", &["src/gate/builtin.rs"]),
        ("unicode_width", &["src/report"]),
        ("toml", &["src/state/file", "src/config", "src/import"]),
        ("toml_edit", &["src/state/file", "src/config"]),
        ("serde_yaml", &["src/state/file", "src/import/yaml.rs", "src/agent/reply.rs"]),
        (
            "postcard",
            &[
                "src/state/cache.rs",
                "src/state/digest.rs",
                "src/state/notes.rs",
                "src/state/whose.rs",
                "src/effects/os/git/settings.rs",
            ],
        ),
        ("crc32fast", &["src/state/cache.rs", "src/state/digest.rs", "src/state/notes.rs"]),
        (
            "globset",
            &[
                "src/gate/protect.rs",
                "src/gate/test_file.rs",
                "src/gate/called/names.rs",
                "src/gate/content/scope.rs",
                "src/config",
            ],
        ),
        ("quick_xml", &["src/gate/measure"]),
        ("clap", &["src/cli", "src/main.rs"]),
        ("strsim", &["src/state", "src/plan"]),
        ("rmcp", &["src/serve"]),
        ("tokio", &["src/serve", "src/cli/mcp.rs"]),
    ];
    let found =
        homes.iter().flat_map(|(library, homes)| outside(&sources, &format!(r"\b{library}::"), homes));
    report("each library has one home", &found.collect::<Vec<_>>(), &[]);
}

#[test]
fn only_the_shapes_of_files_and_wires_are_serialisable() {
    report(
        "domain types are not serialisable",
        &outside(
            &sources(),
            r"\b(Serialize|Deserialize)\b",
            &[
                "src/state/file",
                "src/state/cache.rs",
                "src/config",
                "src/import/yaml.rs",
                "src/agent/judgement.rs",
                "src/agent/reply.rs",
                "src/agent/wire",
                "src/step/journal.rs",
                "src/effects/os/git/settings.rs",
                "src/state/digest.rs",
                "src/state/notes.rs",
                "src/state/cooldown.rs",
                "src/state/ledger.rs",
                "src/report",
                "src/cli/log.rs",
            ],
        ),
        &[("src/effects/data.rs", "the name of an object is bytes, in caches as everywhere")],
    );
}

#[test]
fn names_say_what_a_thing_is() {
    let vague = r"(?i)\b(struct|enum|trait|mod|fn) \w*(manager|handler|service|helper|utils?|engine)\b";
    report("a name says what a thing is", &outside(&sources(), vague, &[]), &[]);
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let mut found = Vec::new();
    for dir in ["src", "tests"] {
        for path in files(&root().join(dir), ".rs") {
            let text = fs::read_to_string(&path).expect("a source is text");
            if !text.starts_with("//! ") {
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name, 1, "begins without `//!`".to_owned()));
            }
        }
    }
    report("a file opens with what it is for", &found, &[]);
}

/// Lines up to the last one that is not blank once tests are left out.
fn production_lines(source: &Source) -> usize {
    let last = source.code.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).last();
    last.map_or(0, |(number, _)| number + 1)
}

#[test]
fn files_are_short() {
    let long = sources().into_iter().map(|source| (source.path.clone(), production_lines(&source)));
    let found = long.filter(|(_, lines)| *lines > FILE_LINES);
    report(
        "a file has at most 400 lines before its tests",
        &found.map(|(path, lines)| (path, lines, format!("{lines} lines"))).collect::<Vec<_>>(),
        &[],
    );
}

#[test]
fn functions_are_short() {
    let begin =
        Regex::new(r"^\s*(?:pub(?:\([a-z ]+\))? )?(?:const )?(?:unsafe )?fn (\w+)").expect("a pattern");
    let mut found = Vec::new();
    for source in sources() {
        let mut at = 0;
        for (number, line) in source.code.lines().enumerate() {
            if let Some(name) = begin.captures(line) {
                let lines = source.code[at..item_end(&source.code, at)].matches('\n').count() + 1;
                if lines > FUNCTION_LINES {
                    found.push((
                        source.path.clone(),
                        number + 1,
                        format!("`{}` has {lines} lines", &name[1]),
                    ));
                }
            }
            at += line.len() + 1;
        }
    }
    report("a function has at most 60 lines", &found, &[]);
}

#[test]
fn commands_are_thin() {
    let room = ["mod.rs", "context.rs", "error.rs", "exit.rs", "output.rs", "flags.rs"];
    let commands = sources().into_iter().filter(|source| {
        let name = source.path.strip_prefix("src/cli/");
        name.is_some_and(|name| !room.contains(&name))
    });
    let long = commands.map(|source| (source.path.clone(), production_lines(&source)));
    report(
        "a command has at most 130 lines",
        &long
            .filter(|(_, lines)| *lines > COMMAND_LINES)
            .map(|(path, lines)| (path, lines, format!("{lines} lines")))
            .collect::<Vec<_>>(),
        &[
            ("src/cli/topics.rs", "texts, not a command"),
            ("src/cli/demo.rs", "a show, not a command: it tells a story in five steps"),
            ("src/cli/demo_files.rs", "the files of that show"),
            ("src/cli/demo_place.rs", "where that show takes place"),
            ("src/cli/topics.rs", "texts, and no command"),
            ("src/cli/jobs.rs", "the ears and the mouth of a crew, which decides in step/crew.rs"),
        ],
    );
}

#[test]
fn nothing_is_left_unfinished() {
    let marks = Regex::new(r"\b(TODO|FIXME|XXX|HACK)\b|unimplemented!|todo!|dbg!").expect("a pattern");
    let mut found = Vec::new();
    for path in files(&root().join("src"), ".rs") {
        let text = fs::read_to_string(&path).expect("a source is text");
        let name = path.strip_prefix(root()).expect("below the root").display().to_string();
        for (number, line) in text.lines().enumerate() {
            if let Some(mark) = marks.find(line) {
                found.push((name.clone(), number + 1, format!("`{}`", mark.as_str())));
            }
        }
    }
    report("nothing is left unfinished", &found, &[]);
}

#[test]
fn production_code_does_not_panic() {
    let panics = r"\.unwrap\(\)|\.expect\(|\bpanic!|\bunreachable!|\bassert(_eq|_ne)?!";
    report(
        "an error is returned, not thrown",
        &outside(&sources(), panics, &["src/report/graph/samples.rs"]),
        &[],
    );
}

#[test]
fn no_string_destroys_work() {
    let words = Regex::new(concat!(
        r"\bstash\b|reset\s+--(hard|merge|keep)|clean\s+-[a-z]*[fdx]|\bgit checkout\b|\bgit rebase\b",
        r"|checkout\s+(-f|--force|--\s|\.)|push\s+(.*\s)?(-f|--force)\b|branch\s+-D|\brm\s+-r|update-ref\s+-d",
        r"|--amend|gc\s+--prune|reflog\s+expire|filter-branch",
    ))
    .expect("a pattern");
    let arguments = ["stash", "reset", "clean", "checkout", "rebase", "--force", "--hard", "-D"];
    let mut found = Vec::new();
    for source in sources() {
        for (line, text) in &source.strings {
            let bare = text.trim_start_matches(['b', 'r', '#']).trim_matches(['"', '#']);
            let names_one = source.path.starts_with("src/effects/os") && arguments.contains(&bare);
            if let Some(word) = words.find(text).map(|found| found.as_str().to_owned()) {
                found.push((source.path.clone(), *line, format!("`{word}`")));
            } else if names_one {
                found.push((source.path.clone(), *line, format!("the argument `{bare}`")));
            }
        }
    }
    report(
        "no message, hint or command destroys work",
        &found,
        &[("src/effects/os/git/head.rs", "`rebase` is the name of something that is in progress")],
    );
}

#[test]
fn no_path_of_a_machine_is_in_the_sources() {
    let paths = Regex::new(r"/(home|Users|root|work|mnt|var/folders)/\w|[A-Z]:\\\\Users").expect("a pattern");
    let mut found = Vec::new();
    for dir in ["src", "tests"] {
        for path in files(&root().join(dir), "").into_iter().filter(|path| !path.ends_with("tests/tidy.rs")) {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let name = path.strip_prefix(root()).expect("below the root").display().to_string();
            for (number, line) in text.lines().enumerate() {
                // Nobody's home, in examples.
                if let Some(path) = paths.find(line).filter(|path| path.as_str() != "/home/u") {
                    found.push((name.clone(), number + 1, format!("`{}`", path.as_str())));
                }
            }
        }
    }
    report("no path of a machine is in the sources", &found, &[]);
}

#[test]
fn errors_live_where_things_fail() {
    let enums = Regex::new(r"enum \w+Error\b|enum Illegal\b|struct \w+Error\b").expect("a pattern");
    let mut found = Vec::new();
    for source in sources() {
        let central = matches!(source.path.as_str(), "src/error.rs" | "src/errors.rs");
        let count = source.find(&enums).len();
        if central || count > 2 {
            found.push((source.path.clone(), 1, format!("{count} error types")));
        }
    }
    report("there is no central file of errors", &found, &[]);
    report(
        "hints are written in cli/error.rs and by commands",
        &outside(&sources(), r"\bhint\(|\bhint:", &["src/cli", "src/step", "src/audit/machine.rs"]),
        &[],
    );
}

#[test]
fn the_project_has_the_files_that_people_look_for() {
    let wanted = ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];
    let missing: Vec<&str> = wanted.into_iter().filter(|name| !root().join(name).exists()).collect();
    // They are being written; from the first one on, all have to be there.
    assert!(missing.is_empty() || missing.len() == wanted.len(), "missing: {}", missing.join(", "));
}

#[test]
fn the_reader_of_sources_sees_what_rust_sees() {
    let text = "fn a() {\n    // b(\"no\")\n    let c = \"x \\\" { y\"; /* } */\n    let d = r#\"raw \" {\"#;\n    \
                let e = '{'; let f = b'\\'';\n    g::<'static>();\n}\n#[cfg(test)]\nmod tests {\n    fn h() {}\n}\nfn i() {}\n";
    let source = Source::new("src/x.rs".to_owned(), text.to_owned());
    assert_eq!(source.code.matches('{').count(), 2, "{}", source.code);
    assert!(!source.code.contains("mod tests") && source.code.contains("fn i()"));
    let strings: Vec<(usize, &str)> =
        source.strings.iter().map(|(line, text)| (*line, text.as_str())).collect();
    assert_eq!(strings, [(3, "\"x \\\" { y\""), (4, "r#\"raw \" {\"#")]);
    assert_eq!(item_end(&source.code, 0), source.code.find('}').expect("a brace") + 1);
}
