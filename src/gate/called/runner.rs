//! What `make`, `just` and the package managers of JavaScript would run, by the files that tell them.

use super::make::{self, Makefile};
use super::piece::Kind;
use super::tree::joined;
use super::walk::{Place, Walk, numbered};
use bstr::ByteSlice as _;
use serde_json::Value;
use std::collections::BTreeMap;

/// Scripts of `package.json` that are run when packages are installed.
const LIFE: [&str; 7] =
    ["preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"];

/// Options that have a script run in all members of a workspace.
const ALL: [&str; 4] = ["--workspaces", "-ws", "-r", "--recursive"];

impl Walk<'_> {
    pub(super) fn package(&mut self, place: Place<'_>, program: &str, arguments: &[&str]) {
        let (mut dir, mut words, mut left) = (place.dir.to_owned(), Vec::new(), arguments.iter());
        while let Some(word) = left.next() {
            match *word {
                "--prefix" | "-C" | "--dir" | "--cwd" => {
                    dir = left.next().and_then(|to| joined(&dir, to)).unwrap_or(dir);
                }
                "--" => break,
                option if option.starts_with('-') => {}
                word => words.push(word),
            }
        }
        let installs = ["ci", "clean-install", "i", "install", "add"];
        if words.first().map_or(program == "yarn", |word| installs.contains(word)) {
            return self.scripts(Place { dir: &dir, ..place }, &LIFE.map(|name| (true, name.to_owned())));
        }
        let script = match words[..] {
            ["run" | "run-script", script, ..] => script,
            ["t" | "tst" | "test", ..] => "test",
            ["start" | "stop" | "restart", ..] => words[0],
            [script, ..] if program != "npm" => script,
            _ => return,
        };
        let names = [(true, format!("pre{script}")), (false, script.to_owned())];
        // What comes behind `--`, or behind the script's name, may be the script's own.
        if arguments.iter().take_while(|word| **word != "--").any(|word| ALL.contains(word)) {
            for member in self.members(&dir, script) {
                self.scripts(Place { dir: &member, last: false, ..place }, &names);
            }
        }
        self.scripts(Place { dir: &dir, ..place }, &names);
        let planted = joined(&dir, "node_modules/.bin").unwrap_or_default();
        self.way(place, &planted, "what `node_modules` has of programs");
    }

    /// The folders, two deep, whose package has a script.
    fn members(&self, dir: &str, script: &str) -> Vec<String> {
        let below = |dir: &str| -> Vec<String> {
            let names = (self.tree.list)(dir.as_bytes());
            names.iter().filter_map(|name| joined(dir, name.to_str().ok()?)).collect()
        };
        let outer = below(dir);
        let inner: Vec<String> = outer.iter().flat_map(|dir| below(dir)).collect();
        let has = |dir: &String| {
            let text = joined(dir, "package.json").and_then(|path| self.tree.text(&path)).unwrap_or_default();
            text.contains(&format!("\"{script}\""))
        };
        outer.into_iter().chain(inner).filter(has).collect()
    }

    /// Scripts of a `package.json`, each with whether another one comes behind it.
    fn scripts(&mut self, place: Place<'_>, names: &[(bool, String)]) {
        let (path, text, package) = self.manifest(place);
        for (before, name) in names {
            let run = package.get("scripts").and_then(|scripts| scripts.get(name)).and_then(Value::as_str);
            let mark = format!("\"{name}\"");
            let number = text.lines().position(|line| line.contains(&mark)).map_or(1, |at| at + 1);
            let lines: Vec<(usize, String)> = run.map(|run| (number, run.to_owned())).into_iter().collect();
            let inside = Place { last: place.last && !before, ..place };
            let kind = if LIFE.contains(&name.as_str()) { Kind::InTheWay } else { Kind::Command };
            if self.put(inside, (&path, &format!("the script `{name}`")), kind, lines) {
                self.text(Place { depth: place.depth + 1, ..inside }, run.unwrap_or_default());
            }
        }
    }

    /// The `package.json` of a folder: its path, its text, what it says.
    fn manifest(&self, place: Place<'_>) -> (String, String, Value) {
        let path = joined(place.dir, "package.json").unwrap_or_default();
        let text = self.tree.text(&path).unwrap_or_default();
        let package = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or(Value::Null);
        (path, text, package)
    }

    /// What programs that run hooks are told to run.
    pub(super) fn listed(&mut self, place: Place<'_>, program: &str) {
        let (files, key): (&[&str], &str) = match program {
            "pre-commit" => (&[".pre-commit-config.yaml"], "entry:"),
            _ => (&["lefthook.yml", ".lefthook.yml"], "run:"),
        };
        let texts: Vec<String> = files.iter().filter_map(|file| self.tree.text(file)).collect();
        for line in texts.iter().flat_map(|text| text.lines()) {
            if let Some(run) = line.trim_start_matches([' ', '-']).strip_prefix(key) {
                let run = run.trim().trim_matches(['"', '\'']);
                self.text(Place { dir: "", depth: place.depth + 1, last: false, ..place }, run);
            }
        }
    }

    /// What `lint-staged` is told to run by `package.json`.
    pub(super) fn staged(&mut self, place: Place<'_>) {
        let (path, _, package) = self.manifest(place);
        let told = package.get("lint-staged").map(|told| (1, told.to_string()));
        self.put(place, (&path, "what `lint-staged` runs"), Kind::Fixed, told.into_iter().collect());
    }

    pub(super) fn make(&mut self, place: Place<'_>, arguments: &[&str]) {
        let (mut dir, mut file, mut targets, mut left) =
            (place.dir.to_owned(), None, Vec::new(), arguments.iter());
        while let Some(word) = left.next() {
            match *word {
                "-C" | "--directory" => dir = left.next().and_then(|to| joined(&dir, to)).unwrap_or(dir),
                "-f" | "--file" | "--makefile" => file = left.next().map(|file| (*file).to_owned()),
                "-j" | "-l" | "-I" | "-o" | "-W" => {
                    let mut next = left.clone();
                    if next.next().is_some_and(|word| word.parse::<f32>().is_ok()) {
                        left = next;
                    }
                }
                word if word.starts_with("-C") => dir = joined(&dir, &word[2..]).unwrap_or(dir),
                word if word.starts_with('-') || word.contains('=') || word.contains('$') => {}
                word => targets.push(word.to_owned()),
            }
        }
        let names = file.map_or_else(|| make::NAMES.map(str::to_owned).to_vec(), |file| vec![file]);
        let mut paths = names.iter().filter_map(|name| joined(&dir, name));
        let Some(path) = paths.clone().find(|path| self.tree.text(path).is_some()).or(paths.next_back())
        else {
            return;
        };
        if !self.is_new_call(Place { dir: &dir, ..place }, &path, &targets) {
            return;
        }
        let makefile = make::parse(&path, &dir, &|path| self.tree.text(path));
        targets.extend(makefile.first().filter(|_| targets.is_empty()));
        self.makefile(Place { dir: &dir, ..place }, &makefile, &targets);
    }

    fn makefile(&mut self, place: Place<'_>, makefile: &Makefile, targets: &[String]) {
        // What a makefile makes of itself runs first.
        let own = makefile.files.iter().map(|path| path.rsplit('/').next().unwrap_or_default().to_owned());
        let ends = targets.last().map(|target| makefile.ends(target)).unwrap_or_default();
        let (mut texts, mut inside) = (Vec::new(), Vec::new());
        let there = |path: &str| joined(place.dir, path).is_some_and(|path| self.tree.has_file(&path));
        let (way, more) = makefile.way(&targets.iter().cloned().chain(own).collect::<Vec<_>>(), &there);
        // Of what is not followed, nothing may change.
        let heads: Vec<&make::Line> = makefile.rules.iter().map(|rule| &rule.head).filter(|_| more).collect();
        self.put_lines(place, "what the makefile makes", Kind::Fixed, &heads);
        for (target, rules) in way {
            let lines: Vec<&make::Line> =
                rules.iter().flat_map(|rule| std::iter::once(&rule.head).chain(&rule.recipe)).collect();
            texts.extend(lines.iter().map(|line| line.text.clone()));
            let last = place.last && ends.contains(&target);
            let here = Place { last, ..place };
            let what = format!("the recipe of `{target}`");
            if !self.put_lines(here, &what, Kind::Rule, &lines) {
                continue;
            }
            let needs: Vec<&String> = rules.iter().flat_map(|rule| &rule.needs).collect();
            let always =
                makefile.phony.contains(&target) || needs.iter().any(|need| makefile.phony.contains(*need));
            if !always && !target.contains('%') && rules.iter().any(|rule| rule.targets.contains(&target)) {
                let path = joined(place.dir, &target).unwrap_or_default();
                self.way(place, &path, &format!("a file or folder in the place of the target `{target}`"));
            }
            let first = needs.first().map_or("", |need| need.as_str());
            let recipe: Vec<&make::Line> = rules.iter().flat_map(|rule| &rule.recipe).collect();
            inside.extend(recipe.iter().enumerate().map(|(index, line)| {
                let text = line.text.replace("$<", first).replace("$@", &target);
                let text = makefile.expand(text.trim_start_matches(['\t', '@', '-', '+', ' ']));
                (text, last && index + 1 == recipe.len())
            }));
        }
        for target in targets {
            self.put_lines(place, &format!("the recipe of `{target}`"), Kind::Rule, &[]);
        }
        for name in makefile.used(&texts).into_iter().chain(make::ALWAYS.map(str::to_owned)) {
            let all = makefile.variables.iter().filter(|variable| variable.name == name);
            let lines: Vec<&make::Line> = all.map(|variable| &variable.line).collect();
            self.put_lines(place, &format!("the variable `{name}`"), Kind::Variable, &lines);
        }
        let others: Vec<&make::Line> = makefile.others.iter().collect();
        self.put_lines(place, "what stands beside the rules", Kind::Fixed, &others);
        let at_once =
            makefile.variables.iter().filter(|variable| variable.at_once).map(|variable| &variable.line);
        self.put_lines(
            place,
            "what is run as the makefile is read",
            Kind::Fixed,
            &at_once.collect::<Vec<_>>(),
        );
        for (text, last) in inside {
            self.text(Place { depth: place.depth + 1, last, from: place.dir, ..place }, &text);
        }
    }

    /// Lines of makefiles, by the folder in which make runs: which of its names the file has means nothing.
    fn put_lines(&mut self, place: Place<'_>, what: &str, kind: Kind, lines: &[&make::Line]) -> bool {
        let name = format!("{}/", place.dir);
        let texts = lines.iter().map(|line| (line.number, line.whole().trim_end().to_owned())).collect();
        let new = self.put(place, (&name, what), kind, texts);
        if let Some(piece) = self.pieces.get_mut(&(name, what.to_owned())).filter(|_| new) {
            piece.path = lines.first().map(|line| line.path.clone()).unwrap_or_default();
        }
        new
    }

    pub(super) fn just(&mut self, place: Place<'_>, arguments: &[&str]) {
        let names = ["justfile", "Justfile", ".justfile"];
        let paths = names.iter().filter_map(|name| joined(place.dir, name));
        let Some(text) = paths.clone().find_map(|path| self.tree.text(&path)) else { return };
        let path = paths.clone().find(|path| self.tree.text(path).is_some()).unwrap_or_default();
        let recipes = recipes(&text);
        let mut left: Vec<String> =
            arguments.iter().filter(|word| !word.starts_with('-')).map(|word| (*word).to_owned()).collect();
        left.reverse();
        while let Some(name) = left.pop() {
            let Some((needs, lines)) = recipes.get(&name) else { continue };
            if self.put(
                Place { last: false, ..place },
                (&path, &format!("the recipe of `{name}`")),
                Kind::Rule,
                lines.clone(),
            ) {
                left.extend(needs.iter().cloned());
                let inside = Place { depth: place.depth + 1, last: false, ..place };
                for (_, line) in lines.iter().skip(1) {
                    self.text(inside, line.trim_start_matches(['\t', ' ', '@', '-']));
                }
            }
        }
        let others = recipes.get("").map(|(_, lines)| lines.clone()).unwrap_or_default();
        self.put(place, (&path, "what stands beside the recipes"), Kind::Fixed, others);
    }
}

/// What a recipe needs, and its lines.
type Recipe = (Vec<String>, Vec<(usize, String)>);

/// The recipes of a justfile, with what each needs; all else under no name.
fn recipes(text: &str) -> BTreeMap<String, Recipe> {
    let mut found: BTreeMap<String, Recipe> = BTreeMap::new();
    let mut current = String::new();
    for (number, line) in numbered(text) {
        if !line.starts_with([' ', '\t']) {
            current = String::new();
            let is_recipe = !line.contains(":=") && !line.starts_with(['#', '[']);
            if let Some((head, needs)) = line.split_once(':').filter(|_| is_recipe) {
                let name = head.trim_start_matches('@').split_whitespace().next().unwrap_or_default();
                name.clone_into(&mut current);
                let needs = needs.split_whitespace().map(|need| need.trim_matches(['(', ')']).to_owned());
                found.entry(current.clone()).or_default().0.extend(needs);
            }
        }
        if !line.starts_with('#') {
            found.entry(current.clone()).or_default().1.push((number, line));
        }
    }
    found
}
