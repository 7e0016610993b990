//! What programs run that are given scripts: shells, interpreters, and those that run others once for each file.

use super::piece::Kind;
use super::tree::{joined, parent};
use super::walk::{Call, DEPTH, Place, Walk, behind, numbered, unwrapped};
use crate::gate::tamper::language::Language;

impl Walk<'_> {
    pub(super) fn shell(&mut self, place: Place<'_>, call: Call<'_>, arguments: &[&str]) {
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
                None => return self.script(place, call, Some(*word), true),
            }
        }
        // The text comes by its input.
        let cat = call.before.filter(|before| before.words[0] == "cat");
        let given = cat.iter().flat_map(|cat| &cat.words[1..]).chain(&call.command.input);
        for word in given.map(String::as_str).filter(|word| !word.starts_with('-')) {
            self.script(place, call, Some(word), true);
        }
    }

    pub(super) fn interpreter(&mut self, place: Place<'_>, call: Call<'_>, name: &str, arguments: &[&str]) {
        let mut left = arguments.iter().skip_while(|word| **word == "run");
        let python = name.starts_with("python");
        while let Some(word) = left.next() {
            match *word {
                "-m" if python => {
                    let module = left.next().copied().unwrap_or_default();
                    let at = module.replace('.', "/");
                    for file in [format!("{at}.py"), at.clone()] {
                        let path = joined(place.dir, &file).unwrap_or_default();
                        self.way(place, &path, &format!("what stands in the place of the module `{module}`"));
                    }
                    self.shadowed(place, place.dir);
                    let own = [format!("{at}.py"), format!("{at}/__main__.py")];
                    let there = |file: &&String| {
                        joined(place.dir, file).is_some_and(|path| self.tree.text(&path).is_some())
                    };
                    let file = own.iter().find(there).map(String::as_str);
                    return self.script(place, call, file, false);
                }
                "-c" | "-e" | "-m" | "--test" | "-p" | "eval" | "test" => return,
                "-W" | "-X" | "-r" | "--import" | "--require" => drop(left.next()),
                option if option.starts_with('-') => {}
                path => {
                    if let Some(path) = joined(place.dir, path).filter(|_| python) {
                        self.shadowed(place, parent(&path));
                    }
                    return self.script(place, call, Some(path), false);
                }
            }
        }
        self.script(place, call, call.command.input.as_deref(), false);
    }

    /// Modules in the folder where Python begins that are taken for its own.
    fn shadowed(&mut self, place: Place<'_>, dir: &str) {
        let modules = self.tree.shadows(dir).into_iter().map(|name| (1, name)).collect();
        let name = format!("{dir}/");
        self.put(place, (&name, "what is taken for modules of Python or pytest"), Kind::InTheWay, modules);
    }

    /// A file that is run.
    pub(super) fn script(&mut self, place: Place<'_>, call: Call<'_>, word: Option<&str>, by_shell: bool) {
        let Some(path) = word.filter(|_| !call.command.examined).and_then(|word| self.find(place, word))
        else {
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
        let is_test = Language::of(&path).is_some_and(|language| language.is_test_file(&path));
        if is_test && (!is_shell || call.many) {
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
        let sourced = call.command.words.iter().any(|word| word == "." || word == "source");
        let subject = !sourced && may_be_checked(&path, is_shell && !call.many);
        if let Some(piece) = self.pieces.get_mut(&(path.clone(), "this script".to_owned())) {
            piece.subject = subject;
        }
        if is_shell {
            let inside = Place { from: parent(&path), depth: place.depth + 1, ..place };
            self.text(inside, &text);
        } else if is_check(&path) && place.depth < DEPTH {
            // What checks share is theirs; what else they import may be what they check.
            let shared = self.tree.imported(&path, &text).into_iter().filter(|path| is_check(path));
            for path in shared.collect::<Vec<_>>() {
                let inside = Place { dir: "", depth: place.depth + 1, last: false, ..place };
                self.script(inside, call, Some(path.as_str()), false);
            }
        }
    }

    /// The path that a word of a command means.
    fn find(&self, place: Place<'_>, word: &str) -> Option<String> {
        let Some(behind) = word.strip_prefix('$') else {
            return joined(place.dir, word).filter(|path| !word.contains('$') && !path.is_empty());
        };
        let own = own_folder(word).and_then(|rest| joined(place.from, &rest));
        if let Some(path) = own.filter(|path| self.tree.text(path).is_some()) {
            return Some(path);
        }
        // `"$(dirname "$0")/lib.sh"`, `$root/check.sh`: from the script's folder, or from the root.
        let close = behind.rfind([')', '}']).map_or(0, |at| at + 1);
        let rest = behind[close..].split_once('/')?.1;
        let all = [place.from, place.dir, ""].map(|dir| joined(dir, rest).unwrap_or_default());
        all.into_iter().find(|path| !path.is_empty() && self.tree.text(path).is_some())
    }

    /// A program that is looked for in a folder of the tree first.
    pub(super) fn on_path(&mut self, place: Place<'_>, call: Call<'_>, word: &str) {
        let path = joined(place.dir, word).unwrap_or_default();
        self.way(place, &path, "a program that is taken from the tree");
        if self.tree.text(&path).is_some() {
            self.script(place, call, Some(word), false);
        }
    }

    /// What `find`, `xargs` and `run-parts` run, once for each file that they find.
    pub(super) fn each(&mut self, place: Place<'_>, call: Call<'_>, name: &str, arguments: &[&str]) {
        const TAKE_ONE: [&str; 6] = ["-n", "-I", "-P", "-L", "-d", "-s"];
        let (files, run): (Vec<String>, &[&str]) = match name {
            "run-parts" => {
                let dir = arguments.iter().rev().find(|word| !word.starts_with('-')).copied();
                (dir.map(|dir| self.tree.globbed(place.dir, &format!("{dir}/*"))).unwrap_or_default(), &[])
            }
            "find" => {
                let at = arguments.iter().position(|word| matches!(*word, "-exec" | "-execdir" | "-ok"));
                let Some(at) = at else { return };
                let end =
                    arguments.iter().position(|word| matches!(*word, ";" | "+")).unwrap_or(arguments.len());
                (self.found(place, arguments), arguments.get(at + 1..end).unwrap_or_default())
            }
            _ => {
                let words: Vec<&str> =
                    call.before.map(|one| one.words.iter().map(String::as_str).collect()).unwrap_or_default();
                let files = match words[..] {
                    ["find", ref arguments @ ..] => self.found(place, arguments),
                    ["ls" | "echo" | "printf", ref words @ ..] => {
                        words.iter().flat_map(|word| self.tree.globbed(place.dir, word)).collect()
                    }
                    _ => return,
                };
                let mut run = arguments;
                while let [option, rest @ ..] = run
                    && option.starts_with('-')
                {
                    run = if TAKE_ONE.contains(option) { rest.get(1..).unwrap_or_default() } else { rest };
                }
                (files, run)
            }
        };
        let inside = Place { depth: place.depth + 1, ..place };
        let call = Call { before: None, many: true, ..call };
        for file in files {
            let given = run.contains(&"{}");
            let own = [format!("./{file}")];
            let words = run.iter().map(|word| if *word == "{}" { file.as_str() } else { word });
            let words: Vec<&str> = match (run.is_empty(), given) {
                (true, _) => own.iter().map(String::as_str).collect(),
                (false, true) => words.collect(),
                (false, false) => words.chain([file.as_str()]).collect(),
            };
            self.command(inside, call, unwrapped(&words));
        }
    }

    /// The files that `find` names, as seen from where it runs.
    fn found(&self, place: Place<'_>, arguments: &[&str]) -> Vec<String> {
        let named = arguments.iter().position(|word| matches!(*word, "-name" | "-iname"));
        let name = named.and_then(|at| arguments.get(at + 1)).copied().unwrap_or("*");
        let dirs = arguments.iter().take_while(|word| !word.starts_with(['-', '(', '!']));
        let below = |dir: &&str| -> Vec<String> {
            let from = joined(place.dir, dir).unwrap_or_default();
            let all = self.tree.below(&from, name);
            all.iter()
                .filter_map(|path| path.strip_prefix(place.dir))
                .map(|path| path.trim_start_matches('/').to_owned())
                .collect()
        };
        dirs.flat_map(below).collect()
    }
}

/// What a word adds to the folder of the script that it stands in, where it names that: `"$(dirname "$0")/.."`.
pub(super) fn own_folder(word: &str) -> Option<String> {
    let names = ["$0", "${0", "$BASH_SOURCE", "${BASH_SOURCE"];
    let at = names.iter().filter_map(|name| word.find(name).map(|at| at + name.len())).min()?;
    Some(behind(&word[at..]))
}

/// Whether what is run may be what the gate checks, and no check: a program of the project.
fn may_be_checked(path: &str, is_shell: bool) -> bool {
    let lower = path.to_ascii_lowercase();
    let of_product = ["bin/", "src/", "lib/", "app/"].iter().any(|dir| lower.starts_with(dir));
    !is_check(path) && (of_product || !is_shell)
}

/// Whether a file is one that checks, by its place and name.
fn is_check(path: &str) -> bool {
    const CHECKS: [&str; 12] = [
        "test", "check", "lint", "verify", "validat", "spec", "gate", "e2e", "smoke", "coverage", "script",
        "tool",
    ];
    let lower = path.to_ascii_lowercase();
    CHECKS.iter().any(|word| lower.contains(word)) || lower.starts_with("ci/")
}
