//! From the commands of gates to all that they run in a tree.
//!
//! In: the gates, a tree. Out: [`Piece`]s by name. What cannot be read from the files (a variable of the
//! environment, a program on `PATH`) is not followed; a file that nothing calls is no piece.

use super::piece::{Kind, Piece};
use super::shell::{self, Command};
use super::tree::{Tree, joined, parent};
use crate::config::GateConfig;
use crate::gate::tamper::language::Language;
use std::collections::{BTreeMap, BTreeSet};

/// How deep scripts that call scripts are followed.
const DEPTH: usize = 8;
/// The most pieces.
const PIECES: usize = 2_000;
/// The most commands that are followed.
const COMMANDS: usize = 5_000;
/// The most calls of `make`, each with other targets or in another folder.
const MAKES: usize = 50;
/// Programs that run what they are given behind their options.
const WRAPPERS: [&str; 12] = [
    "env", "exec", "command", "time", "nice", "nohup", "sudo", "builtin", "xvfb-run", "timeout", "npx",
    "eval",
];
/// Programs that run a program with two words.
const PAIRS: [(&str, &str); 7] = [
    ("poetry", "run"),
    ("uv", "run"),
    ("pipenv", "run"),
    ("bundle", "exec"),
    ("pnpm", "exec"),
    ("yarn", "exec"),
    ("npm", "exec"),
];
/// Shells.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "busybox"];
/// Programs that run a script.
const INTERPRETERS: [&str; 12] =
    ["python", "python3", "node", "ruby", "perl", "php", "deno", "bun", "lua", "Rscript", "tsx", "ts-node"];
/// Files in which a program is told to run something else, and the words that do so.
const TOLD: [(&str, &str, &[&str]); 8] = [
    ("cargo", ".cargo/config.toml", &["runner", "rustc", "linker", "include"]),
    ("cargo", ".cargo/config", &["runner", "rustc", "linker", "include"]),
    ("cargo", "rust-toolchain.toml", &["path"]),
    ("npm", ".npmrc", &["script-shell", "ignore-scripts", "if-present", "node-options"]),
    ("pnpm", ".npmrc", &["script-shell", "ignore-scripts", "if-present", "node-options"]),
    ("yarn", ".yarnrc", &["script-shell", "yarn-path"]),
    ("yarn", ".yarnrc.yml", &["yarnPath", "plugins"]),
    ("bun", "bunfig.toml", &["preload", "shell"]),
];

/// All that gates run, by a name that is the same in every tree.
pub type Pieces = BTreeMap<(String, String), Piece>;

/// Where a command stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) gate: &'p str,
    pub(super) dir: &'p str,
    /// The folder of the script that it stands in.
    pub(super) from: &'p str,
    pub(super) depth: usize,
    pub(super) last: bool,
}

/// What gates run.
#[must_use]
pub fn walk(gates: &[GateConfig], tree: Tree<'_>) -> Pieces {
    let mut walk = Walk { tree, pieces: Pieces::new(), commands: 0, made: BTreeSet::new() };
    for gate in gates.iter().filter(|gate| gate.required) {
        // What is printed at the end could be taken for a measurement.
        let last = gate.metric.is_none();
        walk.text(Place { gate: &gate.name, dir: "", from: "", depth: 0, last }, &gate.run);
    }
    walk.pieces
}

pub(super) struct Walk<'t> {
    pub(super) tree: Tree<'t>,
    pub(super) pieces: Pieces,
    /// How many commands were followed.
    commands: usize,
    /// What `make` was called for: folder, file, targets, and whether nothing runs after it.
    made: BTreeSet<(String, String, Vec<String>, bool)>,
}

impl Walk<'_> {
    pub(super) fn text(&mut self, place: Place<'_>, text: &str) {
        if place.depth > DEPTH {
            return;
        }
        let all = shell::commands(text);
        let mut dir = place.dir.to_owned();
        // One of several commands may be meant to be there only sometimes.
        let depth = place.depth + usize::from(all.len() > 1);
        for (index, command) in all.iter().enumerate() {
            let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
            if let ["cd" | "pushd", to] = words[..] {
                dir = joined(&dir, to).unwrap_or(dir);
                continue;
            }
            let last = place.last && index + 1 == all.len();
            self.command(Place { dir: &dir, last, depth, ..place }, command, unwrapped(&words));
        }
    }

    fn command(&mut self, place: Place<'_>, command: &Command, words: &[&str]) {
        let [program, arguments @ ..] = words else { return };
        self.commands += 1;
        if self.commands > COMMANDS {
            return;
        }
        let name = program.rsplit('/').next().unwrap_or_default();
        self.told(place, name);
        match name {
            _ if SHELLS.contains(&name) => self.shell(place, command, arguments),
            "." | "source" => self.script(place, command, arguments.first().copied(), true),
            "make" | "gmake" => self.make(place, arguments),
            "just" => self.just(place, arguments),
            "npm" | "pnpm" | "yarn" => self.package(place, name, arguments),
            _ if INTERPRETERS.contains(&name) || name.starts_with("python3.") => {
                self.interpreter(place, command, name, arguments);
            }
            _ if program.contains('/') => self.script(place, command, Some(*program), false),
            _ => {}
        }
    }

    /// A piece that is there, or not, under a name.
    pub(super) fn put(
        &mut self,
        place: Place<'_>,
        name: (&str, &str),
        kind: Kind,
        lines: Vec<(usize, String)>,
    ) -> bool {
        let key = (name.0.to_owned(), name.1.to_owned());
        if let Some(known) = self.pieces.get_mut(&key) {
            known.last &= place.last;
            return false;
        }
        if self.pieces.len() >= PIECES {
            return false;
        }
        let piece = Piece {
            gate: place.gate.to_owned(),
            what: name.1.to_owned(),
            path: name.0.to_owned(),
            kind,
            lines,
            last: place.last,
            direct: place.depth == 0,
            subject: false,
        };
        self.pieces.insert(key, piece);
        true
    }

    /// Whether `make` was not yet called just so; not where that was too often.
    pub(super) fn is_new_call(&mut self, place: Place<'_>, path: &str, targets: &[String]) -> bool {
        let call = (place.dir.to_owned(), path.to_owned(), targets.to_vec(), place.last);
        self.made.len() < MAKES && self.made.insert(call)
    }

    /// Something that stands in the way where it is there.
    pub(super) fn way(&mut self, place: Place<'_>, path: &str, what: &str) {
        let there = if self.tree.has(path) { vec![(1, "there".to_owned())] } else { Vec::new() };
        self.put(place, (path, what), Kind::InTheWay, there);
    }

    fn told(&mut self, place: Place<'_>, program: &str) {
        for (_, file, words) in TOLD.iter().filter(|(name, _, _)| *name == program) {
            let text = joined(place.dir, file).and_then(|path| self.tree.text(&path)).unwrap_or_default();
            let says = |(_, line): &(usize, String)| {
                !line.starts_with(['#', ';']) && words.iter().any(|word| line.contains(word))
            };
            let lines = numbered(&text).into_iter().filter(says).collect();
            let path = joined(place.dir, file).unwrap_or_default();
            let what = format!("what `{program}` is told to run");
            self.put(place, (&path, &what), Kind::Fixed, lines);
        }
    }

    fn shell(&mut self, place: Place<'_>, command: &Command, arguments: &[&str]) {
        let mut left = arguments.iter();
        while let Some(word) = left.next() {
            let flags = word.strip_prefix(['-', '+']).filter(|flags| !flags.starts_with('-'));
            match flags {
                _ if matches!(*word, "sh" | "ash") => {}
                // It only reads the script.
                Some(flags) if flags.contains('n') => return,
                Some(flags) if flags.ends_with('c') => {
                    let inside = Place { depth: place.depth + 1, ..place };
                    return left.next().map_or((), |text| self.text(inside, text));
                }
                Some(flags) if flags.ends_with('o') => drop(left.next()),
                Some(_) => {}
                None if word.starts_with("--") => {}
                None => return self.script(place, command, Some(*word), true),
            }
        }
    }

    fn interpreter(&mut self, place: Place<'_>, command: &Command, name: &str, arguments: &[&str]) {
        let mut left = arguments.iter().skip_while(|word| **word == "run");
        while let Some(word) = left.next() {
            match *word {
                "-m" if name.starts_with("python") => {
                    let module = left.next().copied().unwrap_or_default();
                    for file in [format!("{module}.py"), module.to_owned()] {
                        let path = joined(place.dir, &file).unwrap_or_default();
                        self.way(place, &path, &format!("what stands in the place of the module `{module}`"));
                    }
                    return;
                }
                "-c" | "-e" | "-m" | "--test" | "-p" | "eval" | "test" => return,
                "-W" | "-X" | "-r" | "--import" | "--require" => drop(left.next()),
                option if option.starts_with('-') => {}
                path => return self.script(place, command, Some(path), false),
            }
        }
    }

    /// A file that is run.
    fn script(&mut self, place: Place<'_>, command: &Command, word: Option<&str>, by_shell: bool) {
        let Some(path) = word.filter(|_| !command.examined).and_then(|word| self.find(place, word)) else {
            return;
        };
        let text = self.tree.text(&path);
        let shebang =
            text.as_deref().and_then(|text| text.lines().next()).filter(|line| line.starts_with("#!"));
        let ending = [".sh", ".bash", ".zsh"].iter().any(|ending| path.ends_with(ending));
        let is_shell = by_shell
            || ending
            || shebang.is_some_and(|line| line.trim_end().ends_with("sh") || line.contains("sh -"));
        // Tests are compared one by one.
        if !is_shell && Language::of(&path).is_some_and(|language| language.is_test_file(&path)) {
            return;
        }
        let text = text.unwrap_or_default();
        let lines = numbered(&text).into_iter().filter(|(number, line)| {
            *number == 1 && line.starts_with("#!") || !line.trim_start().starts_with('#')
        });
        let kind = if is_shell { Kind::Script } else { Kind::Program };
        if !self.put(place, (&path, "this script"), kind, lines.collect()) {
            return;
        }
        if let Some(piece) = self.pieces.get_mut(&(path.clone(), "this script".to_owned())) {
            piece.subject = !command.words.iter().any(|word| word == "." || word == "source")
                && may_be_checked(&path, is_shell);
        }
        if is_shell {
            let inside = Place { from: parent(&path), depth: place.depth + 1, ..place };
            self.text(inside, &text);
        }
    }

    /// The path that a word of a command means.
    fn find(&self, place: Place<'_>, word: &str) -> Option<String> {
        let Some(behind) = word.strip_prefix('$') else {
            return joined(place.dir, word).filter(|path| !word.contains('$') && !path.is_empty());
        };
        // `"$(dirname "$0")/lib.sh"`, `$root/check.sh`: from the script's folder, or from the root.
        let close = behind.rfind([')', '}']).map_or(0, |at| at + 1);
        let rest = behind[close..].split_once('/')?.1;
        let all = [place.from, place.dir, ""].map(|dir| joined(dir, rest).unwrap_or_default());
        all.into_iter().find(|path| !path.is_empty() && self.tree.text(path).is_some())
    }
}

/// The lines of a text that say something.
pub(super) fn numbered(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end().to_owned()));
    lines.filter(|(_, line)| !line.trim().is_empty()).collect()
}

/// The words of a command without what only passes it on.
fn unwrapped<'w, 't>(words: &'w [&'t str]) -> &'w [&'t str] {
    let mut left = words;
    loop {
        match left {
            [first, rest @ ..] if first.split_once('=').is_some_and(|(name, _)| is_name(name)) => left = rest,
            [first, rest @ ..] if WRAPPERS.contains(first) => {
                left = rest;
                while let [option, rest @ ..] = left
                    && option.starts_with(|c: char| c == '-' || c.is_ascii_digit())
                {
                    left = rest;
                }
            }
            [first, second, rest @ ..] if PAIRS.contains(&(first, second)) => left = rest,
            _ => return left,
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Whether what is run may be what the gate checks, and no check: a program of the project.
fn may_be_checked(path: &str, is_shell: bool) -> bool {
    const CHECKS: [&str; 12] = [
        "test", "check", "lint", "verify", "validat", "spec", "gate", "e2e", "smoke", "coverage", "script",
        "tool",
    ];
    let lower = path.to_ascii_lowercase();
    let of_product = ["bin/", "src/", "lib/", "app/"].iter().any(|dir| lower.starts_with(dir));
    let is_check = CHECKS.iter().any(|word| lower.contains(word)) || lower.starts_with("ci/");
    if is_shell { of_product && !is_check } else { !is_check }
}
