//! From the commands of gates to all that they run in a tree.
//!
//! In: the gates, a tree. Out: [`Piece`]s by name. What cannot be read from the files (a variable of the
//! environment, a program on `PATH`) is not followed; a file that nothing calls is no piece.

use super::SETUP;
use super::piece::{Kind, Piece};
use super::program::own_folder;
use super::shell::{self, Command};
use super::tree::{Tree, joined};
use super::values::{Values, assigned};
use crate::config::GateConfig;
use std::collections::{BTreeMap, BTreeSet};

/// How deep scripts that call scripts are followed.
pub(super) const DEPTH: usize = 8;
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

/// A command that is run.
#[derive(Clone, Copy)]
pub(super) struct Call<'c> {
    pub(super) command: &'c Command,
    /// The one whose output it reads.
    pub(super) before: Option<&'c Command>,
    /// The folders of the tree in which its program is looked for first.
    pub(super) path: &'c [String],
    /// Whether it is one of several of the same sort.
    pub(super) many: bool,
}

/// What gates run.
#[must_use]
pub fn walk(gates: &[GateConfig], tree: Tree<'_>) -> Pieces {
    let mut walk = Walk { tree, pieces: Pieces::new(), commands: 0, made: BTreeSet::new() };
    for gate in gates.iter().filter(|gate| gate.required) {
        // What is printed at the end could be taken for a measurement, and gates come behind what prepares for them.
        let last = gate.metric.is_none() && gate.name != SETUP;
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
        let mut values = Values::default();
        // One of several commands may be meant to be there only sometimes.
        let depth = place.depth + usize::from(all.len() > 1);
        for (index, command) in all.iter().enumerate() {
            let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
            let here = Place { dir: &dir, last: place.last && index + 1 == all.len(), depth, ..place };
            if let ["cd" | "pushd", .., to] = words[..] {
                let to = values.meant(&[to]).into_iter().flatten().next().unwrap_or_default();
                dir = entered(here, &to);
                continue;
            }
            if values.take(&words, |word| self.tree.globbed(here.dir, word)) {
                continue;
            }
            let before = index.checked_sub(1).map(|index| &all[index]).filter(|before| before.piped);
            let (path, many) = (values.path(&words), values.is_one_of_many(&words));
            for words in values.meant(&words) {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.command(here, Call { command, before, path: &path, many }, unwrapped(&words));
            }
        }
    }

    pub(super) fn command(&mut self, place: Place<'_>, call: Call<'_>, words: &[&str]) {
        let [program, arguments @ ..] = words else { return };
        self.commands += 1;
        if self.commands > COMMANDS {
            return;
        }
        let name = program.rsplit('/').next().unwrap_or_default();
        self.told(place, name);
        for dir in call.path.iter().filter(|_| !program.contains('/')) {
            self.on_path(place, call, &format!("{dir}/{program}"));
        }
        match name {
            _ if SHELLS.contains(&name) => self.shell(place, call, arguments),
            "." | "source" => self.script(place, call, arguments.first().copied(), true),
            "make" | "gmake" => self.make(place, arguments),
            "just" => self.just(place, arguments),
            "npm" | "pnpm" | "yarn" => self.package(place, name, arguments),
            "pre-commit" | "lefthook" => self.listed(place, name),
            "lint-staged" => self.staged(place),
            "xargs" | "find" | "run-parts" => self.each(place, call, name, arguments),
            "awk" | "gawk" | "mawk" => {
                let file =
                    arguments.iter().position(|word| *word == "-f").and_then(|at| arguments.get(at + 1));
                self.script(place, call, file.copied(), false);
            }
            _ if INTERPRETERS.contains(&name) || name.starts_with("python3.") => {
                self.interpreter(place, call, name, arguments);
            }
            _ if program.contains('/') => self.script(place, call, Some(*program), false),
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
}

/// The folder that `cd` goes to.
fn entered(place: Place<'_>, to: &str) -> String {
    let (base, rest) = match own_folder(to) {
        Some(rest) => (place.from, rest),
        None if to.contains("--show-toplevel") => ("", behind(to)),
        None if to.contains('$') => (place.dir, String::new()),
        None => (place.dir, to.to_owned()),
    };
    joined(base, &rest).unwrap_or_else(|| place.dir.to_owned())
}

/// The folders and files that follow one another in what a shell would still have to evaluate.
pub(super) fn behind(word: &str) -> String {
    let pathy = |c: char| c.is_alphanumeric() || "_.-".contains(c);
    let parts = word.split('/').skip(1).map(|part| part.split(|c| !pathy(c)).next().unwrap_or_default());
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// The lines of a text that say something.
pub(super) fn numbered(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end().to_owned()));
    lines.filter(|(_, line)| !line.trim().is_empty()).collect()
}

/// The words of a command without what only passes it on.
pub(super) fn unwrapped<'w, 't>(words: &'w [&'t str]) -> &'w [&'t str] {
    let mut left = words;
    loop {
        match left {
            [first, rest @ ..] if assigned(first).is_some() => left = rest,
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
