//! One piece of what a gate runs, and whether what became of it asks for less.
//!
//! Invariant: a piece may only grow, and only by what runs after all that it ran before, or by what is built
//! as well: files and libraries that a compiler gets. All else is for a person to allow.

use super::words::{
    FLAG_NAMES, added, compiles_more, is_check, is_compiled, is_file, is_flag, is_plain, is_tuning,
    makes_expectations, quiet, tells_more,
};

/// What sort of piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It may not change at all.
    Fixed,
    /// It may go, and not come.
    InTheWay,
    /// The rules of a target of a makefile.
    Rule,
    /// A variable of a makefile.
    Variable,
    /// A script for a shell.
    Script,
    /// A script in another language.
    Program,
    /// A command of `package.json`.
    Command,
}

/// A piece of what a gate runs.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The gate.
    pub gate: String,
    /// What it is, for people.
    pub what: String,
    /// Its file.
    pub path: String,
    /// What sort.
    pub kind: Kind,
    /// Its lines, numbered as in the file; none where it is not there.
    pub lines: Vec<(usize, String)>,
    /// Whether nothing of the gate runs after it.
    pub last: bool,
    /// Whether the gate's own command names it.
    pub direct: bool,
    /// Whether it may as well be what is checked.
    pub subject: bool,
}

/// What is around a piece of the candidate.
pub struct Around<'a> {
    /// The rule that makes a file, where one does.
    pub is_made: &'a dyn Fn(&str) -> Option<&'a Piece>,
    /// Whether a file is there.
    pub is_there: &'a dyn Fn(&str) -> bool,
    /// Whether what a file was built from is gone.
    pub is_gone: &'a dyn Fn(&str) -> bool,
}

impl Piece {
    /// The texts of its lines.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The number of the first line that is not as it was.
    #[must_use]
    pub fn first_new(&self, old: &Self) -> Option<usize> {
        let (old, new) = (old.texts(), self.texts());
        let at = (0..new.len()).find(|at| old.get(*at) != new.get(*at));
        at.or(new.len().checked_sub(1)).map(|at| self.lines[at].0)
    }

    /// What the rules of a target are called.
    #[must_use]
    pub fn name_of_rule(target: &str) -> String {
        format!("the recipe of `{target}`")
    }

    /// The lines of its recipe.
    #[must_use]
    pub fn recipe(&self) -> Vec<&str> {
        recipe(&self.texts())
    }

    /// Whether it runs all that it ran, and nothing that could bend what that says.
    #[must_use]
    pub fn only_grew(&self, old: &Self, around: &Around<'_>) -> bool {
        let (before, after) = (old.texts(), self.texts());
        match self.kind {
            Kind::Fixed => false,
            Kind::InTheWay => after.is_empty(),
            Kind::Rule => {
                let before: Vec<String> =
                    before.iter().filter_map(|line| without_gone(line, around)).collect();
                let before: Vec<&str> = before.iter().map(String::as_str).collect();
                rule_grew(&before, &after, self.last, around)
            }
            Kind::Variable => variable_grew(&before, &after, around),
            Kind::Script => script_grew(&before, &after, self.last),
            Kind::Program => program_grew(&before, &after),
            Kind::Command => {
                let (before, after) = (before.concat(), after.concat());
                let more = after.strip_prefix(before.as_str()).map(str::trim_start);
                let further = more.is_some_and(|more| more.starts_with("&&"));
                (self.last && !before.contains(['#', '\n']) && further) || tells_more(&before, &after)
            }
        }
    }

    /// Whether a target that is new builds something, and does nothing else.
    #[must_use]
    pub fn only_builds(&self) -> bool {
        self.kind == Kind::Rule
            && self.texts().iter().all(|line| !line.starts_with('\t') || is_compiled(line))
    }

    /// Whether what it built is gone from the tree.
    #[must_use]
    pub fn built_what_is_gone(&self, around: &Around<'_>) -> bool {
        let target = self.what.split('`').nth(1).unwrap_or_default();
        let from = needs(&self.texts());
        self.only_builds() && from.into_iter().chain([target]).any(|name| (around.is_gone)(name))
    }

    /// The targets that were added to what a rule without a recipe of its own needs.
    #[must_use]
    pub fn added_needs(&self, old: &Self) -> Vec<String> {
        let (before, after) = (needs(&old.texts()), needs(&self.texts()));
        match after
            .strip_prefix(before.as_slice())
            .filter(|_| self.kind == Kind::Rule && self.last && self.recipe().is_empty())
        {
            Some(more) => more.iter().map(|need| (*need).to_owned()).collect(),
            None => Vec::new(),
        }
    }

    /// The targets that were added to what a rule needs, and that check something by their names.
    #[must_use]
    pub fn added_checks(&self, old: &Self) -> Vec<String> {
        let more = added(&needs(&old.texts()), &needs(&self.texts())).unwrap_or_default();
        let more = more.into_iter().filter(|need| self.kind == Kind::Rule && is_check(need));
        more.map(str::to_owned).collect()
    }

    /// Whether it may make what tests expect, as far as its words tell.
    #[must_use]
    pub fn makes_expectations(&self) -> bool {
        let runs = matches!(self.kind, Kind::Rule | Kind::Script | Kind::Command);
        let line = |text: &&str| {
            let quiet = text.replace(">/dev/null", "").replace("> /dev/null", "").replace(">&", "");
            quiet.contains('>') || makes_expectations(&quiet)
        };
        runs && self.texts().iter().any(line)
    }
}

/// A line without the names of what is gone; none where it ran that.
fn without_gone(line: &str, around: &Around<'_>) -> Option<String> {
    let is_gone = |word: &str| (around.is_gone)(word.trim_start_matches("./"));
    let first = line.strip_prefix('\t').map(|line| line.trim_start_matches(['@', ' ']));
    if first
        .and_then(|line| line.split_whitespace().next())
        .is_some_and(|word| word.contains('/') && is_gone(word))
    {
        return None;
    }
    let (head, words) = match line.split_once(':').filter(|_| first.is_none()) {
        Some((target, needs)) => (format!("{target}:"), needs),
        None => (String::new(), line),
    };
    let kept: Vec<&str> = words.split(' ').filter(|word| !is_gone(word)).collect();
    Some(format!("{head}{}", kept.join(" ")))
}

fn recipe<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    lines.iter().copied().filter(|line| line.starts_with('\t')).collect()
}

fn needs<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let heads = lines.iter().filter(|line| !line.starts_with('\t'));
    let behind = heads.filter_map(|line| line.split_once(':')).map(|(_, behind)| behind);
    behind.flat_map(str::split_whitespace).filter(|word| *word != "|").collect()
}

fn heads<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let heads = lines.iter().filter(|line| !line.starts_with('\t'));
    heads.map(|line| line.split_once(':').map_or(*line, |(target, _)| target).trim()).collect()
}

fn rule_grew(old: &[&str], new: &[&str], last: bool, around: &Around<'_>) -> bool {
    let (before, after) = (recipe(old), recipe(new));
    let (old_needs, new_needs) = (needs(old), needs(new));
    // A file that no rule makes is only waited for.
    let waits = |word: &str| (around.is_there)(word) && (around.is_made)(word).is_none();
    let may = |word: &&str| is_plain(word) && (is_file(word) || is_check(word) || waits(word));
    let needed = added(&old_needs, &new_needs).is_some_and(|more| more.iter().all(may))
        || (last && after.is_empty() && new_needs.starts_with(&old_needs));
    let kept = before
        .iter()
        .zip(&after)
        .all(|(old, new)| quiet(old) == quiet(new) || compiles_more(old, new) || tells_more(old, new));
    let added = after.get(before.len()..);
    let safe = |line: &&str| is_compiled(line) || (last && !before.is_empty());
    heads(old) == heads(new) && needed && kept && added.is_some_and(|added| added.iter().all(safe))
}

fn variable_grew(old: &[&str], new: &[&str], around: &Around<'_>) -> bool {
    let ([old], [new]) = (old, new) else { return false };
    let name = old.split(['=', ':', '+', '?', ' ']).next().unwrap_or_default();
    let flags = FLAG_NAMES.iter().any(|end| name.ends_with(end));
    let after: Vec<&str> = new.split_whitespace().collect();
    let all: Vec<&str> = old.split_whitespace().collect();
    let goes = |word: &str| (flags && is_tuning(word)) || (around.is_gone)(word.trim_start_matches("./"));
    let before: Vec<&str> = all.iter().copied().filter(|word| !goes(word) || after.contains(word)).collect();
    let ending = |word: &str| word.rsplit_once('.').map(|(_, ending)| ending.to_owned());
    let alike =
        |word: &str| ending(word).is_some_and(|own| all.iter().any(|old| ending(old).as_ref() == Some(&own)));
    // A list of programs that the makefile builds.
    let is_built = |word: &str| (around.is_made)(word).is_some_and(Piece::only_builds);
    let programs =
        all.iter().skip_while(|word| !word.contains('=')).skip(1).all(|word| is_built(word) || goes(word));
    let may = |word: &&str| {
        is_plain(word)
            && ((flags && is_flag(word))
                || (!word.starts_with('-') && (alike(word) || (programs && is_built(word)))))
    };
    added(&before, &after).is_some_and(|words| words.iter().all(may))
}

/// Whether a script says all that it said, with more calls of its own functions, or with more at its end where
/// nothing runs after it and it stops at what fails.
fn script_grew(old: &[&str], new: &[&str], last: bool) -> bool {
    let functions: Vec<&str> =
        old.iter().filter_map(|line| line.trim().split_once("()")).map(|(name, _)| name.trim()).collect();
    let whole = old.join("\n");
    let calls = |line: &str| {
        let line = line.trim();
        let name = line.split_whitespace().next().unwrap_or_default();
        let inside = line.split("$(").skip(1);
        let known = inside
            .filter_map(|part| part.split_whitespace().next())
            .all(|word| whole.contains(&format!("$({word}")));
        let told = line.contains(' ') && !whole.contains("exit 0");
        functions.contains(&name) && told && known && !line.contains([';', '|', '&', '<', '>', '`', '\\'])
    };
    if added(old, new).is_some_and(|lines| lines.iter().all(|line| calls(line))) {
        return true;
    }
    let stops = old.iter().take(10).any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.first() == Some(&"set")
            && words.get(1).is_some_and(|word| word.starts_with('-') && word.contains('e'))
    });
    let end = old.last().copied().unwrap_or_default();
    let ends_well = !end.contains("&&") && !end.contains("||") && !end.ends_with('\\');
    let left = end.trim_end().ends_with("|| exit 1");
    last && (stops && ends_well || left) && new.starts_with(old)
}

/// Whether a script in another language says all that it said, and more that leaves nothing early and bends
/// nothing: more assertions, more imports.
fn program_grew(old: &[&str], new: &[&str]) -> bool {
    const BENDS: [&str; 24] = [
        "exit",
        "quit",
        "process.",
        "os.",
        "sys.",
        "return",
        "try",
        "except",
        "catch",
        "mock",
        "write",
        "\"\"\"",
        "'''",
        "/*",
        "*/",
        "False",
        "false",
        "eval",
        "exec",
        "spawn",
        "setattr",
        "prototype",
        "lambda",
        "subprocess",
    ];
    let mut left = old.iter().peekable();
    for line in new {
        let kept = left.next_if(|old| *old == line || imports_more(old, line)).is_some();
        let set = line.split_once('=').is_some_and(|(name, value)| {
            let name = name.trim_end();
            !value.starts_with(['=', '>'])
                && !name.ends_with(['=', '!', '<', '>'])
                && (name.contains("assert") || name.contains("expect"))
        });
        if !kept && (set || BENDS.iter().any(|word| line.contains(word))) {
            return false;
        }
    }
    left.peek().is_none()
}

/// Whether a line imports what it did, and more.
fn imports_more(old: &str, new: &str) -> bool {
    let split = |c: char| !(c.is_alphanumeric() || "_./'\"@-".contains(c));
    let (before, after): (Vec<&str>, Vec<&str>) = (old.split(split).collect(), new.split(split).collect());
    let is_import = old.starts_with("import ") || old.starts_with("from ") || old.contains("require(");
    is_import && added(&before, &after).is_some_and(|words| words.iter().all(|word| is_plain(word)))
}
